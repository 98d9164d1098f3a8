// A dialog to choose photos of one's own: for a recipe to be applied to, or one to take the style of.
import { api } from "./api.js";
import { ask } from "./dialog.js";
import { debounce, h } from "./dom.js";
import { t } from "./i18n.js";
import { complain } from "./toast.js";

const SHOWN = 40;

/** Ids of the chosen photos, empty when the dialog was closed. `several` allows more than one. */
export async function pickPhotos(title, submit, { several = false, except = "" } = {}) {
  const list = h("ul", { class: "pick-list", "aria-label": title });
  const chosen = new Set();
  const box = h("input", { type: "search", class: "input", "aria-label": t("editor.pick.search"), placeholder: t("editor.pick.search"), autocomplete: "off" });
  const fill = async () => {
    try {
      const { items } = await api("GET", `/photos?limit=${SHOWN}&q=${encodeURIComponent(box.value)}`);
      list.replaceChildren(...items.filter((photo) => photo.id !== except).map((photo) => line(photo, several, chosen)));
      if (!list.children.length) list.append(h("li", { class: "quiet" }, t("editor.pick.none")));
    } catch (error) {
      if (error.status !== 422) complain(error); // a search half typed is no mistake
    }
  };
  box.addEventListener("input", debounce(250, fill));
  box.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
  fill();
  const answer = await ask(title, [box, list], submit);
  return answer ? [...chosen] : [];
}

function line(photo, several, chosen) {
  const input = h("input", { type: several ? "checkbox" : "radio", name: "photo", value: photo.id, checked: chosen.has(photo.id) });
  input.addEventListener("change", () => {
    if (!several) chosen.clear();
    if (input.checked) chosen.add(photo.id);
    else chosen.delete(photo.id);
  });
  return h("li", {}, h("label", {}, input, h("img", { src: `/api/v1/photos/${photo.id}/rendition/grid`, alt: photo.title || photo.filename || photo.id, loading: "lazy" })));
}
