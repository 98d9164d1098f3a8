// Why a photo has a tag: what saw it and how sure, where in the picture, which taught examples are most like it.
import { api } from "./api.js";
import { h } from "./dom.js";
import { formatPercent, t } from "./i18n.js";

export class Why {
  constructor(viewer) {
    this.viewer = viewer;
    this.open = null; // {line, button, panel}
    viewer.addEventListener("click", (event) => {
      const button = event.target.closest("[data-why]");
      if (button) this.toggle(button);
    });
  }

  toggle(button) {
    const again = this.open?.button === button;
    this.close();
    if (!again) this.explain(button);
  }

  close() {
    if (!this.open) return;
    const { button, panel } = this.open;
    this.open = null;
    if (panel.contains(document.activeElement)) button.focus();
    button.setAttribute("aria-expanded", "false");
    panel.remove();
    this.heat?.remove();
    this.viewer.boxes.light([], []);
  }

  async explain(button) {
    const line = button.closest(".tag-line");
    const panel = h("li", { class: "why", role: "status" }, h("p", { class: "quiet" }, t("why.looking")));
    line.after(panel);
    button.setAttribute("aria-expanded", "true");
    const here = (this.open = { line, button, panel });
    try {
      const found = await api("GET", `/photos/${this.viewer.dataset.id}/tags/${encodeURIComponent(line.dataset.slug)}/evidence`);
      if (this.open === here) this.tell(found, panel);
    } catch (error) {
      if (this.open === here) panel.replaceChildren(h("p", {}, error.status === 404 ? t("why.none") : error.message));
    }
  }

  tell(found, panel) {
    const known = ["scene", "object", "face", "cue", "learned", "user"].includes(found.source);
    const percent = formatPercent(found.confidence);
    const things = [...this.viewer.querySelectorAll("[data-name][data-box]")].filter((one) => one.dataset.tags.split(" ").includes(found.slug)).map((one) => one.dataset.name);
    let source = known ? t(`why.${found.source}`, { percent }) : percent;
    if (found.source === "object" && things.length) source = t("why.found", { things: things.join(t("why.separator")), percent });
    const parts = [h("p", {}, source)];
    if (found.heat_map) parts.push(this.map(found));
    if (found.examples.length) parts.push(h("p", { class: "small quiet" }, t("why.examples")), h("ul", { class: "thumbs" }, ...found.examples.map(example)));
    if (found.source === "learned") parts.push(h("p", {}, h("a", { href: `/tag/${encodeURIComponent(found.slug)}/review` }, t("why.review"))));
    panel.replaceChildren(...parts);
  }

  /** The map over the picture; on a phone, where the picture has scrolled away, over a small one in the panel too. */
  map(found) {
    const layer = () => h("img", { class: "heat waiting", src: found.heat_map, alt: t("why.where", { name: found.name }) });
    this.heat = layer();
    const small = layer();
    const note = h("p", { class: "small quiet" }, t("why.map"));
    for (const image of [this.heat, small]) image.addEventListener("load", () => image.classList.remove("waiting"));
    this.heat.addEventListener("load", () => (note.textContent = t("why.legend")));
    this.heat.addEventListener("error", () => (note.textContent = t("why.no_map")));
    this.viewer.querySelector(".picture-frame").append(this.heat);
    const { image } = this.viewer;
    const figure = h("span", { class: "why-figure" }, h("img", { src: image.src, alt: "" }), small);
    figure.style.aspectRatio = `${image.getAttribute("width")} / ${image.getAttribute("height")}`;
    return h("div", {}, figure, note);
  }
}

const example = ({ photo_id: id, similarity }) =>
  h("li", {}, h("a", { href: `/photo/${id}`, title: formatPercent(similarity) }, h("img", { src: `/api/v1/photos/${id}/rendition/grid`, alt: t("why.example", { percent: formatPercent(similarity) }) })));

/** The button that asks, for a line of the tag list. */
export const whyButton = (name) =>
  h("button", { class: "button tight", type: "button", "aria-expanded": "false", "aria-label": t("why", { name }), dataset: { why: "" } }, t("tag.why_short"));
