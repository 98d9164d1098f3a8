// The rule of a dynamic album: completion, how many photos it finds now or what is wrong with it, and a builder of
// conditions. Text and builder are one rule: whichever is changed, the other follows.
import { api } from "./api.js";
import { Builder } from "./builder.js";
import { Completer } from "./complete.js";
import { debounce, h } from "./dom.js";
import { t } from "./i18n.js";
import { suggestQuery } from "./words.js";

class RuleField extends HTMLElement {
  connectedCallback() {
    this.input = this.querySelector("input");
    this.note = this.querySelector("[data-count]");
    this.hint = this.note.textContent;
    this.note.setAttribute("aria-live", "polite");
    new Completer(this.input, (text, caret) => suggestQuery(this.input, text, caret));
    const follow = debounce(250, () => this.built());
    this.builder = new Builder(() => {
      this.behind = true;
      follow();
    });
    this.input.form.addEventListener("submit", (event) => this.submitted(event));
    // The conditions first; the rule as text for who would rather write it.
    const text = h("details", { class: "rule-text" }, h("summary", {}, t("rule.as_text")), this.querySelector("label"), this.querySelector(".suggest"));
    this.prepend(this.builder.element, text);
    text.open = !this.input.checkValidity() && Boolean(this.input.value);
    this.input.addEventListener("invalid", () => (text.open = true)); // left empty: it must be seen to be filled
    this.input.addEventListener("input", debounce(350, () => this.written()));
    this.written();
  }

  /** The text was changed: the builder follows. */
  async written() {
    const query = this.input.value.trim();
    this.behind = false;
    const read = await this.read({ query });
    if (read && this.input.value.trim() === query) this.builder.show(read.tree);
  }

  /** The builder was changed: the text follows. */
  async built() {
    const read = await this.read({ tree: this.builder.tree });
    if (!read) return;
    this.input.value = read.canonical;
    this.behind = false;
  }

  /** Enter in the builder may come before the text has followed: what is sent is the rule that is seen. */
  async submitted(event) {
    if (!this.behind) return;
    event.preventDefault();
    await this.built();
    if (!this.behind) this.input.form.requestSubmit(event.submitter);
  }

  /** Ask the server what a rule is and finds; null when it is none, which is then told. */
  async read(rule) {
    const asked = (this.asked = Symbol("asked"));
    try {
      const read = await api("POST", "/queries/parse", rule);
      if (asked !== this.asked) return null;
      this.input.removeAttribute("aria-invalid");
      this.note.textContent = read.tree ? t("rule.count", { count: read.count }) : this.hint;
      return read;
    } catch (error) {
      if (asked !== this.asked) return null;
      this.input.setAttribute("aria-invalid", "true");
      this.note.textContent = error.message;
      this.querySelector(".rule-text").open = true;
      return null;
    }
  }
}

customElements.define("rule-field", RuleField);
