// The page's words: messages the server put into it, and dates and numbers as the language writes them.

const messages = JSON.parse(document.getElementById("messages").textContent);
export const language = document.documentElement.lang;
const number = new Intl.NumberFormat(language);
const percent = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 });

/** The message under `key`, its placeholders filled; with a `count` it chooses singular or plural. */
export function t(key, values = {}) {
  let name = key;
  if ("count" in values && !(key in messages)) name = `${key}.${values.count === 1 ? "one" : "other"}`;
  const text = messages[name];
  if (text === undefined) throw new Error(`there is no message ${name}`);
  return text.replace(/\{(\w+)\}/g, (_, slot) => (slot === "count" ? number.format(values.count) : values[slot]));
}

export const formatPercent = (share) => percent.format(share);
export const formatNumber = (value) => number.format(value);

// Making a formatter takes far longer than using it.
const region = language === "en" ? "en-GB" : language;
const days = new Intl.DateTimeFormat(region, { year: "numeric", month: "long", day: "numeric", timeZone: "UTC" });
const months = new Intl.DateTimeFormat(region, { year: "numeric", month: "long", timeZone: "UTC" });

/** A capture time (ISO with its own offset) as a date; the wall clock of the place, not of this machine. */
export function formatDate(iso) {
  const [year, month, day] = iso.slice(0, 10).split("-").map(Number);
  return days.format(Date.UTC(year, month - 1, day));
}

/** `2024-06` as a heading. */
export function formatMonth(key) {
  const [year, month] = key.split("-").map(Number);
  return months.format(Date.UTC(year, month - 1, 1));
}
