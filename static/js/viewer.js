// The photo page: turning to the next and previous photo, keys, zoom, boxes, evidence, the slide show, the heart
// without a reload. Turning puts the next photo's own page in place of this element, so each photo starts afresh.
import { api } from "./api.js";
import { h, icon, typing } from "./dom.js";
import { t } from "./i18n.js";
import { offerKeys, showKeys } from "./keys.js";
import "./photo_albums.js";
import "./similar.js";
import "./tags.js";
import { placeholder } from "./thumbhash.js";
import { complain, toast } from "./toast.js";
import { takeAway } from "./viewer_away.js";
import { Boxes } from "./viewer_boxes.js";
import { show } from "./viewer_show.js";
import { neighboursOf, Pages } from "./viewer_turn.js";
import { Why } from "./viewer_why.js";
import { Zoom } from "./zoom.js";

const PAN = 80; // pixels a key moves a zoomed picture

class PhotoViewer extends HTMLElement {
  connectedCallback() {
    this.over = new AbortController(); // ends what listens outside this element
    this.picture = this.querySelector(".picture");
    this.image = this.picture.querySelector("img");
    this.develop();
    this.zoom = new Zoom(this.picture, this.querySelector(".picture-frame"), { next: () => this.turn(1), previous: () => this.turn(-1) });
    this.boxes = new Boxes(this);
    this.why = new Why(this);
    this.pages = new Pages(this);
    this.querySelector("[data-toggle-favorite]")?.addEventListener("submit", (event) => this.love(event));
    this.addEventListener("submit", (event) => takeAway(this, event));
    this.addEventListener("click", (event) => this.clicked(event));
    const { signal } = this.over;
    document.addEventListener("keydown", (event) => this.key(event), { signal });
    addEventListener("albumen:photos", (event) => this.changed(event.detail), { signal });
    this.findNeighbours().catch(complain);
    this.mapWhenNear();
    offerKeys(() => this.help());
    show.arrived(this);
  }

  disconnectedCallback() {
    this.over.abort();
    this.boxes.close();
  }

  /** The placeholder until the picture is there. */
  develop() {
    const { thumbhash } = this.picture.dataset;
    if (!thumbhash || this.image.complete) return;
    const ratio = this.image.getAttribute("width") / this.image.getAttribute("height");
    this.picture.style.backgroundImage = `url(${placeholder(thumbhash, ratio, 32)})`;
    this.image.addEventListener("load", () => (this.picture.style.backgroundImage = ""), { once: true });
  }

  /** The world is large: it is fetched when the map comes into sight. */
  mapWhenNear() {
    const parts = this.querySelectorAll("use[data-near]");
    if (!parts.length) return;
    const watch = new IntersectionObserver(([entry]) => {
      if (!entry.isIntersecting) return;
      for (const part of parts) part.setAttribute("href", part.dataset.near);
      watch.disconnect();
    }, { rootMargin: "300px" });
    watch.observe(parts[0].parentElement);
  }

  // --- neighbours ------------------------------------------------------------------------------------------------

  async findNeighbours() {
    const near = neighboursOf(this.dataset.id, this.picture);
    if (near.back) this.querySelector("[data-back]").href = near.back;
    this.link("previous", "left", near.previous);
    this.link("next", "right", near.next);
    // Both neighbours are fetched while this photo is looked at, so that turning is instant.
    for (const id of [near.next, near.previous]) if (id) await this.pages.prepare(id);
  }

  link(side, symbol, id) {
    this[side] = id;
    this.picture.querySelector(`.turn.${side}`)?.remove();
    if (!id) return;
    const label = this.dataset[side === "next" ? "labelNext" : "labelPrevious"];
    this.picture.append(h("a", { class: `turn ${side}`, href: `/photo/${id}`, rel: side === "next" ? "next" : "prev", "aria-label": label }, icon(symbol)));
  }

  /** To the next (1) or previous (-1) photo; false at the end of the list. */
  turn(step) {
    const id = step > 0 ? this.next : this.previous;
    if (id) this.pages.turn(id).catch(complain);
    return Boolean(id);
  }

  // --- actions ---------------------------------------------------------------------------------------------------

  clicked(event) {
    const turn = event.target.closest(".turn");
    if (turn && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      this.turn(turn.matches(".next") ? 1 : -1);
    }
    if (event.target.closest("[data-show]")) show.start(this);
    const version = event.target.closest("[data-version]");
    if (version) this.showVersion(version);
  }

  /** An edit in place of the photo, or the photo again. */
  showVersion(button) {
    const on = button.getAttribute("aria-pressed") === "false";
    for (const other of this.querySelectorAll("[data-version]")) other.setAttribute("aria-pressed", String(on && other === button));
    this.original ??= this.image.src;
    this.image.src = on ? button.dataset.version : this.original;
    this.picture.classList.toggle("version", on);
    if (on) this.picture.scrollIntoView({ block: "nearest" });
  }

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
    if (event.key === "Escape" && typing(event)) event.target.blur(); // out of the field; once more, out of the photo
    if (typing(event) || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (show.key(event)) return;
    const press = (selector) => this.querySelector(selector)?.click();
    const { zoom } = this;
    const pan = (x, y, turn) => (zoom.zoomed ? zoom.pan(x * PAN, y * PAN) : turn && this.turn(turn));
    const keys = {
      ArrowLeft: () => pan(1, 0, -1),
      ArrowRight: () => pan(-1, 0, 1),
      ArrowUp: zoom.zoomed && (() => pan(0, 1)),
      ArrowDown: zoom.zoomed && (() => pan(0, -1)),
      Escape: () => (zoom.zoomed ? zoom.reset() : this.why.open ? this.why.close() : press("[data-back]")),
      f: () => press("[data-toggle-favorite] button"),
      b: () => press(".boxes-toggle"),
      e: () => press('a[href$="/edit"]'),
      s: () => press("[data-show]"),
      t: () => this.querySelector("#new-tag")?.focus(),
      z: () => zoom.toggle(),
      "+": () => zoom.by(1.4),
      "=": () => zoom.by(1.4),
      "-": () => zoom.by(1 / 1.4),
      0: () => zoom.reset(),
      Delete: () => press('form[action$="/delete"] button'),
      "?": () => this.help(),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  }

  help() {
    return showKeys([
      ["← →", t("keys.move")], ["z", t("keys.zoom")], ["+ − 0", t("keys.scale")], ["f", t("keys.favorite")], ["b", t("keys.boxes")],
      ["t", t("keys.tag")], ["e", t("keys.edit")], ["s", t("keys.show")], ["Del", t("keys.delete")], ["Esc", t("keys.back")],
    ]);
  }

  /** The photo was understood while it was open: show it, unless someone is writing. */
  changed(ids) {
    if (!ids.has(this.dataset.id) || this.dataset.status !== "pending") return;
    const writing = document.activeElement?.matches("input, textarea, select");
    if (writing) toast(t("ready"), { action: t("show"), run: () => location.reload(), stay: 60_000 });
    else this.pages.turn(this.dataset.id, { again: true }).catch(complain);
  }
}

customElements.define("photo-viewer", PhotoViewer);
