// The date scrubber beside a long timeline: years along the edge, a bubble with the month while dragging. For the
// keyboard it is a slider that moves by months (arrows) and years (Page Up, Page Down).
import { h } from "./dom.js";
import { formatMonth, t } from "./i18n.js";

const SHORTEST = 3; // windows of length below which a scroll bar is enough
const LINGER = 1400; // milliseconds it stays after scrolling by touch

export class Scrubber {
  constructor(months) {
    this.months = months;
    this.bubble = h("span", { class: "bubble" });
    this.thumb = h("span", { class: "thumb" });
    this.element = h("div", { class: "scrubber", role: "slider", tabindex: "0", "aria-label": t("scrubber"), "aria-orientation": "vertical", "aria-valuemin": "1" }, this.thumb, this.bubble);
    this.element.addEventListener("pointerdown", (event) => this.grab(event));
    this.element.addEventListener("keydown", (event) => this.key(event));
    document.body.append(this.element);
    this.place();
  }

  /** The length of the page changed: place the years, once for any number of changes in a frame. */
  update() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.place();
    });
  }

  place() {
    const length = (this.length = document.documentElement.scrollHeight);
    const height = (this.height = this.element.clientHeight);
    this.element.hidden = length < SHORTEST * innerHeight;
    const tops = this.months.map((month) => (month.element.hidden ? null : month.element.getBoundingClientRect().top + scrollY));
    const labels = [];
    let last = -30;
    let year = "";
    this.months.forEach((month, i) => {
      const here = month.key.slice(0, 4);
      if (here === year || tops[i] === null) return;
      const y = (tops[i] / length) * height;
      if (y - last < 22) return;
      [year, last] = [here, y];
      const label = h("span", { class: "year" }, here);
      label.style.top = `${y}px`;
      labels.push(label);
    });
    this.element.replaceChildren(...labels, this.thumb, this.bubble);
    this.element.setAttribute("aria-valuemax", String(this.months.length));
    this.move();
  }

  /** Runs with every frame of scrolling: it reads nothing that would make the browser lay out the page. */
  move() {
    const share = scrollY / Math.max(1, this.length - innerHeight);
    this.thumb.style.transform = `translateY(${share * this.height}px)`;
    if (!this.lingering) this.element.classList.add("moving");
    clearTimeout(this.lingering);
    this.lingering = setTimeout(() => {
      this.lingering = null;
      this.element.classList.remove("moving");
      this.name();
    }, LINGER);
    if (this.active || document.activeElement === this.element) this.name(share);
  }

  /** The month at the top of the window. */
  at() {
    let [low, high] = [0, this.months.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.months[middle].element.getBoundingClientRect().top <= 90) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  name(share = null) {
    const at = this.at();
    const text = formatMonth(this.months[at].key);
    this.bubble.textContent = text;
    if (share !== null) this.bubble.style.top = `${share * 100}%`;
    this.element.setAttribute("aria-valuenow", String(at + 1));
    this.element.setAttribute("aria-valuetext", text);
  }

  key(event) {
    const at = this.at();
    const yearOf = (i) => this.months[i].key.slice(0, 4);
    const later = this.months.findIndex((_, i) => i > at && yearOf(i) !== yearOf(at));
    const earlier = this.months.findIndex((_, i) => yearOf(i) === yearOf(Math.max(0, at - 1)));
    const to = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, PageDown: later, PageUp: earlier, Home: 0, End: this.months.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.months[Math.min(this.months.length - 1, Math.max(0, to))].element.scrollIntoView();
    this.name(scrollY / Math.max(1, document.documentElement.scrollHeight - innerHeight));
  }

  grab(event) {
    event.preventDefault();
    this.element.setPointerCapture(event.pointerId);
    this.element.classList.add("active");
    this.active = true;
    const drag = (move) => {
      const bounds = this.element.getBoundingClientRect();
      const share = Math.min(1, Math.max(0, (move.clientY - bounds.top) / bounds.height));
      scrollTo(0, share * (document.documentElement.scrollHeight - innerHeight));
      this.name(share);
    };
    const release = () => {
      this.element.classList.remove("active");
      this.active = false;
      this.element.removeEventListener("pointermove", drag);
    };
    this.element.addEventListener("pointermove", drag);
    this.element.addEventListener("pointerup", release, { once: true });
    this.element.addEventListener("pointercancel", release, { once: true });
    drag(event);
  }
}
