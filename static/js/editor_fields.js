// Controls made from the declarations of parameters: a slider with its number and a way back, choices, switches.
import { h, icon } from "./dom.js";
import { t } from "./i18n.js";

const SLIDER = 1000; // positions of a slider that moves by factors
const WIDEST = 2000; // a larger range is typed, not slid
const PILLS = 4;
let numbers = 0;

const fresh = (name) => `${name}-${++numbers}`;
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/**
 * All controls of one operation. `changed(name, value, settled)` hears every move; `settled` is false while a slider
 * is still held. `label` names the one control of an operation that has no more.
 */
export class Fields {
  constructor(operation, changed, { leave = [], label = "" } = {}) {
    this.operation = operation;
    this.fields = new Map();
    this.element = h("div", { class: "params" });
    for (const declared of operation.parameters) {
      if (leave.includes(declared.name)) continue;
      const parameter = label ? { ...declared, label } : declared;
      const field = makeField(parameter, (value, settled) => changed(parameter.name, value, settled));
      this.fields.set(parameter.name, { field, parameter });
      this.element.append(field.element);
    }
  }

  /** Show these values, and only what has an effect with them. */
  show(params) {
    for (const [name, { field, parameter }] of this.fields) {
      field.set(params[name]);
      const idle = Object.entries(parameter.only_for ?? {}).some(([other, values]) => !values.includes(params[other]));
      field.element.hidden = idle;
    }
  }
}

function makeField(parameter, changed) {
  const { type, range } = parameter;
  if (type === "boolean") return switchField(parameter, changed);
  if (type === "choice") return parameter.choices.length > PILLS ? selectField(parameter, changed) : pillField(parameter, changed);
  if (type === "colour") return simpleField(parameter, changed, "color");
  if (type === "numbers" || type === "points") return listField(parameter, changed);
  if (type === "text") return simpleField(parameter, changed, "text");
  return parameter.default === null || range.maximum - range.minimum > WIDEST ? numberField(parameter, changed) : sliderField(parameter, changed);
}

function hint(parameter, id) {
  return h("p", { class: "hint", id }, parameter.description);
}

// --- numbers -------------------------------------------------------------------------------------------------------

/** Between slider positions and values: by equal steps, or by equal factors where the range spans decades. */
function scaleOf({ type, default: usual, range: { minimum: low, maximum: high } }) {
  if (low > 0 && high / low >= 50 && type === "number") {
    const span = Math.log(high / low);
    const toValue = (position) => Number((low * Math.exp((span * position) / SLIDER)).toPrecision(3));
    const toPosition = (value) => Math.round((SLIDER * Math.log(value / low)) / span);
    return { min: 0, max: SLIDER, step: 1, origin: usual === 1 ? toPosition(1) : null, toValue, toPosition };
  }
  const width = high - low;
  const step = type === "integer" ? 1 : width <= 2 ? 0.01 : width <= 20 ? 0.05 : 0.5;
  return { min: low, max: high, step, toValue: (position) => Number(position), toPosition: (value) => value };
}

function sliderField(parameter, changed) {
  const { label, unit, range, default: usual } = parameter;
  const scale = scaleOf(parameter);
  const [id, hintId] = [fresh("slider"), fresh("hint")];
  const slider = h("input", { type: "range", id, min: String(scale.min), max: String(scale.max), step: String(scale.step), "aria-describedby": hintId });
  const number = h("input", { type: "number", class: "value", min: String(range.minimum), max: String(range.maximum), step: parameter.type === "integer" ? "1" : "any", inputmode: "decimal", "aria-label": label });
  const reset = h("button", { type: "button", class: "icon-button reset", "aria-label": t("editor.reset", { name: label }), title: t("editor.reset", { name: label }) }, icon("undo"));
  const set = (value) => {
    slider.value = String(scale.toPosition(value));
    slider.setAttribute("aria-valuetext", `${value}${unit ? ` ${unit}` : ""}`);
    if (document.activeElement !== number) number.value = String(value);
    reset.classList.toggle("idle", same(value, usual));
    reset.tabIndex = same(value, usual) ? -1 : 0;
    const [from, to] = [scale.origin ?? scale.toPosition(Math.max(0, range.minimum)), Number(slider.value)];
    const share = (position) => `${(100 * (position - scale.min)) / (scale.max - scale.min)}%`;
    slider.style.setProperty("--from", share(Math.min(from, to)));
    slider.style.setProperty("--to", share(Math.max(from, to)));
  };
  const move = (value, settled) => {
    set(value);
    changed(value, settled);
  };
  slider.addEventListener("input", () => move(scale.toValue(slider.value), false));
  slider.addEventListener("change", () => move(scale.toValue(slider.value), true));
  slider.addEventListener("dblclick", () => move(usual, true));
  number.addEventListener("input", () => number.value !== "" && number.checkValidity() && move(Number(number.value), false));
  number.addEventListener("change", () => {
    const typed = number.value === "" ? usual : Math.min(range.maximum, Math.max(range.minimum, Number(number.value)));
    number.value = String(parameter.type === "integer" ? Math.round(typed) : typed);
    move(Number(number.value), true);
  });
  reset.addEventListener("click", () => {
    move(usual, true);
    slider.focus();
  });
  const head = h("div", { class: "param-head" }, h("label", { for: id, title: parameter.description }, label), reset, number, h("span", { class: "unit" }, unit ?? ""));
  return { element: h("div", { class: "param" }, head, slider, hint(parameter, hintId)), set };
}

