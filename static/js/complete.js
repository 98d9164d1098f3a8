// Completion under a text field, as a combobox that a screen reader and the keyboard understand.
import { debounce, h, icon } from "./dom.js";
import { t } from "./i18n.js";

let serial = 0;

export class Completer {
  /**
   * @param {HTMLInputElement} input
   * @param {(text: string, caret: number) => Promise<{label: string, kind: string, symbol?: string, apply: () => void}[]>} source
   */
  constructor(input, source) {
    this.input = input;
    this.source = source;
    this.id = `suggest-${++serial}`;
    this.list = h("div", { class: "suggest-list", id: this.id, role: "listbox", "aria-label": t("search.suggestions"), hidden: true });
    input.after(this.list);
    for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.id })) {
      input.setAttribute(name, value);
    }
    this.chosen = -1;
    this.options = [];
    input.addEventListener("input", debounce(90, () => this.update()));
    input.addEventListener("focus", () => this.update());
    input.addEventListener("keydown", (event) => this.key(event));
    input.addEventListener("blur", () => setTimeout(() => this.close(), 150));
  }

  async update() {
    const asked = (this.asked = Symbol("asked"));
    const options = await this.source(this.input.value, this.input.selectionStart ?? this.input.value.length);
    if (asked !== this.asked || document.activeElement !== this.input) return;
    this.options = options.slice(0, 10);
    this.list.replaceChildren(
      ...this.options.map((option, index) =>
        h(
          "div",
          { role: "option", id: `${this.id}-${index}`, "aria-selected": "false", onpointerdown: (event) => this.pick(event, index) },
          h("span", { class: "what" }, option.symbol && icon(option.symbol), option.label),
          h("span", { class: "kind" }, option.kind),
        ),
      ),
    );
    this.mark(-1);
    this.list.hidden = this.options.length === 0;
    this.input.setAttribute("aria-expanded", String(!this.list.hidden));
  }

  key(event) {
    if (this.list.hidden) return;
    const count = this.options.length;
    if (event.key === "ArrowDown") this.mark((this.chosen + 1) % count);
    else if (event.key === "ArrowUp") this.mark((this.chosen - 1 + count) % count);
    else if (event.key === "Escape") this.close();
    else if ((event.key === "Enter" || event.key === "Tab") && this.chosen >= 0) this.pick(event, this.chosen);
    else return;
    if (event.key !== "Tab") event.preventDefault();
    event.stopPropagation();
  }

  mark(index) {
    this.chosen = index;
    [...this.list.children].forEach((option, i) => option.setAttribute("aria-selected", String(i === index)));
    this.list.children[index]?.scrollIntoView({ block: "nearest" });
    if (index >= 0) this.input.setAttribute("aria-activedescendant", `${this.id}-${index}`);
    else this.input.removeAttribute("aria-activedescendant");
  }

  pick(event, index) {
    event.preventDefault();
    this.options[index].apply();
    this.close();
    this.input.focus();
  }

  close() {
    this.list.hidden = true;
    this.mark(-1);
    this.input.setAttribute("aria-expanded", "false");
  }
}
