// The editor's panel: tabs, each operation with its controls, the list of steps. Shows the recipe, asks the editor to
// change it.
import { h, icon } from "./dom.js";
import { defaults } from "./editor_recipe.js";
import { ShapeTools } from "./editor_shape.js";
import { Fields } from "./editor_fields.js";
import { StyleShelf } from "./editor_style.js";
import { Suggested } from "./editor_suggested.js";
import { formatNumber, t } from "./i18n.js";

const SYMBOLS = { smart: "sparkle", light: "sun", colour: "palette", detail: "develop", shape: "crop", style: "brush", steps: "layers", save: "save" };

export class Panel {
  constructor(editor, sections, saving) {
    this.editor = editor;
    this.cards = [];
    this.tabs = new Map();
    const list = h("div", { class: "tabs-row", role: "tablist", "aria-label": t("editor.tabs") });
    const bodies = h("div", { class: "tab-bodies" });
    for (const { name, title, operations } of sections) this.tab(list, bodies, name, title, this.section(name, operations));
    this.steps = h("ol", { class: "steps" });
    this.tab(list, bodies, "steps", t("editor.steps"), [this.steps]);
    this.tab(list, bodies, "save", t("editor.save_tab"), [saving.element]);
    list.addEventListener("keydown", (event) => this.keys(event));
    this.suggested = new Suggested(editor);
    this.element = h("div", { class: "tools" }, this.suggested.element, list, bodies);
    this.open(sections[0].name);
  }

  // --- tabs ------------------------------------------------------------------------------------------------------

