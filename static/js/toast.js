// Short messages at the foot of the page, with at most one thing to press.
import { h } from "./dom.js";
import { t } from "./i18n.js";

const STAY = 6000;

export function toast(text, { action = "", run = null, stay = STAY } = {}) {
  const box = document.querySelector(".toasts");
  const close = () => note.remove();
  const press = async () => {
    close();
    await run();
  };
  const note = h("div", { class: "toast" }, h("span", {}, text), action && h("button", { type: "button", onclick: press }, action));
  while (box.children.length > 2) box.firstElementChild.remove();
  box.append(note);
  setTimeout(close, stay);
  return close;
}

export function complain(error) {
  if (error.name !== "AbortError") toast(t("error", { detail: error.message }), { stay: 9000 });
}
