// The slide show: one photo after the other, the whole screen if the browser gives it. It outlives the turning of
// pages, so it is one thing for the document.
import { h, icon } from "./dom.js";
import { formatNumber, t } from "./i18n.js";
import { toast } from "./toast.js";

const SPEEDS = [3, 5, 10, 20]; // seconds a photo stays
const IDLE = 2500; // milliseconds until the controls leave
const KEPT = "albumen.show.seconds";

class Show {
  constructor() {
    this.on = false;
    this.seconds = Number(localStorage.getItem(KEPT)) || 5;
  }

  start(viewer) {
    if (this.on) return;
    Object.assign(this, { on: true, viewer, held: document.activeElement?.matches("[data-show]") });
    document.documentElement.classList.add("showing");
    document.body.append(this.controls());
    this.stir = () => this.wake();
    for (const type of ["pointermove", "pointerdown", "keydown", "focusin"]) document.addEventListener(type, this.stir);
    this.left = () => !document.fullscreenElement && this.stop();
    // Some phones have no full screen for pages; the show then fills the window.
    document.documentElement.requestFullscreen?.().then(() => document.addEventListener("fullscreenchange", this.left), () => {});
    this.play();
    this.playButton.focus();
    this.wake();
  }

  stop() {
    if (!this.on) return;
    this.on = false;
    this.pause();
    clearTimeout(this.idle);
    for (const type of ["pointermove", "pointerdown", "keydown", "focusin"]) document.removeEventListener(type, this.stir);
    document.removeEventListener("fullscreenchange", this.left);
    if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
    document.documentElement.classList.remove("showing", "idle");
    this.bar.remove();
    this.viewer.querySelector("[data-show]")?.focus();
  }

  controls() {
    const press = (symbol, label, run) => h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick: run }, icon(symbol));
    this.playButton = press("pause", t("show.pause"), () => (this.timer ? this.pause() : this.play()));
    const speed = h("select", { class: "input", "aria-label": t("show.speed") }, ...SPEEDS.map((n) => h("option", { value: String(n) }, t("show.seconds", { seconds: formatNumber(n) }))));
    speed.value = String(this.seconds);
    speed.addEventListener("change", () => this.pace(Number(speed.value)));
    this.bar = h(
      "div",
      { class: "show-bar", role: "toolbar", "aria-label": t("show.label") },
      press("left", t("show.previous"), () => this.step(-1)),
      this.playButton,
      press("right", t("show.next"), () => this.step(1)),
      speed,
      press("close", t("show.end"), () => this.stop()),
    );
    return this.bar;
  }

  pace(seconds) {
    this.seconds = seconds;
    localStorage.setItem(KEPT, String(seconds));
    if (this.timer) this.play();
  }

  play() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.step(1), this.seconds * 1000);
    this.name("pause", t("show.pause"));
  }

  pause() {
    clearTimeout(this.timer);
    this.timer = null;
    this.name("play", t("show.play"));
  }

  name(symbol, label) {
    this.playButton.replaceChildren(icon(symbol));
    for (const name of ["aria-label", "title"]) this.playButton.setAttribute(name, label);
  }

  async step(by) {
    const id = by > 0 ? this.viewer.next : this.viewer.previous;
    if (!id) {
      this.pause();
      toast(t("show.over"));
      return;
    }
    // A photo comes when it can be seen, not before.
    await this.viewer.pages.prepare(id);
    if (this.on) this.viewer.turn(by);
  }

  /** Another photo's page has taken the place. */
  arrived(viewer) {
    this.viewer = viewer;
    if (this.on && this.timer) this.play();
  }

  wake() {
    document.documentElement.classList.remove("idle");
    clearTimeout(this.idle);
    this.idle = setTimeout(() => document.documentElement.classList.add("idle"), IDLE);
  }

  /** Whether a key was meant for the show. */
  key(event) {
    if (!this.on) return false;
    const pressed = event.target.closest?.(".show-bar button");
    const keys = {
      Escape: () => this.stop(),
      s: () => this.stop(),
      " ": pressed ? null : () => (this.timer ? this.pause() : this.play()),
      ArrowLeft: () => this.step(-1),
      ArrowRight: () => this.step(1),
    };
    if (!keys[event.key]) return !["Tab", "Enter", " "].includes(event.key);
    event.preventDefault();
    keys[event.key]();
    return true;
  }
}

export const show = new Show();