/** A number that is only typed, and may be left out where its default is nothing. */
function numberField(parameter, changed) {
  const { label, unit, range, default: usual } = parameter;
  const [id, hintId] = [fresh("number"), fresh("hint")];
  const input = h("input", { type: "number", class: "input", id, min: String(range.minimum), max: String(range.maximum), step: parameter.type === "integer" ? "1" : "any", placeholder: "–", "aria-describedby": hintId });
  input.addEventListener("change", () => {
    if (!input.checkValidity()) input.value = String(Math.min(range.maximum, Math.max(range.minimum, Math.round(Number(input.value)))));
    changed(input.value === "" ? usual : Number(input.value), true);
  });
  const set = (value) => {
    if (document.activeElement !== input) input.value = value === null ? "" : String(value);
  };
  return { element: h("div", { class: "param" }, h("div", { class: "param-head" }, h("label", { for: id }, label, unit ? ` (${unit})` : "")), input, hint(parameter, hintId)), set };
}

// --- lists ---------------------------------------------------------------------------------------------------------

/** A few numbers, or points of two; perspective's corners and the gains of channels. */
function listField(parameter, changed) {
  const { label, range, default: usual } = parameter;
  const points = parameter.type === "points";
  const inputs = usual.flat().map((_, i) => {
    const name = points ? `${label} ${Math.floor(i / 2) + 1} ${"xy"[i % 2]}` : `${label} ${i + 1}`;
    return h("input", { type: "number", class: "input", min: String(range.minimum), max: String(range.maximum), step: "any", "aria-label": name });
  });
  const read = () => {
    const values = inputs.map((input) => Number(input.value));
    return points ? values.filter((_, i) => i % 2 === 0).map((x, i) => [x, values[2 * i + 1]]) : values;
  };
  for (const input of inputs) {
    input.addEventListener("change", () => {
      input.value = String(Math.min(range.maximum, Math.max(range.minimum, Number(input.value))));
      changed(read(), true);
    });
  }
  const set = (value) => value.flat().forEach((one, i) => inputs[i] && (inputs[i].value = String(one)));
  const element = h("fieldset", { class: "param" }, h("legend", {}, label), h("div", { class: `numbers ${points ? "points" : ""}` }, ...inputs), hint(parameter));
  return { element, set };
}

// --- choices -------------------------------------------------------------------------------------------------------

function pillField(parameter, changed) {
  const name = fresh("choice");
  const inputs = parameter.choices.map(([value]) => h("input", { type: "radio", name, value: String(value), onchange: () => changed(value, true) }));
  const pills = parameter.choices.map(([, label], i) => h("label", { class: "choice" }, inputs[i], h("span", {}, label)));
  const set = (value) => parameter.choices.forEach(([choice], i) => (inputs[i].checked = choice === value));
  return { element: h("fieldset", { class: "param" }, h("legend", {}, parameter.label), h("div", { class: "choices" }, ...pills), hint(parameter)), set };
}

function selectField(parameter, changed) {
  const [id, hintId] = [fresh("select"), fresh("hint")];
  const blank = parameter.default === null ? [h("option", { value: "" }, t("editor.as_source"))] : [];
  const options = parameter.choices.map(([value, label]) => h("option", { value: String(value) }, label));
  const select = h("select", { class: "input", id, "aria-describedby": hintId }, ...blank, ...options);
  select.addEventListener("change", () => changed(parameter.choices.find(([value]) => String(value) === select.value)?.[0] ?? null, true));
  const set = (value) => (select.value = value === null ? "" : String(value));
  return { element: h("div", { class: "param" }, h("div", { class: "param-head" }, h("label", { for: id }, parameter.label)), select, hint(parameter, hintId)), set };
}

function switchField(parameter, changed) {
  const hintId = fresh("hint");
  const box = h("input", { type: "checkbox", "aria-describedby": hintId, onchange: () => changed(box.checked, true) });
  return { element: h("div", { class: "param" }, h("label", { class: "switch" }, box, h("span", {}, parameter.label)), hint(parameter, hintId)), set: (value) => (box.checked = value) };
}

function simpleField(parameter, changed, type) {
  const [id, hintId] = [fresh("field"), fresh("hint")];
  const pattern = type === "text" ? parameter.range.pattern : null;
  const input = h("input", { type, class: type === "text" ? "input" : "colour", id, pattern, "aria-describedby": hintId, autocomplete: "off", spellcheck: "false" });
  input.addEventListener("input", () => type === "color" && changed(input.value, false));
  input.addEventListener("change", () => input.checkValidity() && changed(input.value, true));
  return { element: h("div", { class: "param" }, h("div", { class: "param-head" }, h("label", { for: id }, parameter.label)), input, hint(parameter, hintId)), set: (value) => (input.value = value) };
}
