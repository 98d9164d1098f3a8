// A justified section of photos of which only the rows near the window exist as elements.
import { justify } from "./rows.js";
import { adopt, discard, dress, fromElement, isBare, makeTile, position } from "./tile.js";

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
      adopt(element);
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
    for (const tile of tiles.values()) discard(tile);
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

  /**
   * Make the tiles near the window, drop those far away; the one with focus stays. What is in the window comes first.
   *
   * @param {object} frame `top` of the list and `height` of the window, as read; `until` when to stop; `flying` when
   *   pictures need not be asked for yet
   * @returns {boolean} false when something is left for the next frame
   */
  show({ top = this.top, height = innerHeight, until = Infinity, flying = false } = {}) {
    const [first, last] = [lowerBound(this.boxes, -top - MARGIN), upperBound(this.boxes, height - top + MARGIN)];
    this.clear((index) => index < first || index >= last);
    const [from, to] = [lowerBound(this.boxes, -top), upperBound(this.boxes, height - top)];
    const make = (index) => this.make(index);
    const fill = (index) => flying || this.fill(index);
    const rest = [[to, last], [first, from]];
    return [[[from, to], make], [[from, to], fill], ...rest.map((span) => [span, make]), ...rest.map((span) => [span, fill])].every(([[start, end], run]) => {
      for (let index = start; index < end; index++) {
        if (performance.now() > until) return false;
        run(index);
      }
      return true;
    });
  }

  /** Drop tiles, but not the one with focus: all of a section that is out of sight, or those that `which` names. */
  clear(which = () => true) {
    for (const [index, tile] of this.shown) {
      if (!which(index) || tile.contains(document.activeElement)) continue;
      discard(tile);
      this.shown.delete(index);
    }
  }

  make(index) {
    if (this.shown.has(index)) return;
    const tile = makeTile(this.photos[index]);
    position(tile, this.boxes[index]);
    this.shown.set(index, tile);
    this.insert(index, tile);
  }

  fill(index) {
    const tile = this.shown.get(index);
    if (isBare(tile)) dress(tile, this.photos[index]);
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
const lowerBound = (boxes, y) => bound(boxes, (box) => box.y + box.height < y);

/** The first box whose upper edge is at or below `y`. */
const upperBound = (boxes, y) => bound(boxes, (box) => box.y < y);

/** The first box for which `before` does not hold. */
function bound(boxes, before) {
  let [low, high] = [0, boxes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (before(boxes[middle])) low = middle + 1;
    else high = middle;
  }
  return low;
}