  tab(list, bodies, name, title, content) {
    const tab = h("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `tools-${name}`, onclick: () => this.open(name) }, icon(SYMBOLS[name] ?? "edit"), h("span", {}, title));
    const body = h("div", { role: "tabpanel", id: `tools-${name}`, "aria-labelledby": `tab-${name}`, tabindex: "0" }, ...content);
    list.append(tab);
    bodies.append(body);
    this.tabs.set(name, { tab, body });
  }

  open(name) {
    for (const [other, { tab, body }] of this.tabs) {
      tab.setAttribute("aria-selected", String(other === name));
      tab.tabIndex = other === name ? 0 : -1;
      body.hidden = other !== name;
    }
    this.opened = name;
    if (name === "style") this.shelf?.load();
    else this.shelf?.pause();
  }

  keys(event) {
    const names = [...this.tabs.keys()];
    const at = names.indexOf(this.opened);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: names.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const name = names[(to + names.length) % names.length];
    this.open(name);
    this.tabs.get(name).tab.focus();
  }

  // --- operations ------------------------------------------------------------------------------------------------

  section(name, operations) {
    if (name === "style") {
      this.shelf = new StyleShelf(this.editor);
      return [this.shelf.element];
    }
    const own = [];
    if (name === "shape") {
      this.shape = new ShapeTools(this.editor);
      own.push(this.shape.element);
    }
    const shown = operations.filter((operation) => name !== "shape" || !["crop", "flip"].includes(operation));
    return [...own, ...shown.map((operation) => this.card(this.editor.operations[operation]))];
  }

  /**
   * One operation. Where the untouched controls do nothing they are simply there, and moving one adds the step; else
   * a switch adds it.
   */
  card(operation) {
    const changed = (name, value, settled) => this.editor.setParam(operation.name, name, value, settled);
    const single = operation.neutral && operation.parameters.length === 1;
    const fields = new Fields(operation, changed, { label: single ? operation.title : "" });
    const id = `op-${operation.name}`;
    const text = h("p", { class: "hint", id: `${id}-about` }, [operation.description, this.editor.patience(operation)].filter(Boolean).join(" "));
    let box = null;
    let head = single ? null : h("h2", { id }, operation.title);
    if (!operation.neutral) {
      box = h("input", { type: "checkbox", role: "switch", "aria-describedby": `${id}-about`, onchange: () => this.editor.toggle(operation.name, box.checked) });
      head = h("h2", { id }, h("label", { class: "switch" }, box, h("span", {}, operation.title)));
    }
    const parts = single ? [fields.element, text] : [head, text, fields.element];
    const element = h("section", { class: `op ${operation.kind} ${single ? "single" : ""}`, "aria-label": operation.title, dataset: { op: operation.name } }, ...parts);
    this.cards.push({ operation, fields, box, element });
    return element;
  }

  // --- showing ---------------------------------------------------------------------------------------------------

  show(recipe) {
    for (const { operation, fields, box, element } of this.cards) {
      const step = recipe.last(operation.name);
      const on = Boolean(step?.on);
      if (box) box.checked = on;
      element.classList.toggle("on", on);
      fields.element.hidden = Boolean(box) && !on;
      fields.show(step?.params ?? defaults(operation));
    }
    this.shape?.show(recipe);
    this.shelf?.show(recipe);
    this.suggested.show(recipe);
    this.showSteps(recipe);
    const count = recipe.steps.length;
    const { tab } = this.tabs.get("steps");
    tab.dataset.count = count ? String(count) : "";
    tab.setAttribute("aria-label", count ? `${t("editor.steps")} (${formatNumber(count)})` : t("editor.steps"));
  }

  showSteps(recipe) {
    const held = this.steps.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const lines = recipe.steps.map((step, at) => this.stepLine(step, at, recipe.steps.length));
    this.steps.replaceChildren(...(lines.length ? lines : [h("li", { class: "quiet none" }, t("editor.no_steps"))]));
    if (!held) return;
    const kin = [`[data-key="${held}"]`, `[data-key$="-${held.split("-").at(-1)}"]`, "[data-key]"]; // itself, its step, any step
    (kin.map((selector) => this.steps.querySelector(`${selector}:not([disabled])`)).find(Boolean) ?? this.tabs.get("steps").tab).focus();
  }

  stepLine(step, at, count) {
    const operation = this.editor.operations[step.op];
    const name = operation.title;
    const press = (key, symbol, label, run, disabled = false) => h("button", { type: "button", class: "icon-button small-target", "aria-label": label, title: label, disabled, dataset: { key: `${key}-${step.id}` }, onclick: run }, icon(symbol));
    const box = h("input", { type: "checkbox", checked: step.on, "aria-label": t("editor.step_on", { name }), dataset: { key: `on-${step.id}` }, onchange: () => this.editor.change(() => (step.on = box.checked)) });
    return h(
      "li",
      { class: step.on ? "" : "off" },
      h("label", { class: "switch" }, box, h("span", {}, name)),
      h(
        "span",
        { class: "actions" },
        press("up", "up", t("editor.up", { name }), () => this.editor.change((recipe) => recipe.move(step.id, -1)), at === 0),
        press("down", "down", t("editor.down", { name }), () => this.editor.change((recipe) => recipe.move(step.id, 1)), at === count - 1),
        press("copy", "copy", t("editor.duplicate", { name }), () => this.editor.change((recipe) => recipe.duplicate(step.id))),
        press("remove", "close", t("editor.remove", { name }), () => this.editor.change((recipe) => recipe.remove(step.id))),
      ),
      h("span", { class: "small quiet" }, summary(operation, step.params)),
    );
  }
}

/** What differs from the usual, in words. */
function summary(operation, params) {
  const usual = defaults(operation);
  const say = ({ name, type, label, unit, choices }) => {
    const value = params[name];
    if (type === "boolean") return label;
    const shown = type === "choice" ? (choices.find(([choice]) => choice === value)?.[1] ?? value) : Array.isArray(value) ? value.flat().join(", ") : type === "number" ? formatNumber(value) : value;
    return `${label} ${shown}${unit ? ` ${unit}` : ""}`;
  };
  return operation.parameters
    .filter(({ name }) => JSON.stringify(params[name]) !== JSON.stringify(usual[name]) && params[name] !== null)
    .map(say)
    .join(" · ");
}
