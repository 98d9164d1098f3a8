// The editor: holds the recipe, shows how it looks, undoes and redoes, copies it to other photos.
import { api } from "./api.js";
import { CLIPBOARD } from "./batch_ask.js";
import { followEdits } from "./batch_edits.js";
import { ask } from "./dialog.js";
import { h, icon, typing } from "./dom.js";
import { Panel } from "./editor_panel.js";
import { pickPhotos } from "./editor_pick.js";
import { Preview } from "./editor_preview.js";
import { defaults, History, Recipe } from "./editor_recipe.js";
import { Saving } from "./editor_save.js";
import { Stage } from "./editor_stage.js";
import { t } from "./i18n.js";
import { complain, toast } from "./toast.js";

const PREVIEW_SIDE = 1024;
const SLOW = 3; // seconds from which an operation says what it takes

class PhotoEditor extends HTMLElement {
  connectedCallback() {
    const { sections, operations, presets } = JSON.parse(this.querySelector("#declarations").textContent);
    Object.assign(this, { photo: this.dataset.id, version: this.dataset.version, operations, presets });
    this.recipe = new Recipe(operations);
    this.draft = `albumen.draft.${this.photo}`;
    this.stage = new Stage(this.querySelector(".stage"), { before: () => this.before() });
    this.size = this.stage.size;
    this.megapixels = (this.size[0] * this.size[1]) / 1e6;
    this.preview = new Preview(this.photo, {
      estimate: (steps) => this.estimate(steps),
      working: (seconds) => this.stage.working(seconds),
      slow: (steps) => this.slowPart(steps),
      standIn: (address, key) => this.standIn(address, key),
    });
    this.panel = new Panel(this, sections, (this.saving = new Saving(this)));
    this.querySelector(".plain-edit").remove();
    this.querySelector(".panel").append(this.panel.element);
    this.addTools(this.querySelector(".stage-tools"));
    this.restore();
    this.history = new History(this.recipe.snapshot);
    this.show();
    document.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("keyup", (event) => event.key === "o" && this.hold(false));
  }

  // --- the recipe ------------------------------------------------------------------------------------------------

  /** Change the recipe and show it; a change that is not settled (a slider still held) is no step of undo yet. */
  change(run, settled = true) {
    run(this.recipe);
    if (settled) this.history.commit(this.recipe.snapshot);
    this.shown = null;
    this.show();
  }

  setParam(op, name, value, settled) {
    this.change((recipe) => {
      const step = recipe.last(op) ?? recipe.add(op);
      step.on = true;
      step.params[name] = value;
      // Back where it was, and there it does nothing: no step.
      const usual = defaults(this.operations[op]);
      if (settled && this.operations[op].neutral && JSON.stringify(step.params) === JSON.stringify(usual)) recipe.remove(step.id);
    }, settled);
  }

  toggle(op, on) {
    this.change((recipe) => {
      const step = recipe.last(op);
      if (step) step.on = on;
      else recipe.add(op);
    });
  }

  setOutput(name, value, settled) {
    this.change((recipe) => (recipe.output[name] = value), settled);
  }

  loadRecipe(list) {
    this.change((recipe) => {
      const unknown = recipe.load(list);
      if (unknown) toast(t("editor.unknown", { count: unknown }));
    });
  }

  /** A reload or a way round by another page loses nothing. */
  restore() {
    try {
      const kept = sessionStorage.getItem(this.draft);
      if (kept) this.recipe.snapshot = kept;
    } catch {
      sessionStorage.removeItem(this.draft); // of an older version
    }
  }

  saved() {
    sessionStorage.removeItem(this.draft);
  }

  travel(snapshot) {
    if (snapshot === null) return;
    this.recipe.snapshot = snapshot;
    this.shown = null;
    this.show();
  }

  // --- showing ---------------------------------------------------------------------------------------------------

  show() {
    this.panel.show(this.recipe);
    this.saving.show(this.recipe);
    this.undoButton.disabled = this.history.past.length === 0;
    this.redoButton.disabled = this.history.future.length === 0;
    if (this.recipe.steps.length) sessionStorage.setItem(this.draft, this.recipe.snapshot);
    else sessionStorage.removeItem(this.draft);
    this.look();
  }

