// The picture on the dark stage: fits it, shows the edited one beside or over the one before, says what is going on.
import { h, icon } from "./dom.js";
import { t } from "./i18n.js";

const LONG = 1.5; // seconds from which a wait is told in figures

export class Stage {
  /** `before()` gives the address of the picture to compare with. */
  constructor(stage, { before }) {
    this.askBefore = before;
    this.picture = stage.querySelector(".picture");
    this.canvas = stage.querySelector(".canvas");
    this.after = this.canvas.querySelector("img");
    this.original = this.after.getAttribute("src");
    this.size = [Number(this.after.getAttribute("width")), Number(this.after.getAttribute("height"))];
    this.before = h("img", { class: "before", alt: "", hidden: true });
    this.divider = h("input", { type: "range", class: "divider", min: "0", max: "100", value: "50", "aria-label": t("editor.divider"), hidden: true });
    this.divider.addEventListener("input", () => this.cut());
    this.canvas.append(this.before, this.divider);
    this.bar = h("div", { class: "working", role: "progressbar", "aria-label": t("editor.working"), hidden: true });
    this.note = h("p", { class: "stage-note", role: "status", hidden: true });
    this.picture.append(this.bar, this.note);
    this.after.addEventListener("load", () => {
      this.size = [this.after.naturalWidth, this.after.naturalHeight];
      this.fit();
    });
    new ResizeObserver(() => this.fit()).observe(this.picture);
  }

  /** As large as the stage allows, in the picture's own shape. */
  fit() {
    const style = getComputedStyle(this.picture);
    const [roomX, roomY] = [this.picture.clientWidth - 2 * parseFloat(style.paddingLeft), this.picture.clientHeight - 2 * parseFloat(style.paddingTop)];
    const scale = Math.min(roomX / this.size[0], roomY / this.size[1]);
    this.canvas.style.width = `${Math.max(1, this.size[0] * scale)}px`;
    this.canvas.style.height = `${Math.max(1, this.size[1] * scale)}px`;
  }

  /** Show a picture once it is decoded, so that nothing flickers. */
  async show(address) {
    const wanted = address ?? this.original;
    this.wanted = wanted;
    if (this.after.getAttribute("src") === wanted) return;
    const next = new Image();
    next.src = wanted;
    await next.decode().catch(() => {});
    if (this.wanted === wanted) this.after.src = wanted;
  }

  get compares() {
    return !this.before.hidden;
  }

  async compare(split) {
    const address = await this.askBefore();
    if (this.before.getAttribute("src") !== address) {
      this.before.src = address;
      await this.before.decode().catch(() => {});
    }
    this.before.hidden = false;
    this.divider.hidden = !split;
    this.cut();
  }

  stopComparing() {
    this.before.hidden = true;
    this.divider.hidden = true;
    this.canvas.classList.remove("split");
  }

  /** What lies left of the divider is the picture before; without one, all of it is. */
  cut() {
    const share = this.divider.hidden ? 100 : Number(this.divider.value);
    this.before.style.clipPath = `inset(0 ${100 - share}% 0 0)`;
    this.canvas.style.setProperty("--cut", `${share}%`);
    this.canvas.classList.toggle("split", !this.divider.hidden);
  }

  /** A wait of about so many seconds begins, or (null) is over. */
  working(seconds) {
    this.bar.hidden = seconds === null;
    if (seconds !== null && seconds > LONG) this.tell(t("editor.about", { seconds: Math.ceil(seconds) }), "clock");
    else if (this.note.dataset.kind === "clock") this.note.hidden = true;
  }

  tell(text, kind = "info") {
    this.note.dataset.kind = kind;
    this.note.replaceChildren(icon(kind), text);
    this.note.hidden = !text;
  }
}
