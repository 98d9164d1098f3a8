// Behaviour every page shares: confirmations, copying, the theme switch, menus that close, the key for search.
import { confirmed } from "./dialog.js";
import { typing } from "./dom.js";
import { t } from "./i18n.js";
import { complain, toast, undoLast } from "./toast.js";

document.addEventListener("submit", async (event) => {
  const question = event.target.dataset.confirm;
  if (!question || event.target.dataset.agreed) return;
  event.preventDefault();
  const button = event.submitter ?? event.target.querySelector("button");
  const act = event.target.dataset.act ?? (button.textContent.trim() || button.ariaLabel);
  if (!(await confirmed(question, act, button.matches(".danger")))) return;
  event.target.dataset.agreed = "yes";
  event.target.requestSubmit();
});

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    const field = document.getElementById(copy.dataset.copy);
    field.select();
    // Without HTTPS there is no clipboard API; the selected text can still be copied by hand.
    if (navigator.clipboard) await navigator.clipboard.writeText(field.value);
    else document.execCommand("copy");
    toast(t("copied"));
  }
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

// A link to something folded away unfolds it, with the caret in its first field.
function unfold() {
  const folded = location.hash.length > 1 && document.getElementById(location.hash.slice(1))?.closest("details");
  if (!folded) return;
  folded.open = true;
  folded.scrollIntoView({ block: "nearest" });
  folded.querySelector("input:not([type=hidden], [type=radio], [type=checkbox]), textarea, select")?.focus();
}
// Going to the fragment, which the browser does by itself, takes the focus away: so afterwards.
if (document.readyState === "complete") unfold();
else addEventListener("load", () => setTimeout(unfold));
document.addEventListener("click", (event) => {
  if (event.target.closest('a[href^="#"]')) setTimeout(unfold); // also when the address is this one already
  const fold = event.target.closest("[data-fold]")?.closest("details");
  if (!fold) return;
  fold.open = false;
  document.querySelector(`a[href="#${fold.id}"]`)?.focus();
  history.replaceState(history.state, "", location.pathname + location.search);
});

// What opens to be written in gets the caret.
document.addEventListener("toggle", (event) => {
  if (event.target.open && event.target.matches("[data-caret]")) event.target.querySelector("input:not([type=hidden])").select();
}, true);

// The address people use is the one in this browser, whatever a proxy told the server.
for (const field of document.querySelectorAll("input[data-path]")) field.value = location.origin + field.dataset.path;

// What the last form did and can be undone is a message at the foot, wherever on the page one is.
for (const note of document.querySelectorAll("[data-flash]")) {
  note.hidden = true;
  toast(note.querySelector("span").textContent, { action: t("undo"), run: () => note.querySelector("form").requestSubmit() });
}

// A theme shows and is kept at once; another language is another page.
document.querySelector("form[data-look]")?.addEventListener("change", async ({ target }) => {
  if (target.name === "language") return target.form.requestSubmit();
  document.documentElement.dataset.theme = target.value;
  try {
    const answer = await fetch(target.form.action, { method: "POST", body: new FormData(target.form) });
    if (!answer.ok) throw new Error(answer.statusText);
    toast(t("saved"));
  } catch (error) {
    complain(error);
  }
});

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
  if (menu) {
    menu.open = false;
    if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
    event.stopImmediatePropagation(); // it closes the menu and nothing beneath
  } else if ((event.ctrlKey || event.metaKey) && event.key === "z" && !typing(event)) {
    if (!undoLast()) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  } else if (event.key === "/" && !typing(event)) {
    const box = document.getElementById("q");
    if (box) {
      event.preventDefault();
      box.focus();
    }
  }
});

// What day it is depends on where one is: memories ask.
const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
if (timeZone) document.cookie = `albumen_zone=${encodeURIComponent(timeZone)}; path=/; max-age=31536000; samesite=lax`;
