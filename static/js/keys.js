// What the keys do here, told in a dialog.
import { ask } from "./dialog.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";

/** @param {[string, string][]} rows keys as they are written on the keyboard, and what they do */
export function showKeys(rows) {
  const list = h("dl", { class: "facts" }, ...rows.flatMap(([key, text]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, text)]));
  return ask(t("keys.title"), [list], t("dismiss"));
}
