// What can be completed in a query: the fields with their choices, and the tags in both languages.
import { api } from "./api.js";
import { formatNumber, language, t } from "./i18n.js";

let fields;
let tags;

export const loadTags = () => (tags ??= api("GET", "/tags").catch(() => []));
export const loadFields = () => (fields ??= api("GET", "/search/words").catch(() => []));

const fold = (text) => text.normalize("NFKC").toLocaleLowerCase();

const separated = (text) => ` ${text.replaceAll(/[\s-]+/g, " ")}`;

/** Tags whose name begins with the text, then those with a word that does; the most used first. Chinese has no spaces. */
export function matchTags(all, text) {
  const wanted = fold(text);
  const rank = (tag) => {
    const names = [tag.name_en, tag.name_zh, tag.slug].map(fold);
    if (names.some((name) => name.startsWith(wanted))) return 0;
    const within = (name) => separated(name).includes(` ${wanted}`) || (/\p{Script=Han}/u.test(wanted) && name.includes(wanted));
    return names.some(within) ? 1 : 2;
  };
  return all
    .map((tag) => ({ tag, rank: rank(tag) }))
    .filter((one) => one.rank < 2)
    .sort((a, b) => a.rank - b.rank || b.tag.count - a.tag.count || a.tag.name.length - b.tag.name.length)
    .map((one) => one.tag);
}

/** The word at the caret: from the last space, bracket or minus outside quotes. */
function wordAt(text, caret) {
  let start = 0;
  let quoted = false;
  for (let i = 0; i < caret; i++) {
    if (text[i] === '"') quoted = !quoted;
    else if (!quoted && /[\s()]/.test(text[i])) start = i + 1;
  }
  if (text[start] === "-") start++;
  return { start, word: text.slice(start, caret) };
}

const quote = (value) => (/[\s()":]/.test(value) ? `"${value}"` : value);

/** Suggestions for a query field; `apply` puts the chosen text in place of the word at the caret. */
export async function suggestQuery(input, text, caret) {
  const { start, word } = wordAt(text, caret);
  if (!word) return [];
  const put = (replacement, done = true) => () => {
    input.setRangeText(replacement + (done ? " " : ""), start, caret, "end");
    input.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const known = await loadFields();
  const colon = word.indexOf(":");
  if (colon > 0) {
    const field = known.find((one) => one.name === word.slice(0, colon));
    if (!field) return [];
    const value = word.slice(colon + 1).replaceAll('"', "");
    if (field.name === "tag") return matchTags(await loadTags(), value).map((tag) => option(tag.name, tag.count ? formatNumber(tag.count) : t("search.unused"), put(`tag:${quote(tag.name)}`), "tag"));
    return field.choices
      .filter((choice) => choice.name.startsWith(value))
      .map((choice) => option(`${field.name}:${choice.name}`, choice.help, put(`${field.name}:${choice.name}`)));
  }
  const named = known
    .filter((field) => field.name.startsWith(word.toLowerCase()))
    .map((field) => option(`${field.name}:`, field.example, put(`${field.name}:`, false)));
  // Tags, people, places and albums as the server counts them; what no photo has is not offered.
  const found = await api("GET", `/suggest?limit=12&q=${encodeURIComponent(word)}`).catch(() => []);
  const things = found
    .filter((one) => SYMBOLS[one.kind] && one.count !== 0)
    .map((one) => option(one.label, one.count ? formatNumber(one.count) : "", put(one.kind === "tag" ? quote(one.label) : one.text), SYMBOLS[one.kind]));
  return language.startsWith("zh") || word.length > 3 ? [...things.slice(0, 7), ...named] : [...things.slice(0, 5), ...named];
}

const SYMBOLS = { tag: "tag", person: "face", place: "places", album: "albums" };
const option = (label, kind, apply, symbol = "") => ({ label, kind, apply, symbol });
