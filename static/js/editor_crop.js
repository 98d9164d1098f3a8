// The frame of a crop on the picture: drag it or its handles, or move them with the arrow keys.
import { h } from "./dom.js";
import { formatPercent, t } from "./i18n.js";

const LEAST = 0.03; // of the picture's side
const STEP = 0.01;
const HANDLES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];

export class CropFrame {
  /** @param {HTMLElement} canvas what it lies on; `changed(rect, settled)` hears {x, y, width, height} in 0..1. */
  constructor(canvas, rect, changed) {
    Object.assign(this, { canvas, changed, rect: { ...rect }, ratio: null });
    this.box = h("div", { class: "crop-box" }, ...[1, 2, 3, 4].map((n) => h("span", { class: `third t${n}` })));
    this.grips = [this.grip("move"), ...HANDLES.map((name) => this.grip(name))];
    this.box.append(...this.grips);
    this.says = h("span", { class: "unseen", role: "status" });
    this.element = h("div", { class: "crop", role: "group", "aria-label": t("editor.crop.label") }, this.box, this.says);
    canvas.append(this.element);
    this.draw();
    this.grips[0].focus({ preventScroll: true });
  }

  grip(name) {
    const label = t(`editor.crop.${name}`);
    const grip = h("button", { type: "button", class: `grip ${name}`, "aria-label": label, title: label });
    grip.addEventListener("pointerdown", (event) => this.drag(event, name, grip));
    grip.addEventListener("keydown", (event) => this.key(event, name));
    return grip;
  }

  close() {
    this.element.remove();
  }

  /** Keep a shape: `ratio` is width over height in pixels, null lets go. The frame becomes as large as fits in place. */
  shape(ratio) {
    this.ratio = ratio === null ? null : ratio / this.pictureRatio;
    if (this.ratio === null) return;
    const { x, y, width, height } = this.rect;
    const [cx, cy] = [x + width / 2, y + height / 2];
    const area = Math.sqrt(width * height);
    let [w, v] = [area * Math.sqrt(this.ratio), area / Math.sqrt(this.ratio)];
    const shrink = Math.min(1, 1 / w, 1 / v);
    [w, v] = [w * shrink, v * shrink];
    this.set({ x: clamp(cx - w / 2, 0, 1 - w), y: clamp(cy - v / 2, 0, 1 - v), width: w, height: v }, true);
  }

  get pictureRatio() {
    const { width, height } = this.canvas.getBoundingClientRect();
    return width / height;
  }

  set(rect, settled) {
    this.rect = rect;
    this.draw();
    this.changed(rounded(rect), settled);
  }

  draw() {
    const { x, y, width, height } = this.rect;
    Object.assign(this.box.style, { left: percent(x), top: percent(y), width: percent(width), height: percent(height) });
  }

  drag(event, name, grip) {
    if (event.button > 0) return;
    event.preventDefault();
    grip.focus({ preventScroll: true });
    grip.setPointerCapture(event.pointerId);
    const start = { x: event.clientX, y: event.clientY, rect: { ...this.rect } };
    const size = this.canvas.getBoundingClientRect();
    const move = (moved) => this.set(this.moved(name, start.rect, (moved.clientX - start.x) / size.width, (moved.clientY - start.y) / size.height), false);
    const end = () => {
      grip.removeEventListener("pointermove", move);
      this.set(this.rect, true);
    };
    grip.addEventListener("pointermove", move);
    grip.addEventListener("lostpointercapture", end, { once: true });
  }

  key(event, name) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!way) return;
    event.preventDefault();
    event.stopPropagation();
    const step = event.shiftKey ? 5 * STEP : STEP;
    this.set(this.moved(name, this.rect, way[0] * step, way[1] * step), true);
    const { x, y, width, height } = this.rect;
    const [left, top, w, v] = [x, y, width, height].map(formatPercent);
    this.says.textContent = t("editor.crop.says", { left, top, width: w, height: v });
  }

  /** The frame after one of its grips went by (dx, dy). */
  moved(name, rect, dx, dy) {
    if (name === "move") return { ...rect, x: clamp(rect.x + dx, 0, 1 - rect.width), y: clamp(rect.y + dy, 0, 1 - rect.height) };
    let [left, top, right, bottom] = [rect.x, rect.y, rect.x + rect.width, rect.y + rect.height];
    if (name.includes("w")) left = clamp(left + dx, 0, right - LEAST);
    if (name.includes("e")) right = clamp(right + dx, left + LEAST, 1);
    if (name.includes("n")) top = clamp(top + dy, 0, bottom - LEAST);
    if (name.includes("s")) bottom = clamp(bottom + dy, top + LEAST, 1);
    if (this.ratio !== null) [left, top, right, bottom] = this.inShape(name, left, top, right, bottom);
    return { x: left, y: top, width: right - left, height: bottom - top };
  }

  /** The same frame in the kept shape: the side that was not pulled follows, the opposite corner stays. */
  inShape(name, left, top, right, bottom) {
    const byHeight = name === "n" || name === "s";
    let width = byHeight ? (bottom - top) * this.ratio : right - left;
    const [roomX, roomY] = [name.includes("w") ? right : 1 - left, name.includes("n") ? bottom : 1 - top];
    width = Math.min(width, roomX, roomY * this.ratio);
    const height = width / this.ratio;
    if (name.includes("w")) left = right - width;
    if (name.includes("n")) top = bottom - height;
    return [left, top, left + width, top + height];
  }
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), Math.max(low, high));
const percent = (share) => `${100 * share}%`;

function rounded({ x, y, width, height }) {
  const short = (value) => Math.round(value * 1e5) / 1e5;
  const [left, top] = [Math.min(short(x), 0.999), Math.min(short(y), 0.999)];
  return { x: left, y: top, width: Math.min(short(width), short(1 - left)), height: Math.min(short(height), short(1 - top)) };
}
