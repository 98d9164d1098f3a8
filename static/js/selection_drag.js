// Selecting by dragging: from a tick, or from any photo once some are selected. On a touch screen a long press begins,
// then a stroke that sets out sideways takes what it passes (one that sets out upwards scrolls, as ever).
import { slice } from "./selection.js";

const SLACK = 8; // pixels before a press is a stroke
const LONG = 450; // milliseconds of a long press
const EDGE = 70; // pixels from the window's edge where a stroke scrolls

export class Drag {
  constructor(selection) {
    Object.assign(this, { selection, host: selection.host, from: null, active: false });
    const { host } = this;
    host.addEventListener("pointerdown", (event) => this.press(event));
    host.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) host.addEventListener(end, () => this.release());
    host.addEventListener("click", (event) => this.swallow(event), { capture: true });
    host.addEventListener("contextmenu", (event) => this.held && event.preventDefault());
    host.addEventListener("dragstart", (event) => this.from && event.preventDefault());
  }

  press(event) {
    this.swallowing = this.held = false;
    const tile = event.target.closest(".tile");
    if (!tile || event.button > 0) return;
    const selecting = this.selection.ids.size > 0 || this.selection.choosing;
    if (event.pointerType === "touch" && !selecting) {
      this.timer = setTimeout(() => this.hold(tile), LONG);
      this.from = { x: event.clientX, y: event.clientY, waits: true };
      return;
    }
    if (!selecting && !event.target.closest(".tick")) return;
    this.from = { id: tile.dataset.id, x: event.clientX, y: event.clientY, pointer: event.pointerId };
  }

  /** A long press selects, and is no press of the link. */
  hold(tile) {
    this.from = null;
    this.held = this.swallowing = true;
    navigator.vibrate?.(12);
    this.selection.toggle(tile.dataset.id, false);
  }

  move(event) {
    if (!this.from) return;
    const far = Math.hypot(event.clientX - this.from.x, event.clientY - this.from.y) > SLACK;
    if (this.from.waits) {
      if (far) this.release();
      return;
    }
    if (!this.active && !far) return;
    if (!this.active) this.begin();
    this.at = event;
    this.reach();
  }

  begin() {
    const { ids } = this.selection;
    this.active = this.swallowing = true;
    this.base = new Set(ids);
    this.wanted = !ids.has(this.from.id);
    this.host.setPointerCapture(this.from.pointer);
    const scroll = () => {
      if (!this.active) return;
      const { clientY: y } = this.at ?? { clientY: innerHeight / 2 };
      const speed = y < EDGE ? y - EDGE : y > innerHeight - EDGE ? y - innerHeight + EDGE : 0;
      if (speed) {
        scrollBy(0, speed / 3);
        this.reach();
      }
      requestAnimationFrame(scroll);
    };
    requestAnimationFrame(scroll);
  }

  /** Take (or give back) everything between the first photo and the one under the pointer. */
  reach() {
    const tile = document.elementFromPoint(this.at.clientX, this.at.clientY)?.closest?.(".tile");
    if (!tile || tile.dataset.id === this.last || !this.host.contains(tile)) return;
    this.last = tile.dataset.id;
    const ids = new Set(this.base);
    const order = this.selection.list.order().map((photo) => photo.id);
    for (const id of slice(order, this.from.id, this.last)) this.wanted ? ids.add(id) : ids.delete(id);
    this.selection.set(ids);
    this.selection.anchor = this.last;
  }

  release() {
    clearTimeout(this.timer);
    this.from = this.last = null;
    this.active = false;
  }

  /** The click that ends a stroke or a long press is none. */
  swallow(event) {
    if (!this.swallowing) return;
    this.swallowing = false;
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}
