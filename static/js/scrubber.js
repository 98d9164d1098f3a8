// The date scrubber beside a long timeline: years along the edge, a bubble with the month while dragging.
import { h } from "./dom.js";
import { formatMonth, t } from "./i18n.js";

const SHORTEST = 3; // windows of length below which a scroll bar is enough

export class Scrubber {
  constructor(months) {
    this.months = months;
    this.bubble = h("span", { class: "bubble" });
    this.thumb = h("span", { class: "thumb" });
    this.element = h("div", { class: "scrubber", "aria-hidden": "true", title: t("scrubber") }, this.thumb, this.bubble);
    this.element.addEventListener("pointerdown", (event) => this.grab(event));
    document.body.append(this.element);
    this.update();
  }

  /** Place the years; called whenever the length of the page changes. */
  update() {
    const length = document.documentElement.scrollHeight;
    this.element.hidden = length < SHORTEST * innerHeight;
    for (const label of this.element.querySelectorAll(".year")) label.remove();
    let last = -30;
    let year = "";
    for (const month of this.months) {
      const here = month.key.slice(0, 4);
      if (here === year || month.element.hidden) continue;
      const y = ((month.element.getBoundingClientRect().top + scrollY) / length) * this.element.clientHeight;
      if (y - last < 22) continue;
      [year, last] = [here, y];
      const label = h("span", { class: "year" }, here);
      label.style.top = `${y}px`;
      this.element.append(label);
    }
    this.move();
  }

  move() {
    const share = scrollY / Math.max(1, document.documentElement.scrollHeight - innerHeight);
    this.thumb.style.top = `${share * 100}%`;
    if (this.element.classList.contains("active")) this.name();
  }

  /** Write the month at the top of the window into the bubble. */
  name() {
    const under = (month) => !month.element.hidden && month.element.getBoundingClientRect().top <= 90;
    this.bubble.textContent = formatMonth((this.months.findLast(under) ?? this.months[0]).key);
  }

  grab(event) {
    event.preventDefault();
    this.element.setPointerCapture(event.pointerId);
    this.element.classList.add("active");
    const drag = (move) => {
      const bounds = this.element.getBoundingClientRect();
      const share = Math.min(1, Math.max(0, (move.clientY - bounds.top) / bounds.height));
      scrollTo(0, share * (document.documentElement.scrollHeight - innerHeight));
      this.name();
      this.bubble.style.top = `${share * 100}%`;
    };
    const release = () => {
      this.element.classList.remove("active");
      this.element.removeEventListener("pointermove", drag);
    };
    this.element.addEventListener("pointermove", drag);
    this.element.addEventListener("pointerup", release, { once: true });
    this.element.addEventListener("pointercancel", release, { once: true });
    drag(event);
  }
}
