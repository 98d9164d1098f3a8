// The search box: completion of tags and fields while typing, and what was searched before while empty.
import { Completer } from "./complete.js";
import { t } from "./i18n.js";
import { suggestQuery } from "./words.js";

const RECENT = "albumen.recent";

class SearchBox extends HTMLElement {
  connectedCallback() {
    const input = this.querySelector("input");
    new Completer(input, async (text, caret) => (text.trim() ? suggestQuery(input, text, caret) : recent(input)));
    this.querySelector("form").addEventListener("submit", () => keep(input.value.trim()));
  }
}

const read = () => JSON.parse(localStorage.getItem(RECENT) ?? "[]");

function keep(text) {
  if (text) localStorage.setItem(RECENT, JSON.stringify([text, ...read().filter((one) => one !== text)].slice(0, 8)));
}

function recent(input) {
  const go = (text) => () => {
    input.value = text;
    input.form.requestSubmit();
  };
  return read().map((text) => ({ label: text, kind: t("search.recent"), apply: go(text) }));
}

customElements.define("search-box", SearchBox);
