// One photo in a grid: made from an item of the API, or read from what the server rendered.
import { h, icon } from "./dom.js";
import { formatDate, formatPercent, t } from "./i18n.js";
import { ratioOf } from "./rows.js";
import { meanColour, placeholder } from "./thumbhash.js";

const QUICK = 150; // milliseconds: a picture that comes sooner need not fade in
const bare = new WeakSet(); // tiles that have not asked for their picture yet

/** What a grid needs to know about a photo, from an item of `GET /photos`. */
export const fromItem = (item) => ({
  id: item.id,
  ratio: ratioOf(item.width, item.height),
  width: item.width,
  height: item.height,
  thumbhash: item.thumbhash ?? "",
  favorite: item.favorite,
  status: item.status,
  title: item.title,
  taken: item.taken_at,
  reasons: (item.reasons ?? []).map((reason) => ({ text: reason.match || reason.word, strength: reason.confidence })),
});

/** The same, from a tile the server rendered. */
export function fromElement(element) {
  const image = element.querySelector("img");
  return {
    id: element.dataset.id,
    ratio: ratioOf(Number(element.dataset.width), Number(element.dataset.height)),
    width: Number(element.dataset.width),
    height: Number(element.dataset.height),
    thumbhash: element.dataset.thumbhash ?? "",
    favorite: Boolean(element.querySelector(".mark-love")),
    status: element.dataset.status,
    alt: image.alt,
    reasons: [],
  };
}

/** What to say in place of the picture; made when it is wanted, as most photos of a long list never are. */
export const altOf = (photo) => (photo.alt ??= photo.title || t("alt", { date: formatDate(photo.taken) }));

/** A tile in the mean colour of its photo; `dress` puts the picture into it. */
export function makeTile(photo) {
  const tile = h(
    "li",
    { class: "tile", dataset: { id: photo.id, status: photo.status } },
    h("a", { href: `/photo/${photo.id}`, title: altOf(photo) }, statusMark(photo.status)),
    photo.favorite && loveMark(),
    photo.reasons.length > 0 && h("span", { class: "reasons" }, ...photo.reasons.map(reasonMark)),
  );
  if (photo.thumbhash) tile.style.backgroundColor = photo.colour ??= meanColour(photo.thumbhash);
  bare.add(tile);
  return tile;
}

/** Whether the tile still lacks its picture, which `dress` asks for. */
export const isBare = (tile) => bare.has(tile);

/** A tile the server rendered asks for its picture itself; it may still lack what stands in for it. */
export function adopt(tile) {
  if (!tile.querySelector("img").complete) bare.add(tile);
}

/** Give a tile its placeholder and its picture, which fades in when it had to be waited for. */
export function dress(tile, photo) {
  bare.delete(tile);
  if (photo.thumbhash) tile.style.backgroundImage = `url(${placeholder(photo.thumbhash, photo.ratio)})`;
  if (tile.querySelector("img")) return;
  const image = h("img", { src: `/api/v1/photos/${photo.id}/rendition/grid`, width: String(photo.width), height: String(photo.height), alt: altOf(photo), decoding: "async" });
  tile.firstElementChild.prepend(image);
  if (image.complete) return;
  const asked = performance.now();
  image.classList.add("waiting");
  const shown = () => {
    image.classList.toggle("at-once", performance.now() - asked < QUICK);
    image.classList.remove("waiting");
  };
  image.addEventListener("load", shown, { once: true });
  image.addEventListener("error", shown, { once: true });
}

/** Take a tile away; a picture still on its way is not wanted any more. */
export function discard(tile) {
  tile.remove();
  const image = tile.querySelector("img");
  if (image && !image.complete) image.removeAttribute("src");
}

export function loveMark() {
  const mark = icon("heart", t("favorite"));
  mark.setAttribute("class", "mark-love");
  return mark;
}

function statusMark(status) {
  if (status === "ready") return null;
  const label = t(`status.${status}`);
  return h("span", { class: "status-mark", title: label }, icon(status === "failed" ? "warning" : "develop", label));
}

const reasonMark = ({ text, strength }) =>
  h("span", {}, strength === null || strength === undefined ? text : `${text} ${formatPercent(strength)}`);

/** Bring a shown tile up to date with a fresh item. */
export function refresh(tile, photo) {
  tile.dataset.status = photo.status;
  tile.querySelector(".status-mark")?.remove();
  const mark = statusMark(photo.status);
  if (mark) tile.querySelector("a").append(mark);
  const loved = tile.querySelector(".mark-love");
  if (photo.favorite && !loved) tile.append(loveMark());
  if (!photo.favorite) loved?.remove();
  const image = tile.querySelector("img");
  if (image && !image.naturalWidth) image.src = `/api/v1/photos/${photo.id}/rendition/grid`;
}

export function position(tile, box) {
  tile.style.left = `${box.x}px`; // a transform each would be a layer of bookkeeping each
  tile.style.top = `${box.y}px`;
  tile.style.width = `${box.width}px`;
  tile.style.height = `${box.height}px`;
}
