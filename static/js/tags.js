// Tags of one photo: confirm, remove and add without leaving the page. The forms underneath do the same without.
import { api } from "./api.js";
import { Completer } from "./complete.js";
import { h, icon } from "./dom.js";
import { formatNumber, formatPercent, t } from "./i18n.js";
import { complain, toast } from "./toast.js";
import { whyButton } from "./viewer_why.js";
import { loadTags, matchTags } from "./words.js";

class TagEditor extends HTMLElement {
  connectedCallback() {
    this.list = this.querySelector(".tag-list");
    this.rejected = this.querySelector(".rejected-tags");
    this.addEventListener("submit", (event) => this.submitted(event));
    this.addEventListener("click", (event) => this.pressed(event));
    this.list.classList.add("chips");
    for (const line of this.list.querySelectorAll(".tag-line")) opens(line);
    const input = this.querySelector("#new-tag");
    if (input) new Completer(input, async (text) => (text.trim() ? this.offers(text) : []));
  }

  async offers(text) {
    const here = new Set([...this.list.querySelectorAll(".tag-line")].map((line) => line.dataset.slug));
    const found = matchTags(await loadTags(), text).filter((tag) => !here.has(tag.slug));
    return found.map((tag) => ({ label: tag.name, kind: tag.count ? formatNumber(tag.count) : t("search.unused"), apply: () => this.add(tag.name) }));
  }

  /** A tag that is pressed says how sure it is and what can be done about it; with a key held it is a link as ever. */
  pressed(event) {
    const link = event.target.closest(".tag-line > a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.open(link.parentElement);
  }

  /** Open this tag, or close it when it is open; at most one is. */
  open(line) {
    const wanted = !line.matches(".open");
    this.list.querySelector(".why")?.previousElementSibling.querySelector("[data-why]").click();
    for (const one of this.list.querySelectorAll(".tag-line")) {
      const open = wanted && one === line;
      one.classList.toggle("open", open);
      one.firstElementChild.setAttribute("aria-expanded", String(open));
    }
  }

  async submitted(event) {
    event.preventDefault();
    const form = event.target;
    if (form.matches("[data-add-tag]")) {
      await this.add(form.elements.name.value.trim());
      return;
    }
    const { slug } = form.closest("[data-slug]").dataset;
    try {
      await api(...this.saying(slug, form.elements.verdict.value));
    } catch (error) {
      complain(error);
      return;
    }
    if (form.elements.verdict.value === "reject") this.removed(form.closest(".tag-line"));
    else {
      await this.reload();
      this.querySelector(`[data-slug="${CSS.escape(slug)}"] a`)?.focus();
    }
  }

  /** The request that says yes or no to a tag, or takes back what was said. */
  saying(slug, verdict) {
    const path = this.path(slug);
    return { confirm: ["PUT", path], reject: ["DELETE", path], none: ["DELETE", `${path}/verdict`] }[verdict];
  }

  path(slug) {
    return `/photos/${this.dataset.id}/tags/${encodeURIComponent(slug)}`;
  }

  removed(line) {
    const { name, slug } = line.dataset;
    const before = line.matches(".confirmed") ? "confirm" : "none";
    if (line.nextElementSibling?.matches(".why")) line.querySelector("[data-why]").click();
    const all = [...this.list.querySelectorAll(".tag-line")];
    const next = all[all.indexOf(line) + 1] ?? all[all.indexOf(line) - 1];
    (next?.querySelector("a") ?? this.querySelector("#new-tag"))?.focus();
    line.remove();
    this.reload().catch(complain);
    toast(t("tag.removed", { name }), {
      action: t("undo"),
      run: async () => {
        await api(...this.saying(slug, before)).catch(complain);
        await this.reload();
      },
    });
  }

  async add(name) {
    const input = this.querySelector("#new-tag");
    if (!name) return;
    try {
      await api("PUT", this.path(name));
      input.value = "";
      await this.reload();
    } catch (error) {
      complain(error);
    }
  }

  /** Draw the lists anew from what the server says now. */
  async reload() {
    const { tags } = await api("GET", `/photos/${this.dataset.id}`);
    const rejected = tags.filter((tag) => tag.state === "rejected");
    const at = document.activeElement?.closest?.(".tag-line")?.dataset.slug;
    // One that only gathers others says nothing of a photo.
    const shown = tags.filter((tag) => tag.state !== "rejected" && !(tag.slug === "photo-kind" && tag.broader));
    const aside = shown.filter((tag) => tag.broader && tag.state !== "confirmed");
    const main = shown.filter((tag) => !aside.includes(tag)).map((tag) => this.line(tag));
    const label = aside.length ? [h("li", { class: "break", "aria-hidden": "true" }), h("li", { class: "also quiet" }, t("tag.also"))] : [];
    this.list.replaceChildren(...main, ...label, ...aside.map((tag) => this.line(tag, true)));
    if (at) this.list.querySelector(`[data-slug="${CSS.escape(at)}"] a`)?.focus();
    this.rejected.hidden = !rejected.length;
    this.rejected.querySelector("ul").replaceChildren(...rejected.map((tag) => this.gone(tag)));
  }

  line(tag, aside = false) {
    const confirmed = tag.state === "confirmed";
    const line = h(
      "li",
      { class: `tag-line ${tag.state}${aside ? " broader" : ""}`, dataset: { slug: tag.slug, name: tag.name } },
      h("a", { href: `/search?q=${encodeURIComponent(`tag:${tag.slug}`)}` }, tag.name),
      h("span", { class: "figures" }, tag.source === "user" ? t("tag.yours") : formatPercent(tag.confidence)),
      h(
        "span",
        { class: "actions" },
        whyButton(tag.name),
        confirmed
          ? verdict("none", [icon("check"), t("tag.right")], t("tag.unconfirm", { name: tag.name }), "button tight kept-mark")
          : verdict("confirm", [t("tag.right")], t("tag.confirm", { name: tag.name })),
        verdict("reject", [t("tag.wrong")], t("tag.reject", { name: tag.name })),
      ),
    );
    opens(line);
    return line;
  }

  gone(tag) {
    return h("li", { class: "chip", dataset: { slug: tag.slug } }, tag.name, verdict("none", [icon("undo")], t("tag.unreject", { name: tag.name }), ""));
  }
}

function verdict(value, inside, label, kind = "button tight") {
  return h("form", { method: "post" }, h("input", { type: "hidden", name: "verdict", value }), h("button", { class: kind, "aria-label": label, title: label }, ...inside));
}

/** The name opens the line; the photos with the tag are one of the things to press in it. */
function opens(line) {
  const [link] = line.children;
  link.setAttribute("role", "button");
  link.setAttribute("aria-expanded", "false");
  line.querySelector(".actions").prepend(h("a", { class: "button tight", href: link.href, "aria-label": t("tag.photos_of", { name: line.dataset.name }) }, t("tag.photos")));
}

customElements.define("tag-editor", TagEditor);
