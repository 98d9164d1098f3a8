// The rule of a dynamic album: completion, and how many photos it finds now, or what is wrong with it.
import { api } from "./api.js";
import { Completer } from "./complete.js";
import { debounce } from "./dom.js";
import { t } from "./i18n.js";
import { suggestQuery } from "./words.js";

class RuleField extends HTMLElement {
  connectedCallback() {
    const input = this.querySelector("input");
    const note = this.querySelector("[data-count]");
    const hint = note.textContent;
    new Completer(input, (text, caret) => suggestQuery(input, text, caret));
    const count = async () => {
      const text = input.value.trim();
      input.removeAttribute("aria-invalid");
      if (!text) {
        note.textContent = hint;
        return;
      }
      try {
        const { count } = await api("GET", `/search/count?q=${encodeURIComponent(text)}`);
        if (input.value.trim() === text) note.textContent = t("rule.count", { count });
      } catch (error) {
        if (input.value.trim() !== text) return;
        input.setAttribute("aria-invalid", "true");
        note.textContent = error.message;
      }
    };
    note.setAttribute("aria-live", "polite");
    input.addEventListener("input", debounce(350, count));
    if (input.value) count();
  }
}

customElements.define("rule-field", RuleField);