  /** The steps to preview: without what has no preview, and while cropping those ahead of the crop. */
  seen() {
    const steps = this.cropped === undefined ? this.recipe.active() : this.recipe.active(this.cropped);
    return steps.filter((step) => !(step.op === "style" && !step.photo && !step.preset));
  }

  async look() {
    if (this.shown) return;
    const steps = this.seen();
    const key = JSON.stringify(steps);
    if (key === this.looked) return;
    this.looked = key;
    if (this.stage.note.dataset.kind === "warning") this.stage.tell("");
    try {
      const address = steps.length ? await this.preview.want(steps) : this.preview.drop();
      if (this.looked === key && (address || !steps.length)) await this.stage.show(address);
    } catch (error) {
      if (this.looked === key) this.stage.tell(error.message, "warning");
    }
  }

  /** The steps up to the last that a network works on; empty without one. */
  slowPart(steps) {
    const last = steps.findLastIndex(({ op }) => this.operations[op].kind === "learned");
    return last < 0 ? "" : JSON.stringify(steps.slice(0, last + 1));
  }

  /** A quick picture, said to be one, until the preview is there. */
  standIn(address, key) {
    if (key !== this.looked) return;
    this.stage.show(address);
    this.stage.tell(t("editor.quick"), "clock");
  }

  /** Show the picture ahead of this step (null: after all steps) for cropping; undefined ends it. */
  async cropping(step) {
    this.cropped = step;
    if (step !== undefined) this.stopComparing();
    await this.look();
  }

  showFile(address, name) {
    this.shown = address;
    this.looked = null;
    this.stage.show(address);
    this.stage.tell(t("editor.shown", { name }), "photos");
  }

  /** What a slow operation will take on this photo, in words. */
  patience(operation) {
    const seconds = operation.seconds_per_megapixel * this.megapixels;
    if (seconds < SLOW) return "";
    return seconds < 90 ? t("editor.takes", { seconds: Math.round(seconds) }) : t("editor.takes_minutes", { minutes: Math.round(seconds / 60) });
  }

  estimate(steps) {
    const [width, height] = this.size;
    const megapixels = Math.min(1, PREVIEW_SIDE / Math.max(width, height)) ** 2 * ((width * height) / 1e6);
    return steps.reduce((sum, step) => sum + this.operations[step.op].seconds_per_megapixel * megapixels, 0);
  }

  // --- comparing -------------------------------------------------------------------------------------------------

  async before() {
    const shape = this.recipe.shape();
    return shape.length ? this.preview.aside(shape) : this.stage.original;
  }

  hold(on) {
    if (on && !this.stage.compares) this.stage.compare(false).catch(complain);
    else if (!on && this.splitButton.getAttribute("aria-pressed") === "false") this.stage.stopComparing();
  }

  split() {
    const on = this.splitButton.getAttribute("aria-pressed") === "false";
    this.splitButton.setAttribute("aria-pressed", String(on));
    if (on) {
      this.stage.compare(true).then(() => this.stage.divider.focus(), complain);
      return;
    }
    if (document.activeElement === this.stage.divider) this.splitButton.focus();
    this.stage.stopComparing();
  }

  stopComparing() {
    this.splitButton.setAttribute("aria-pressed", "false");
    this.stage.stopComparing();
  }

  // --- tools -----------------------------------------------------------------------------------------------------

