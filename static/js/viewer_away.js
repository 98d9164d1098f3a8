// A photo leaves its list from its own page: the next one of the list comes, and a message offers the way back.
import { api } from "./api.js";
import { t } from "./i18n.js";
import { forget } from "./place.js";
import { complain, toast } from "./toast.js";

const BACK = { delete: "restore", restore: "delete", archive: "unarchive", unarchive: "archive" };

/** Trash, archive or restore the photo by its form. The form goes to the server by itself where no photo is left. */
export async function takeAway(viewer, event) {
  const form = event.target;
  const { away } = form.dataset;
  const list = viewer.querySelector("[data-back]").getAttribute("href");
  const on = viewer.next ?? viewer.previous;
  if (form.action.endsWith("/purge") && form.dataset.agreed) forget(viewer.dataset.id);
  // Out of the archive, a photo stays where it is looked at unless that is the archive.
  if (!away || (away === "unarchive" && !list.startsWith("/archive"))) return;
  event.preventDefault();
  if (viewer.going) return;
  viewer.going = true;
  if (!on) return leaveFor(form, list);
  const { id } = viewer.dataset;
  try {
    await api("POST", "/photos/batch", { action: away, ids: [id] });
  } catch (error) {
    viewer.going = false;
    complain(error);
    return;
  }
  // An album keeps the archived.
  const putBack = away === "archive" && list.startsWith("/album/") ? () => {} : forget(id);
  if (viewer.isConnected) await viewer.pages.turn(on, { anew: true });
  toast(t(`photo.${away}`), { action: t("undo"), run: () => undo(id, BACK[away], putBack).catch(complain) });
}

async function undo(id, action, putBack) {
  await api("POST", "/photos/batch", { action, ids: [id] });
  putBack();
  await document.querySelector("photo-viewer").pages.turn(id, { anew: true });
}

/** The last of its list: the list is shown, and says what happened. */
function leaveFor(form, list) {
  const back = Object.assign(document.createElement("input"), { type: "hidden", name: "back", value: list });
  form.append(back);
  form.submit();
}
