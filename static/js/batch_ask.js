// The questions of the batch bar: a name with completion, and which recipe to apply.
import { api } from "./api.js";
import { Completer } from "./complete.js";
import { ask } from "./dialog.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";

export const CLIPBOARD = "albumen.recipe";
const READY = ["auto_enhance", "low_light", "dehaze", "grayscale"]; // good on many photos as they are

/** Ask for a name; `offers(text)` gives known ones. Resolves to the name, or empty when the dialog was closed. */
export async function askName(title, submit, offers, hint = "") {
  const input = h("input", { class: "input", name: "name", required: true, maxlength: "100", autocomplete: "off", "aria-label": title });
  const field = h("div", { class: "suggest" }, input);
  const take = (label) => () => (input.value = label);
  new Completer(input, async (text) => (await offers(text)).map((offer) => ({ ...offer, apply: take(offer.label) })));
  const answer = await ask(title, [field, hint && h("p", { class: "hint" }, hint)].filter(Boolean), submit);
  return answer ? answer.get("name").trim() : "";
}

/** The recipe copied last in the editor, if there is one that can be read. */
function copied() {
  try {
    const recipe = JSON.parse(localStorage.getItem(CLIPBOARD));
    return Array.isArray(recipe) && recipe.length && recipe.every((step) => typeof step?.op === "string") ? recipe : null;
  } catch {
    return null;
  }
}

/** Ask which recipe `count` photos get; null when the dialog was closed. */
export async function askRecipe(count) {
  const operations = new Map((await api("GET", "/enhancements")).map((operation) => [operation.name, operation]));
  const mine = copied();
  const named = (recipe) => recipe.filter((step) => step.op !== "output").map((step) => operations.get(step.op)?.title ?? step.op).join(" → ");
  const choices = [
    ...(mine ? [{ recipe: mine, title: t("batch.copied"), text: named(mine) }] : []),
    ...READY.filter((name) => operations.has(name)).map((name) => ({ recipe: [{ op: name }], title: operations.get(name).title, text: operations.get(name).description })),
  ];
  const line = ({ title, text }, index) =>
    h("label", { class: "pick-line" }, h("input", { type: "radio", name: "recipe", value: String(index), checked: index === 0, required: true }), h("span", {}, title, h("span", { class: "small quiet" }, text)));
  const content = [h("div", { class: "pick-lines" }, ...choices.map(line)), h("p", { class: "hint" }, t(mine ? "batch.edit_hint" : "batch.copy_hint"))];
  const answer = await ask(t("batch.edit_title", { count }), content, t("batch.edit_go"));
  return answer ? choices[Number(answer.get("recipe"))].recipe : null;
}
