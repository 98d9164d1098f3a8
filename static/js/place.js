// Where one is in a list of photos, across pages: leaving the list for a photo, turning through photos, coming back.

const LIST = "albumen.list";
const SEEN = "albumen.seen";
const AROUND = 500; // photos on each side that are remembered

/** A photo is opened from a list: the order of its neighbours is kept, and the way back. */
export function leave(event, photos, { timeline = false } = {}) {
  const tile = event.target.closest(".tile > a")?.closest(".tile");
  if (!tile) return;
  const at = photos.findIndex((photo) => photo.id === tile.dataset.id);
  const ids = photos.slice(Math.max(0, at - AROUND), at + AROUND).map((photo) => photo.id);
  const { top } = tile.getBoundingClientRect();
  sessionStorage.setItem(LIST, JSON.stringify({ ids, timeline, top, back: location.pathname + location.search }));
  visit(tile.dataset.id, tile.closest("[data-month]")?.dataset.month ?? "");
}

/** The list a photo was reached through, or null. */
export function listed(id) {
  const list = read(LIST);
  return list && (list.ids.includes(id) || (list.timeline && read(SEEN)?.through === list.back)) ? list : null;
}

/** This photo is being looked at; whoever turns on from a list is still within it. */
export function visit(id, month) {
  sessionStorage.setItem(SEEN, JSON.stringify({ id, month, through: read(LIST)?.back ?? "" }));
}

/** A photo has left the list; gives what puts it back where it was. */
export function forget(id) {
  const list = read(LIST);
  const at = list?.ids.indexOf(id) ?? -1;
  if (at < 0) return () => {};
  const put = (ids) => sessionStorage.setItem(LIST, JSON.stringify({ ...list, ids }));
  put(list.ids.filter((one) => one !== id));
  return () => {
    const { ids } = read(LIST);
    put([...ids.slice(0, at), id, ...ids.slice(at)]);
  };
}

/** Coming back from a photo to this list: the photo looked at last and where its tile stood; else null. */
export function returning() {
  const [list, seen] = [read(LIST), read(SEEN)];
  sessionStorage.removeItem(SEEN);
  const fromPhoto = document.referrer.startsWith(`${location.origin}/photo/`) || performance.getEntriesByType("navigation")[0]?.type === "back_forward";
  if (!list || !seen || !fromPhoto || list.back !== location.pathname + location.search) return null;
  return { id: seen.id, month: seen.month, top: list.top };
}

/** Show the photo where it lay, with the focus on it unless the reader has gone elsewhere meanwhile. */
export function resume(section, { id, top }) {
  const link = section.bring(id, top, { within: true })?.querySelector("a");
  if (document.activeElement === document.body) link?.focus({ preventScroll: true });
}

function read(name) {
  try {
    return JSON.parse(sessionStorage.getItem(name));
  } catch {
    return null; // of an older version
  }
}
