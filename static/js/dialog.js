// Questions in a dialog of the browser's own kind: focus stays inside, Escape closes.
import { h } from "./dom.js";
import { t } from "./i18n.js";

/**
 * Show a dialog with `content`; resolves with the form's data, or null when it was closed. `danger` for what cannot be
 * undone; `only` when there is nothing to decide and one button closes it.
 */
export function ask(title, content, submit, { danger = false, only = false } = {}) {
  return new Promise((resolve) => {
    const form = h(
      "form",
      { method: "dialog", class: "stack" },
      h("h2", { id: "dialog-title" }, title),
      ...content,
      h(
        "div",
        { class: "row end" },
        !only && h("button", { type: "button", class: "button", onclick: () => dialog.close() }, t("cancel")),
        h("button", { class: `button ${danger ? "danger filled" : only ? "" : "primary"}`, value: "yes" }, submit),
      ),
    );
    const dialog = h("dialog", { "aria-labelledby": "dialog-title" }, form);
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes" ? new FormData(form) : null);
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Whether someone means it; `act` is the button's word for what will be done. */
export const confirmed = async (question, act, danger) => (await ask(question, [], act, { danger })) !== null;
