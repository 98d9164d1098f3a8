// The photo page: next and previous in the order one came from, keys, zoom, swipe, boxes that light up with their
// words, the heart without a reload.
import { api } from "./api.js";
import { ask } from "./dialog.js";
import { h, icon, typing } from "./dom.js";
import { t } from "./i18n.js";
import { placeholder } from "./thumbhash.js";
import { complain, toast } from "./toast.js";
import { Zoom } from "./zoom.js";

class PhotoViewer extends HTMLElement {
  connectedCallback() {
    this.picture = this.querySelector(".picture");
    const image = this.picture.querySelector("img");
    if (this.picture.dataset.thumbhash && !image.complete) {
      const ratio = image.getAttribute("width") / image.getAttribute("height");
      this.picture.style.backgroundImage = `url(${placeholder(this.picture.dataset.thumbhash, ratio, 32)})`;
      image.addEventListener("load", () => (this.picture.style.backgroundImage = ""), { once: true });
    }
    this.zoom = new Zoom(this.picture, this.querySelector(".picture-frame"), { next: () => this.turn(1), previous: () => this.turn(-1) });
    this.querySelector("[data-toggle-favorite]")?.addEventListener("submit", (event) => this.love(event));
    this.linkBoxes();
    this.findNeighbours().catch(complain);
    document.addEventListener("keydown", (event) => this.key(event));
    addEventListener("albumen:photos", (event) => this.changed(event.detail));
  }

  // --- neighbours ------------------------------------------------------------------------------------------------

  async findNeighbours() {
    const { id } = this.dataset;
    const list = JSON.parse(sessionStorage.getItem("albumen.list") ?? "null");
    let ids = list?.ids ?? [];
    if (ids.includes(id)) this.querySelector("[data-back]").href = list.back;
    else ids = await this.monthOf(id);
    const at = ids.indexOf(id);
    this.link("previous", "left", ids[at - 1]);
    this.link("next", "right", at < 0 ? undefined : ids[at + 1]);
    // The neighbours' pictures load while this one is looked at, so that turning is instant.
    for (const near of [ids[at + 1], ids[at - 1]]) if (at >= 0 && near) new Image().src = `/api/v1/photos/${near}/rendition/preview`;
  }

  /** Without a list to follow (a link from elsewhere) the photo's own month is the order. */
  async monthOf(id) {
    const photo = await api("GET", `/photos/${id}`);
    if (photo.deleted_at || photo.archived) return [];
    const page = await api("GET", `/photos?q=date:${photo.taken_at.slice(0, 7)}&limit=500`);
    return page.items.map((item) => item.id);
  }

  link(side, symbol, id) {
    this[side] = id;
    if (!id) return;
    const label = this.dataset[side === "next" ? "labelNext" : "labelPrevious"];
    this.picture.append(h("a", { class: `turn ${side}`, href: `/photo/${id}`, rel: side === "next" ? "next" : "prev", "aria-label": label, onclick: (event) => this.followed(event, side) }, icon(symbol)));
  }

  followed(event, side) {
    event.preventDefault();
    this.turn(side === "next" ? 1 : -1);
  }

  /** Replace rather than push: the way back leads to the list, not through every photo seen. */
  turn(step) {
    const id = step > 0 ? this.next : this.previous;
    if (id) location.replace(`/photo/${id}`);
  }

  // --- boxes -----------------------------------------------------------------------------------------------------

  linkBoxes() {
    const box = (event) => {
      const chip = event.target.closest(".chip[data-box]");
      for (const lit of this.querySelectorAll(".boxes .lit")) lit.classList.remove("lit");
      if (chip && (event.type === "pointerover" || event.type === "focusin")) {
        this.querySelector(`.boxes [data-box="${chip.dataset.box}"]`)?.classList.add("lit");
      }
    };
    for (const type of ["pointerover", "pointerout", "focusin", "focusout"]) this.querySelector(".panel").addEventListener(type, box);
  }

  // --- actions ---------------------------------------------------------------------------------------------------

  async love(event) {
    event.preventDefault();
    const form = event.target;
    const wanted = form.elements.value.value === "1";
    try {
      await api("PATCH", `/photos/${this.dataset.id}`, { favorite: wanted });
    } catch (error) {
      complain(error);
      return;
    }
    form.elements.value.value = wanted ? "0" : "1";
    form.querySelector("button").setAttribute("aria-pressed", String(wanted));
  }

  key(event) {
    if (typing(event) || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const press = (selector) => this.querySelector(selector)?.click();
    const keys = {
      ArrowLeft: () => this.turn(-1),
      ArrowRight: () => this.turn(1),
      Escape: () => (this.zoom.zoomed ? this.zoom.reset() : press("[data-back]")),
      f: () => press("[data-toggle-favorite] button"),
      b: () => press(".boxes-toggle"),
      t: () => this.querySelector("#new-tag")?.focus(),
      z: () => this.zoom.toggle(),
      Delete: () => press('form[action$="/delete"] button'),
      "?": () => this.help(),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  }

  help() {
    const rows = [["← →", "move"], ["f", "favorite"], ["b", "boxes"], ["t", "tag"], ["z", "zoom"], ["Del", "delete"], ["Esc", "back"]];
    const list = h("dl", { class: "facts" }, ...rows.flatMap(([key, name]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, t(`keys.${name}`))]));
    return ask(t("keys.title"), [list], t("dismiss"));
  }

  /** The photo was understood while it was open: show it, unless someone is writing. */
  changed(ids) {
    if (!ids.has(this.dataset.id) || this.dataset.status !== "pending") return;
    const writing = document.activeElement?.matches("input, textarea, select");
    if (writing) toast(t("ready"), { action: t("show"), run: () => location.reload(), stay: 60_000 });
    else location.reload();
  }
}

customElements.define("photo-viewer", PhotoViewer);
