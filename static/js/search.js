// The search box: completion of tags and fields while typing, and what was searched before while empty.
import { Completer } from "./complete.js";
import { t } from "./i18n.js";
import { suggestQuery } from "./words.js";

const RECENT = "albumen.recent";

class SearchBox extends HTMLElement {
  connectedCallback() {
    const input = this.querySelector("input");
    new Completer(input, async (text, caret) => (text.trim() ? [whole(input, text.trim()), ...(await suggestQuery(input, text, caret))] : recent(input)));
    this.querySelector("form").addEventListener("submit", () => keep(input.value.trim()));
  }
}

const read = () => JSON.parse(localStorage.getItem(RECENT) ?? "[]");

function keep(text) {
  if (text) localStorage.setItem(RECENT, JSON.stringify([text, ...read().filter((one) => one !== text)].slice(0, 8)));
}

const searching = (input, text) => () => {
  input.value = text;
  input.form.requestSubmit();
};

/** The search as it stands, first of all. */
const whole = (input, text) => ({ label: t("search.for", { text }), kind: "", symbol: "search", apply: searching(input, text) });

const recent = (input) => read().map((text) => ({ label: text, kind: t("search.recent"), symbol: "clock", apply: searching(input, text) }));

customElements.define("search-box", SearchBox);