  addTools(bar) {
    const press = (symbol, label, run, extra = {}) => h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick: run, ...extra }, icon(symbol));
    this.undoButton = press("undo", t("editor.undo"), () => this.travel(this.history.undo()));
    this.redoButton = press("redo", t("editor.redo"), () => this.travel(this.history.redo()));
    const peek = press("eye", t("editor.original"), () => {});
    peek.addEventListener("pointerdown", () => this.hold(true));
    for (const end of ["pointerup", "pointercancel", "pointerleave", "blur"]) peek.addEventListener(end, () => this.hold(false));
    peek.addEventListener("keydown", (event) => [" ", "Enter"].includes(event.key) && this.hold(true));
    peek.addEventListener("keyup", () => this.hold(false));
    peek.addEventListener("contextmenu", (event) => event.preventDefault());
    this.splitButton = press("compare", t("editor.split"), () => this.split(), { "aria-pressed": "false" });
    const item = (symbol, label, run) => h("button", { type: "button", onclick: run }, icon(symbol), label);
    const menu = h(
      "details",
      { class: "menu" },
      h("summary", { class: "icon-button", "aria-label": t("editor.recipe"), title: t("editor.recipe") }, icon("more")),
      h(
        "div",
        { class: "menu-list" },
        item("copy", t("editor.copy"), () => this.copy()),
        item("edit", t("editor.paste"), () => this.paste()),
        item("photos", t("editor.apply"), () => this.apply()),
        item("restore", t("editor.clear"), () => this.change((recipe) => recipe.load([]))),
        item("help", t("editor.keys"), () => this.help()),
      ),
    );
    menu.addEventListener("click", (event) => event.target.closest("button") && (menu.open = false));
    const save = h("button", { type: "button", class: "button tight", onclick: () => this.toSaving() }, icon("save"), t("editor.save_tab"));
    bar.append(h("span", { class: "spacer" }), this.undoButton, this.redoButton, peek, this.splitButton, menu, save);
  }

  toSaving() {
    this.panel.open("save");
    this.saving.name.focus();
  }

  // --- the recipe elsewhere --------------------------------------------------------------------------------------

  async copy() {
    const text = JSON.stringify(this.recipe.asJson());
    localStorage.setItem(CLIPBOARD, text);
    // Without HTTPS there is no clipboard; the recipe is kept for other photos all the same.
    await navigator.clipboard?.writeText(text).catch(() => {});
    toast(t("editor.copied"));
  }

  async paste() {
    const field = h("textarea", { class: "input mono", name: "recipe", rows: "8", "aria-label": t("editor.recipe"), spellcheck: "false" });
    field.value = localStorage.getItem(CLIPBOARD) ?? "";
    const answer = await ask(t("editor.paste"), [h("p", { class: "hint" }, t("editor.paste_hint")), field], t("editor.paste_go"));
    if (!answer) return;
    try {
      const list = JSON.parse(answer.get("recipe"));
      if (!Array.isArray(list) || !list.every((step) => typeof step?.op === "string")) throw new SyntaxError();
      this.loadRecipe(list);
    } catch {
      toast(t("editor.paste_bad"));
    }
  }

  async apply() {
    const recipe = this.recipe.asJson();
    if (!recipe.length) {
      toast(t("editor.no_steps"));
      return;
    }
    const ids = await pickPhotos(t("editor.apply"), t("editor.apply_go"), { several: true, except: this.photo });
    if (!ids.length) return;
    try {
      const asked = await api("POST", "/photos/batch", { action: "edit", ids, recipe });
      if (asked.refused.length) toast(t("batch.refused", { count: asked.refused.length }), { stay: 9000 });
      if (asked.job) followEdits(asked.job, asked.done);
    } catch (error) {
      complain(error);
    }
  }

  // --- keys ------------------------------------------------------------------------------------------------------

  key(event) {
    if (document.querySelector("dialog[open]")) return;
    const slider = event.target.matches?.("input[type=range]");
    const held = (event.ctrlKey || event.metaKey) && !event.altKey;
    if (typing(event) && !slider) return;
    const key = event.key.toLowerCase();
    if (held && key === "z") this.travel(event.shiftKey ? this.history.redo() : this.history.undo());
    else if (held && key === "y") this.travel(this.history.redo());
    else if (held && key === "s") this.toSaving();
    else if (held || event.altKey) return;
    else if (key === "escape" && this.panel.shape?.frame) this.panel.shape.finish();
    else if (key === "o" && !event.repeat) this.hold(true);
    else if (key === "y") this.split();
    else if (key === "?") this.help();
    else return;
    event.preventDefault();
  }

  help() {
    const rows = [["Ctrl Z", t("editor.undo")], ["Ctrl Shift Z", t("editor.redo")], ["Ctrl S", t("editor.save_tab")], ["o", t("editor.original")], ["y", t("editor.split")]];
    const list = h("dl", { class: "facts" }, ...rows.flatMap(([key, text]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, text)]));
    return ask(t("editor.keys"), [list], t("dismiss"), { only: true });
  }
}

customElements.define("photo-editor", PhotoEditor);
