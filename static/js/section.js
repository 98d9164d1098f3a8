// A justified section of photos of which only the rows near the window exist as elements.
import { justify } from "./rows.js";
import { dress, fromElement, makeTile, position } from "./tile.js";

const MARGIN = 900; // pixels above and below the window that are kept ready

export class Section {
  /** @param {HTMLElement} list the `<ul class="grid">` to fill */
  constructor(list) {
    this.list = list;
    this.photos = [];
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

  /** Other photos; those that stay keep their elements, so that nothing flickers. */
  replace(photos) {
    const tiles = new Map([...this.shown].map(([index, tile]) => [this.photos[index].id, tile]));
    this.photos = photos;
    this.boxes = [];
    this.shown.clear();
    photos.forEach((photo, index) => {
      const tile = tiles.get(photo.id);
      if (!tile) return;
      this.shown.set(index, tile);
      tiles.delete(photo.id);
    });
    for (const tile of tiles.values()) tile.remove();
  }

  remove(ids) {
    this.replace(this.photos.filter((photo) => !ids.has(photo.id)));
  }

  /** Lay out for a width and the measures of the style sheet; nothing is read from the page. Gives the height. */
  layout(width, { target, gap }) {
    const { boxes, height } = justify(this.photos.map((photo) => photo.ratio), width, target, gap);
    this.boxes = boxes;
    for (const [index, tile] of this.shown) position(tile, boxes[index]);
    this.setHeight(height);
    return height;
  }

  setHeight(height) {
    this.list.classList.add("laid");
    this.list.style.height = `${height}px`;
    this.height = height;
  }

  get top() {
    return this.list.getBoundingClientRect().top;
  }

  /** Make the tiles near the window, drop those far away; the one with focus stays. `top` is the list's, as read. */
  show(top = this.top) {
    const from = -top - MARGIN;
    const to = -top + innerHeight + MARGIN;
    const first = lowerBound(this.boxes, from);
    let last = first;
    while (last < this.boxes.length && this.boxes[last].y < to) last++;
    for (const [index, tile] of this.shown) {
      if ((index >= first && index < last) || tile.contains(document.activeElement)) continue;
      tile.remove();
      this.shown.delete(index);
    }
    for (let index = first; index < last; index++) {
      if (this.shown.has(index)) continue;
      const tile = makeTile(this.photos[index]);
      position(tile, this.boxes[index]);
      this.shown.set(index, tile);
      this.insert(index, tile);
    }
  }

  /** The first photo that reaches below `y` of the window, with where it stands there. */
  at(y) {
    const { top } = this;
    const index = lowerBound(this.boxes, y - top);
    return index < this.boxes.length ? { id: this.photos[index].id, top: top + this.boxes[index].y } : null;
  }

  /** Scroll so that a photo stands `top` pixels below the window's edge. */
  bring(id, top, { within = false } = {}) {
    const index = this.photos.findIndex((photo) => photo.id === id);
    const box = this.boxes[index];
    if (!box) return null;
    const wanted = within ? Math.min(Math.max(top, 80), Math.max(80, innerHeight - box.height - 80)) : top;
    scrollTo(0, scrollY + this.top + box.y - wanted);
    this.show();
    return this.shown.get(index);
  }

  /** Put a tile where it belongs in the reading order, so that Tab and screen readers follow the eye. */
  insert(index, tile) {
    for (let i = index + 1; i <= index + 40 && i < this.photos.length; i++) {
      const next = this.shown.get(i);
      if (next) return this.list.insertBefore(tile, next);
    }
    return this.list.append(tile);
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
