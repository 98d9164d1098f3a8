// Short messages at the foot of the page, with at most one thing to press.
import { h } from "./dom.js";
import { t } from "./i18n.js";

const STAY = 6000;
const STAY_TO_ACT = 10_000; // with something to press

function put(note) {
  const box = document.querySelector(".toasts");
  const passing = box.querySelectorAll(".toast:not(.lasting)");
  if (passing.length > 2) passing[0].remove();
  box.append(note);
}

function build(text, action, run, kind = "") {
  const press = async () => {
    note.remove();
    await run();
  };
  const says = h("span", {}, text);
  const note = h("div", { class: `toast ${kind}` }, says, action && h("button", { type: "button", onclick: press }, action));
  return { note, says };
}

export function toast(text, { action = "", run = null, stay = action ? STAY_TO_ACT : STAY } = {}) {
  const { note } = build(text, action, run);
  note.classList.toggle("undoes", action === t("undo"));
  put(note);
  const close = () => note.remove();
  // Nobody loses what they are about to press.
  const leave = () => (note.matches(":hover, :focus-within") ? setTimeout(leave, 1000) : close());
  setTimeout(leave, stay);
  return close;
}

/** Take back what the last message offers to, as Ctrl+Z does; false when there is none. */
export function undoLast() {
  const last = [...document.querySelectorAll(".toast.undoes button")].at(-1);
  last?.click();
  return Boolean(last);
}

/** A message that stays until its work is over: `tell(text, share)` brings it up to date. */
export function lasting(text, action, run) {
  const { note, says } = build(text, action, run, "lasting");
  const bar = h("progress", { max: "1", value: "0", "aria-label": text });
  note.setAttribute("aria-live", "off"); // its end is said, not every step
  note.append(bar);
  put(note);
  return {
    close: () => note.remove(),
    tell(now, share) {
      says.textContent = now;
      bar.value = share;
    },
  };
}

export function complain(error) {
  if (error.name !== "AbortError") toast(t("error", { detail: error.message }), { stay: 9000 });
}
