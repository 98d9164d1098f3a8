// How large photos are in lists: two buttons and the keys + and -, kept in a cookie so that the server knows it at once.
import { h, icon, typing } from "./dom.js";
import { t } from "./i18n.js";

const STEPS = ["tiny", "small", "", "large"];
const YEAR = 365 * 24 * 3600;

/** Put the buttons into `place`; `changed(run)` makes the change where it lays out anew and keeps what is looked at. */
export function addDensity(place, changed) {
  const root = document.documentElement;
  const at = () => Math.max(0, STEPS.indexOf(root.dataset.density ?? ""));
  const press = (symbol, label, by) => h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick: () => step(by) }, icon(symbol));
  const [less, more] = [press("minus", t("density.smaller"), -1), press("plus", t("density.larger"), 1)];
  const mark = () => {
    less.disabled = at() === 0;
    more.disabled = at() === STEPS.length - 1;
  };
  function step(by) {
    const next = STEPS[at() + by];
    if (next === undefined) return;
    changed(() => (root.dataset.density = next));
    document.cookie = `albumen_density=${next}; path=/; max-age=${YEAR}; samesite=lax`;
    mark();
  }
  document.addEventListener("keydown", (event) => {
    if (typing(event) || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.key === "+" || event.key === "=") step(1);
    else if (event.key === "-") step(-1);
  });
  (document.querySelector("[data-sizer]") ?? place).append(h("div", { class: "density", role: "group", "aria-label": t("density.label") }, less, more));
  mark();
}
