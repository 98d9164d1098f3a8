// What the keys do here, told in a dialog.
import { ask } from "./dialog.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";

/** @param {[string, string][]} rows keys as they are written on the keyboard, and what they do */
export function showKeys(rows) {
  const list = h("dl", { class: "facts" }, ...rows.flatMap(([key, text]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, text)]));
  return ask(t("keys.title"), [list], t("dismiss"), { only: true });
}

/** The page's buttons that tell the keys: they show where there are keys to tell. */
export function offerKeys(run) {
  for (const button of document.querySelectorAll("[data-keys]")) {
    button.hidden = false;
    button.onclick = run;
  }
}
