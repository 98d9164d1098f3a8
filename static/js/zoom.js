// Zoom and pan of one picture by wheel, double click, pinch and drag; swipe turns the page while not zoomed.

const MOST = 8;
const SWIPE = 60; // pixels

export class Zoom {
  constructor(stage, frame, { next, previous }) {
    Object.assign(this, { stage, frame, next, previous, scale: 1, x: 0, y: 0, points: new Map() });
    stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    stage.addEventListener("dblclick", (event) => this.toggle(event));
    stage.addEventListener("pointerdown", (event) => this.down(event));
    stage.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, (event) => this.up(event));
  }

  get zoomed() {
    return this.scale > 1;
  }

  toggle(event = null) {
    if (this.zoomed) this.reset();
    else this.to(2.5, ...this.centre(event));
  }

  reset() {
    [this.scale, this.x, this.y] = [1, 0, 0];
    this.draw();
  }

  /** Where an event is, from the middle of the stage. */
  centre(event) {
    if (!event?.clientX) return [0, 0];
    const box = this.stage.getBoundingClientRect();
    return [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
  }

  /** Zoom about the middle, for keys. */
  by(factor) {
    this.to(this.scale * factor, 0, 0);
  }

  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.draw();
  }

  /** Zoom so that the point under the pointer stays under it. */
  to(scale, cx, cy) {
    const next = Math.min(MOST, Math.max(1, scale));
    const factor = next / this.scale;
    this.x = cx - (cx - this.x) * factor;
    this.y = cy - (cy - this.y) * factor;
    this.scale = next;
    this.draw();
  }

  draw() {
    const box = this.stage.getBoundingClientRect();
    const [mx, my] = [(box.width * (this.scale - 1)) / 2, (box.height * (this.scale - 1)) / 2];
    this.x = Math.min(mx, Math.max(-mx, this.x));
    this.y = Math.min(my, Math.max(-my, this.y));
    this.frame.style.transform = this.zoomed ? `translate(${this.x}px, ${this.y}px) scale(${this.scale})` : "";
    this.stage.classList.toggle("zoomed", this.zoomed);
    this.stage.dispatchEvent(new CustomEvent("albumen:zoom"));
    if (this.scale > 1.5) this.sharpen();
  }

  /** Close up, the preview is too coarse: take the original where the browser can show it. */
  sharpen() {
    const image = this.frame.querySelector("img");
    if (image.dataset.original) {
      image.src = image.dataset.original;
      delete image.dataset.original;
    }
  }

  wheel(event) {
    if (!event.ctrlKey && !this.zoomed && Math.abs(event.deltaY) < Math.abs(event.deltaX)) return;
    event.preventDefault();
    this.to(this.scale * Math.exp(-event.deltaY / 300), ...this.centre(event));
  }

  down(event) {
    if (event.target.closest("a")) return;
    this.points.set(event.pointerId, event);
    this.start = event;
    if (this.zoomed) this.stage.setPointerCapture(event.pointerId);
  }

  move(event) {
    const before = this.points.get(event.pointerId);
    if (!before) return;
    const others = [...this.points.values()].filter((point) => point.pointerId !== event.pointerId);
    this.points.set(event.pointerId, event);
    if (others.length === 1) {
      const reach = (a, b) => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
      this.to((this.scale * reach(event, others[0])) / Math.max(1, reach(before, others[0])), ...this.centre(event));
    } else if (this.zoomed) this.pan(event.clientX - before.clientX, event.clientY - before.clientY);
  }

  up(event) {
    const start = this.points.get(event.pointerId) && this.start;
    const pinched = this.points.size > 1;
    this.points.delete(event.pointerId);
    if (!start || pinched || this.zoomed || event.pointerType !== "touch" || event.type === "pointercancel") return;
    const [dx, dy] = [event.clientX - start.clientX, event.clientY - start.clientY];
    if (Math.abs(dx) < SWIPE || Math.abs(dx) < 1.5 * Math.abs(dy)) return;
    if (dx < 0) this.next();
    else this.previous();
  }
}
