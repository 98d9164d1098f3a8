// Styles: each preset as this very photo painted in it, one after the other while the shelf is looked at.
import { h, icon } from "./dom.js";
import { Fields } from "./editor_fields.js";
import { pickPhotos } from "./editor_pick.js";
import { t } from "./i18n.js";

const LATER = 500; // milliseconds

export class StyleShelf {
  constructor(editor) {
    this.editor = editor;
    this.waiting = [];
    this.tiles = new Map();
    this.open = false;
    const none = this.tile("", t("editor.style.none"), "", h("img", { src: `/api/v1/photos/${editor.photo}/rendition/grid`, alt: "", loading: "lazy" }));
    const presets = editor.presets.map((preset) => this.preset(preset));
    const own = h("button", { type: "button", class: "button tight", onclick: () => this.own() }, icon("photos"), t("editor.style.own"));
    this.note = h("p", { class: "hint", hidden: true }, t("editor.style.best_note"));
    const operation = editor.operations.style;
    this.fields = new Fields(operation, (name, value, settled) => editor.setParam("style", name, value, settled), { leave: ["preset", "photo"] });
    const about = h("p", { class: "hint" }, operation.description);
    this.element = h("section", { class: "op learned", "aria-label": operation.title }, about, h("ul", { class: "style-list" }, none, ...presets), h("div", {}, own), this.note, this.fields.element);
  }

  preset({ name, title, by }) {
    const image = h("img", { alt: "", class: "unpainted", src: `/api/v1/photos/${this.editor.photo}/rendition/grid`, loading: "lazy" });
    this.waiting.push({ image, address: `/photo/${this.editor.photo}/edit/style/${name}?v=${this.editor.version}` });
    return this.tile(name, title, by, image);
  }

  tile(name, title, by, image) {
    const button = h("button", { type: "button", "aria-pressed": "false", onclick: () => this.choose(name) }, h("span", { class: "cover" }, image), h("span", { class: "name" }, title), by && h("span", { class: "small quiet" }, by));
    this.tiles.set(name, button);
    return h("li", {}, button);
  }

  load() {
    this.open = true;
    this.paint();
  }

  pause() {
    this.open = false;
  }

  /** One painting at a time: each takes the server a moment. */
  paint() {
    if (this.painting || !this.open || !this.waiting.length) return;
    if (this.editor.preview.under) {
      clearTimeout(this.later);
      this.later = setTimeout(() => this.paint(), LATER); // the large picture goes first
      return;
    }
    this.painting = true;
    const { image, address } = this.waiting.shift();
    const picture = new Image();
    image.parentElement.classList.add("under-way");
    const over = (painted) => {
      image.parentElement.classList.remove("under-way");
      if (painted) {
        image.src = address;
        image.classList.remove("unpainted");
      }
      this.painting = false;
      this.paint();
    };
    picture.addEventListener("load", () => over(true));
    picture.addEventListener("error", () => over(false));
    picture.src = address;
  }

  choose(preset) {
    this.editor.change((recipe) => {
      const step = recipe.last("style");
      if (!preset) {
        if (step) recipe.remove(step.id);
      } else if (step) Object.assign(step.params, { preset, photo: "" });
      else recipe.add("style", { preset });
    });
  }

  async own() {
    const [photo] = await pickPhotos(t("editor.style.own"), t("editor.style.take"), { except: this.editor.photo });
    if (!photo) return;
    this.editor.change((recipe) => {
      const step = recipe.last("style");
      if (step) Object.assign(step.params, { preset: "", photo });
      else recipe.add("style", { photo });
    });
  }

  show(recipe) {
    const step = recipe.last("style");
    for (const [name, button] of this.tiles) button.setAttribute("aria-pressed", String(step ? step.params.preset === name && name !== "" : name === ""));
    const searched = step && (step.params.model === "best" || (step.params.model !== "fast" && step.params.photo));
    this.note.hidden = !searched;
    this.fields.element.hidden = !step;
    if (step) this.fields.show(step.params);
  }
}
