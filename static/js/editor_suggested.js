// What Albumen would do to this photo, and why: a few words above the tools, one button that puts it into the recipe.
import { api } from "./api.js";
import { h, icon } from "./dom.js";
import { t } from "./i18n.js";

export class Suggested {
  constructor(editor) {
    this.editor = editor;
    this.steps = [];
    this.reasons = h("ul", { class: "reasons" });
    this.button = h("button", { type: "button", class: "button tight", onclick: () => this.apply() }, t("editor.suggested_apply"));
    this.element = h(
      "section",
      { class: "suggestion", "aria-labelledby": "suggested", hidden: true },
      h("h2", { id: "suggested" }, icon("sparkle"), t("editor.suggested")),
      this.reasons,
      this.button,
    );
    this.load();
  }

  /** A photo that cannot be measured is edited all the same. */
  async load() {
    const found = await api("GET", `/photos/${this.editor.photo}/suggestions`).catch(() => ({ recipe: [], reasons: [] }));
    const known = ({ op }) => op in this.editor.operations;
    this.steps = found.recipe.filter(known);
    const title = (op) => this.editor.operations[op].title;
    this.reasons.replaceChildren(...found.reasons.filter(known).map(({ op, text }) => h("li", { title: title(op), dataset: { suggests: op } }, text)));
    this.show(this.editor.recipe);
  }

  /** Those that are not in the recipe yet; first in it, as they were measured on the photo itself. */
  missing(recipe) {
    return this.steps.filter(({ op }) => !recipe.last(op));
  }

  apply() {
    this.editor.change((recipe) => this.missing(recipe).forEach(({ op, ...params }, at) => recipe.add(op, params, at)));
    this.editor.panel.tabs.get("steps").tab.focus();
  }

  show(recipe) {
    const missing = new Set(this.missing(recipe).map(({ op }) => op));
    for (const reason of this.reasons.children) reason.hidden = !missing.has(reason.dataset.suggests);
    this.element.hidden = missing.size === 0;
  }
}
