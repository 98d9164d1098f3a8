// A justified section of photos of which only the rows near the window exist as elements.
import { justify, measures } from "./rows.js";
import { dress, fromElement, makeTile, position } from "./tile.js";

const MARGIN = 900; // pixels above and below the window that are kept ready

export class Section {
  /** @param {HTMLElement} list the `<ul class="grid">` to fill */
  constructor(list, photos = []) {
    this.list = list;
    this.photos = photos;
    this.boxes = [];
    this.shown = new Map();
  }

  /** Take over the tiles the server rendered. */
  adopt() {
    for (const element of this.list.children) {
      const photo = fromElement(element);
      this.shown.set(this.photos.length, element);
      this.photos.push(photo);
      dress(element, photo);
    }
    return this;
  }

  append(photos) {
    const known = new Set(this.photos.map((photo) => photo.id));
    this.photos.push(...photos.filter((photo) => !known.has(photo.id)));
  }

  replace(photos) {
    this.clear();
    this.photos = photos;
  }

  remove(ids) {
    this.replace(this.photos.filter((photo) => !ids.has(photo.id)));
  }

  layout() {
    const width = this.list.clientWidth;
    if (!width) return;
    const { target, gap } = measures(this.list);
    const { boxes, height } = justify(this.photos.map((photo) => photo.ratio), width, target, gap);
    this.boxes = boxes;
    this.list.classList.add("laid");
    this.list.style.height = `${height}px`;
    for (const [index, tile] of this.shown) position(tile, boxes[index]);
    this.show();
  }

  /** Make the tiles near the window, drop those far away; the one with focus stays. */
  show() {
    const top = this.list.getBoundingClientRect().top;
    const from = -top - MARGIN;
    const to = -top + innerHeight + MARGIN;
    const wanted = new Set();
    for (let i = lowerBound(this.boxes, from); i < this.boxes.length && this.boxes[i].y < to; i++) wanted.add(i);
    for (const [index, tile] of this.shown) {
      if (wanted.has(index) || tile.contains(document.activeElement)) continue;
      tile.remove();
      this.shown.delete(index);
    }
    for (const index of wanted) {
      if (this.shown.has(index)) continue;
      const tile = makeTile(this.photos[index]);
      position(tile, this.boxes[index]);
      this.shown.set(index, tile);
      this.insert(index, tile);
    }
  }

  /** Scroll so that a photo stands `top` pixels below the window's edge (in any case within it), and focus it. */
  reveal(index, top) {
    const box = this.boxes[index];
    if (!box) return;
    const wanted = Math.min(Math.max(top, 80), Math.max(80, innerHeight - box.height - 80));
    scrollTo(0, scrollY + this.list.getBoundingClientRect().top + box.y - wanted);
    this.show();
    this.shown.get(index)?.querySelector("a").focus({ preventScroll: true });
  }

  /** Put a tile where it belongs in the reading order, so that Tab and screen readers follow the eye. */
  insert(index, tile) {
    for (let i = index + 1; i <= index + 40 && i < this.photos.length; i++) {
      const next = this.shown.get(i);
      if (next) return this.list.insertBefore(tile, next);
    }
    return this.list.append(tile);
  }

  clear() {
    for (const tile of this.shown.values()) tile.remove();
    this.shown.clear();
    this.boxes = [];
  }
}

/** The first box whose lower edge is below `y`; boxes are in rows from top to bottom. */
function lowerBound(boxes, y) {
  let [low, high] = [0, boxes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (boxes[middle].y + boxes[middle].height < y) low = middle + 1;
    else high = middle;
  }
  return low;
}
