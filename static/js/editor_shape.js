// Turning, flipping and cropping with buttons and a frame on the picture.
import { h, icon } from "./dom.js";
import { CropFrame } from "./editor_crop.js";
import { t } from "./i18n.js";

const RATIOS = [
  ["1:1", 1],
  ["4:3", 4 / 3],
  ["3:2", 3 / 2],
  ["16:9", 16 / 9],
  ["3:4", 3 / 4],
  ["2:3", 2 / 3],
];
const WHOLE = { x: 0, y: 0, width: 1, height: 1 };

export class ShapeTools {
  constructor(editor) {
    this.editor = editor;
    this.frame = null;
    const press = (symbol, label, run) => h("button", { type: "button", class: "tool", onclick: run }, icon(symbol), h("span", {}, label));
    this.cropButton = press("crop", t("editor.crop"), () => (this.frame ? this.finish() : this.begin()));
    this.cropButton.setAttribute("aria-pressed", "false");
    const buttons = h(
      "div",
      { class: "tool-row" },
      this.cropButton,
      press("turn-left", t("editor.turn_left"), () => editor.change((recipe) => recipe.turn(-90))),
      press("turn-right", t("editor.turn_right"), () => editor.change((recipe) => recipe.turn(90))),
      press("flip-across", t("editor.flip_across"), () => editor.change((recipe) => recipe.flip("horizontal"))),
      press("flip-down", t("editor.flip_down"), () => editor.change((recipe) => recipe.flip("vertical"))),
    );
    this.shapes = this.shapeChoices();
    this.done = h("div", { class: "row" }, h("button", { type: "button", class: "button tight", onclick: () => this.finish() }, t("editor.crop.done")), h("button", { type: "button", class: "button plain tight", onclick: () => this.reset() }, t("editor.crop.whole")));
    this.more = h("div", { class: "stack crop-more", hidden: true }, this.shapes, h("p", { class: "hint" }, t("editor.crop.hint")), this.done);
    this.element = h("section", { class: "op", "aria-label": t("editor.frame") }, buttons, this.more);
  }

  shapeChoices() {
    const choose = (label, value, checked = false) => h("label", { class: "choice" }, h("input", { type: "radio", name: "crop-shape", checked, onchange: () => this.frame?.shape(value()) }), h("span", {}, label));
    return h(
      "fieldset",
      {},
      h("legend", {}, t("editor.crop.shape")),
      h("div", { class: "choices" }, choose(t("editor.crop.free"), () => null, true), choose(t("editor.crop.same"), () => this.frame.pictureRatio), ...RATIOS.map(([label, ratio]) => choose(label, () => ratio))),
    );
  }

  /** Show the picture as it is before the crop, with the frame on it. */
  async begin() {
    const { recipe } = this.editor;
    const step = recipe.last("crop");
    this.step = step?.id ?? null;
    await this.editor.cropping(this.step);
    const { x, y, width, height } = step?.params ?? WHOLE;
    this.cropButton.setAttribute("aria-pressed", "true");
    this.more.hidden = false;
    this.frame = new CropFrame(this.editor.stage.canvas, { x, y, width, height }, (rect, settled) => this.moved(rect, settled));
    for (const input of this.shapes.querySelectorAll("input")) input.checked = input === this.shapes.querySelector("input");
  }

  moved(rect, settled) {
    const whole = Object.keys(WHOLE).every((key) => rect[key] === WHOLE[key]);
    this.editor.change((recipe) => {
      const step = recipe.step(this.step);
      if (step) Object.assign(step.params, rect);
      else if (!whole) this.step = recipe.add("crop", rect).id;
      this.editor.cropped = this.step;
    }, settled);
  }

  finish() {
    if (!this.frame) return;
    this.close();
    this.editor.change((recipe) => {
      const step = recipe.step(this.step);
      if (step && Object.keys(WHOLE).every((key) => step.params[key] === WHOLE[key])) recipe.remove(step.id);
    });
    this.editor.cropping(undefined);
    this.cropButton.focus();
  }

  reset() {
    this.frame?.set({ ...WHOLE }, true);
    this.finish();
  }

  close() {
    this.frame?.close();
    this.frame = null;
    this.cropButton.setAttribute("aria-pressed", "false");
    this.more.hidden = true;
  }

  /** The recipe changed beneath the frame (undo, another recipe). */
  show(recipe) {
    if (!this.frame || this.step === null) return;
    const step = recipe.step(this.step);
    if (!step) {
      this.close();
      this.editor.cropping(undefined);
      return;
    }
    const { x, y, width, height } = step.params;
    this.frame.rect = { x, y, width, height };
    this.frame.draw();
  }
}
