// Selecting photos: a tick on every tile, Shift for a range, dragging, a long press, and the keyboard: x on the focused
// one, Shift with arrows, Ctrl+A. What is done with them is in the batch bar, to which "." leads.
import { BatchBar } from "./batch.js";
import { h, icon, typing } from "./dom.js";
import { t } from "./i18n.js";
import { offerKeys, showKeys } from "./keys.js";
import { Choosing, tellChosen } from "./choosing.js";
import { Drag } from "./selection_drag.js";
import { complain } from "./toast.js";

const keys = () => [
  ["← ↑ → ↓", t("keys.walk")], ["Enter", t("keys.open")], ["x", t("keys.select")], ["Shift ← →", t("keys.range")], ["Ctrl A", t("keys.all")], [".", t("keys.act")],
  ["Ctrl Z", t("undo")], ["+ −", t("keys.size")], ["/", t("keys.search")], ["Esc", t("keys.clear")],
];
const ARROWS = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]);

export class Selection {
  /**
   * @param {HTMLElement} host the grid or timeline
   * @param {object} list what it knows of its photos:
   *   order(): every loaded photo in reading order; span(a, b): ids from one to the other, loading what lies between;
   *   all(id): ids to take for Ctrl+A; gone(ids): called when photos leave the list; back(): when they return
   */
  constructor(host, list) {
    Object.assign(this, { host, list, ids: new Set(), anchor: null });
    this.choosing = host.dataset.into ? new Choosing(this, host.dataset) : null;
    this.bar = new BatchBar(this);
    this.drag = new Drag(this);
    host.addEventListener("pointerover", (event) => this.offer(event.target.closest(".tile")));
    host.addEventListener("focusin", (event) => {
      const tile = event.target.closest(".tile");
      this.offer(tile);
      if (tile) this.place = [...host.querySelectorAll(".tile")].indexOf(tile);
    });
    host.addEventListener("click", (event) => this.click(event), { capture: true });
    document.addEventListener("keydown", (event) => this.key(event));
    offerKeys(() => showKeys(keys()));
    if (this.choosing) queueMicrotask(() => this.set(this.choosing.kept));
    else if (host.dataset.album) tellChosen(host.dataset.album);
    // Tiles come and go while scrolling; a new one must show whether it is selected.
    new MutationObserver((records) => this.mark(records)).observe(host, { childList: true, subtree: true });
  }

  /** Give a tile its tick when it is first pointed at or focused: most tiles never need one. */
  offer(tile) {
    if (!tile || tile.querySelector(".tick")) return;
    const tick = h("button", { class: "tick", type: "button", "aria-label": t("select.one"), "aria-pressed": String(this.ids.has(tile.dataset.id)) }, icon("check-circle"));
    tile.append(tick);
  }

  click(event) {
    const tile = event.target.closest(".tile");
    if (!tile) return;
    const onTick = event.target.closest(".tick");
    if (!onTick && this.ids.size === 0 && !this.choosing) return;
    event.preventDefault();
    event.stopPropagation();
    this.toggle(tile.dataset.id, event.shiftKey).catch(complain);
  }

  key(event) {
    if (typing(event) || document.querySelector("dialog[open]")) return;
    const tile = document.activeElement?.closest?.(".tile");
    const inside = tile && this.host.contains(tile);
    if (event.key.toLowerCase() === "x" && inside && !event.ctrlKey && !event.metaKey) this.toggle(tile.dataset.id, event.shiftKey).catch(complain);
    else if (event.key === "Escape" && this.ids.size) this.set([]);
    else if (event.key === "." && this.ids.size) this.bar.focus();
    else if (event.key === "?") showKeys(keys());
    else if (event.key === "a" && (event.ctrlKey || event.metaKey) && (inside || this.ids.size)) this.takeAll(event, inside ? tile.dataset.id : this.anchor);
    else if (ARROWS.has(event.key) && inside) this.walk(event, tile);
  }

  takeAll(event, id) {
    event.preventDefault();
    Promise.resolve(this.list.all(id)).then((ids) => this.add(ids), complain);
  }

  /** Arrow keys go to the neighbour the eye expects; with Shift they take what they pass. */
  walk(event, tile) {
    const next = neighbour([...this.host.querySelectorAll(".tile")], tile, event.key);
    if (!next) return;
    event.preventDefault();
    next.querySelector("a").focus();
    next.scrollIntoView({ block: "nearest" });
    if (!event.shiftKey) return;
    this.anchor ??= tile.dataset.id;
    if (!this.ids.size) this.anchor = tile.dataset.id;
    const base = this.walked?.anchor === this.anchor ? this.walked.base : new Set(this.ids);
    this.walked = { anchor: this.anchor, base };
    this.set([...base, ...this.between(this.anchor, next.dataset.id)]);
  }

  async toggle(id, range) {
    const wanted = !this.ids.has(id);
    const span = range && this.anchor ? await this.list.span(this.anchor, id) : [id];
    const ids = new Set(this.ids);
    for (const one of span) wanted ? ids.add(one) : ids.delete(one);
    this.anchor = id;
    this.walked = null;
    this.set(ids);
  }

  add(ids) {
    this.set([...this.ids, ...ids]);
  }

  /** The loaded photos from one to the other, both included. */
  between(a, b) {
    return slice(this.list.order().map((photo) => photo.id), a, b);
  }

  set(ids) {
    this.ids = new Set(ids);
    if (!this.ids.size) this.anchor = this.walked = null;
    for (const tile of this.host.querySelectorAll(".tile")) this.paint(tile);
    this.host.classList.toggle("selecting", this.ids.size > 0 || Boolean(this.choosing));
    this.host.dispatchEvent(new CustomEvent("albumen:selected"));
    this.bar.show();
  }

  /** The bar went away with the focus in it: back to the photo that had it, or to the one now in its place. */
  refocus() {
    const tiles = this.host.querySelectorAll(".tile");
    tiles[Math.min(this.place ?? 0, tiles.length - 1)]?.querySelector("a").focus();
  }

  mark(records) {
    if (!this.ids.size) return;
    for (const { addedNodes } of records) for (const node of addedNodes) if (node.classList?.contains("tile")) this.paint(node);
  }

  paint(tile) {
    const chosen = this.ids.has(tile.dataset.id);
    tile.classList.toggle("selected", chosen);
    if (chosen) this.offer(tile);
    tile.querySelector(".tick")?.setAttribute("aria-pressed", String(chosen));
  }
}

/** The ids of a list from one to the other, whichever comes first; just the second when one is not in it. */
export function slice(all, a, b) {
  const [from, to] = [all.indexOf(a), all.indexOf(b)].sort((x, y) => x - y);
  return from < 0 ? [b] : all.slice(from, to + 1);
}

function neighbour(tiles, tile, key) {
  const at = tiles.indexOf(tile);
  if (key === "ArrowLeft") return tiles[at - 1];
  if (key === "ArrowRight") return tiles[at + 1];
  const here = tile.getBoundingClientRect();
  const centre = here.left + here.width / 2;
  const others = tiles.map((one) => ({ one, box: one.getBoundingClientRect() }));
  const down = key === "ArrowDown";
  const rows = others.filter(({ box }) => (down ? box.top > here.top + 4 : box.top < here.top - 4));
  const top = down ? Math.min(...rows.map(({ box }) => box.top)) : Math.max(...rows.map(({ box }) => box.top));
  const off = ({ box }) => Math.abs(box.left + box.width / 2 - centre);
  return rows.filter(({ box }) => Math.abs(box.top - top) < 4).sort((a, b) => off(a) - off(b))[0]?.one;
}
