// One picture over the whole screen, the next and the one before, and a slideshow. Keys: arrows, space, Escape.
import { h, icon } from "./dom.js";
import { t } from "./i18n.js";

const STAY = 5000; // milliseconds a picture stays in the slideshow
const SWIPE = 50; // pixels

export class Lightbox {
  /** `more()` is asked for further photos at the end of the list; it resolves with whether there were any. */
  constructor(label, photos, more) {
    Object.assign(this, { label, photos, more, at: 0, timer: null });
  }

  build() {
    const button = (symbol, name, run, extra = "") =>
      h("button", { class: `icon-button ${extra}`, type: "button", "aria-label": t(name), title: t(name), onclick: run }, icon(symbol));
    this.stage = h("div", { class: "lightbox-stage" });
    this.count = h("span", { class: "figures lightbox-count", role: "status" });
    this.play = button("play", "share.play", () => this.toggle());
    this.save = h("a", { class: "icon-button", download: "", "aria-label": t("share.download"), title: t("share.download") }, icon("download"));
    this.dialog = h(
      "dialog",
      { class: "lightbox", "aria-label": this.label },
      this.stage,
      h("div", { class: "lightbox-bar" }, this.count, h("span", { class: "spacer" }), this.play, this.save, button("close", "share.close", () => this.dialog.close())),
      button("left", "share.previous", () => this.turn(-1), "lightbox-turn previous"),
      button("right", "share.next", () => this.turn(1), "lightbox-turn next"),
    );
    this.dialog.addEventListener("keydown", (event) => this.key(event));
    this.dialog.addEventListener("close", () => this.closed());
    this.stage.addEventListener("pointerdown", (event) => (this.down = event));
    this.stage.addEventListener("pointerup", (event) => this.swiped(event));
    document.body.append(this.dialog);
  }

  open(at, { playing = false } = {}) {
    if (!this.dialog) this.build();
    this.dialog.showModal();
    this.show(at);
    if (playing) this.toggle();
  }

  closed() {
    this.stop();
    this.stage.replaceChildren();
    this.photos[this.at].tile.querySelector("a").focus();
    this.photos[this.at].tile.scrollIntoView({ block: "nearest" });
  }

  show(at) {
    this.at = at;
    const photo = this.photos[at];
    const image = h("img", { src: photo.src, alt: photo.alt, width: String(photo.width), height: String(photo.height), class: "coming", draggable: "false" });
    const arrived = () => {
      if (this.photos[this.at] !== photo) return image.remove();
      for (const old of this.stage.querySelectorAll("img")) if (old !== image) old.classList.add("going");
      image.classList.remove("coming");
      setTimeout(() => [...this.stage.querySelectorAll(".going")].forEach((old) => old.remove()), 1200);
    };
    image.decode().then(arrived, arrived);
    this.stage.append(image);
    this.count.textContent = t("share.at", { at: at + 1, of: this.photos.length });
    this.save.hidden = !photo.download;
    if (photo.download) this.save.href = photo.download;
    const after = this.photos[at + 1];
    if (after) new Image().src = after.src;
    else this.more();
  }

  async turn(step) {
    let at = this.at + step;
    if (at >= this.photos.length && !(await this.more())) at = 0;
    this.show(at < 0 ? this.photos.length - 1 : at);
    if (this.timer) this.wait();
  }

  toggle() {
    if (this.timer) return this.stop();
    this.wait();
    this.dress(true);
  }

  wait() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.turn(1), STAY);
  }

  stop() {
    clearTimeout(this.timer);
    this.timer = null;
    this.dress(false);
  }

  dress(playing) {
    const name = t(playing ? "share.pause" : "share.play");
    this.play.replaceChildren(icon(playing ? "pause" : "play"));
    this.play.setAttribute("aria-label", name);
    this.play.title = name;
    this.dialog.classList.toggle("playing", playing);
  }

  key(event) {
    const keys = { ArrowLeft: () => this.turn(-1), ArrowRight: () => this.turn(1), Home: () => this.show(0), End: () => this.show(this.photos.length - 1) };
    if (event.key === " " && !event.target.closest("button, a")) keys[" "] = () => this.toggle();
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  }

  swiped(event) {
    const start = this.down;
    this.down = null;
    if (!start || event.pointerType === "mouse") return;
    const [dx, dy] = [event.clientX - start.clientX, event.clientY - start.clientY];
    if (Math.abs(dx) > SWIPE && Math.abs(dx) > 1.5 * Math.abs(dy)) this.turn(dx < 0 ? 1 : -1);
  }
}
