// Turning to another photo without leaving the page: its page is fetched ahead and its element takes this one's place.
import { listed, visit } from "./place.js";

/** Whose turn it is around a photo: the list one came from, else the timeline as the server knows it. */
export function neighboursOf(id, picture) {
  const idOf = (side) => picture.querySelector(`.turn.${side}`)?.getAttribute("href").split("/").pop();
  const list = listed(id);
  visit(id, picture.dataset.month);
  if (!list) return { previous: idOf("previous"), next: idOf("next") };
  const at = list.ids.indexOf(id);
  // What the list holds is only a part of a long timeline; at its ends the server knows how it goes on.
  const beyond = list.timeline ? { previous: idOf("previous"), next: idOf("next") } : {};
  if (at < 0) return { ...beyond, back: list.back };
  return { previous: list.ids[at - 1] ?? beyond.previous, next: list.ids[at + 1] ?? beyond.next, back: list.back };
}

const picture = (id) => `/api/v1/photos/${id}/rendition/preview`;

export class Pages {
  constructor(viewer) {
    this.viewer = viewer;
    this.ready = new Map(); // photo -> {page, image}: promises of its document and of its decoded picture
  }

  /** Fetch a photo's page and picture ahead; resolves when both are there or will not come. */
  prepare(id) {
    if (!this.ready.has(id)) {
      const image = new Image();
      image.src = picture(id);
      const page = fetchPage(id);
      page.catch(() => this.ready.delete(id)); // to be asked for again when it is wanted
      this.ready.set(id, { page, image: image.decode().catch(() => {}) });
    }
    const { page, image } = this.ready.get(id);
    return Promise.allSettled([page, image]);
  }

  /** Resolves when the photo is on the screen. Replaces the address: back leads to the list, not through every photo.
   * `again` for the same photo as it is now; `anew` when who its neighbours are has changed. */
  async turn(id, { again = false, anew = false } = {}) {
    const { viewer } = this;
    if (this.turning) return;
    this.turning = true;
    if (again || anew) this.ready.delete(id);
    this.prepare(id);
    const { page } = this.ready.get(id);
    try {
      const fresh = await page;
      const next = document.adoptNode(fresh.querySelector("photo-viewer"));
      carryOver(viewer, next);
      const put = () => {
        viewer.replaceWith(next);
        document.title = fresh.title;
        history.replaceState(history.state, "", `/photo/${id}`);
      };
      if (document.documentElement.classList.contains("showing") && document.startViewTransition && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
        await document.startViewTransition(put).updateCallbackDone;
      } else put();
      settle(next, again);
    } catch (error) {
      if (error.name === "AbortError") return;
      location.replace(`/photo/${id}`); // let the server say what is wrong
    } finally {
      this.turning = false;
    }
  }
}

async function fetchPage(id) {
  const answer = await fetch(`/photo/${id}`, { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!answer.ok || !page.querySelector("photo-viewer")) throw new Error(String(answer.status));
  return page;
}

/** What one had switched on stays on: the boxes, and the place of the focus. */
function carryOver(before, after) {
  const boxes = [before, after].map((viewer) => viewer.querySelector(".boxes-toggle"));
  if (boxes[0]?.checked && boxes[1]) boxes[1].checked = true;
  const held = document.activeElement;
  const side = held?.matches?.(".turn") ? (held.matches(".next") ? ".turn.next" : ".turn.previous") : "";
  const away = held?.closest?.("[data-away]")?.dataset.away;
  after.dataset.held = away ? `[data-away="${away}"] button` : side;
}

function settle(viewer, again) {
  const { held } = viewer.dataset;
  if (held) (viewer.querySelector(held) ?? viewer.querySelector(".turn"))?.focus();
  if (!again) scrollTo(0, 0);
  // A screen reader hears which photo came.
  let says = document.querySelector("[data-turned]");
  if (!says) {
    says = Object.assign(document.createElement("p"), { className: "unseen" });
    says.setAttribute("role", "status");
    says.dataset.turned = "";
    document.body.append(says);
  }
  says.textContent = viewer.querySelector(".picture img").alt;
}
