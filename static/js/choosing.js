// Choosing photos for an album: on the timeline and in searches a press selects, the bar puts what is selected into the
// album. The choice lasts from the timeline to a search and back, until it is put in or the tab is closed.
import { api } from "./api.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { complain, toast } from "./toast.js";

const SAID = "albumen.chosen";
const AT_ONCE = 1000; // photos in one request

export class Choosing {
  /** @param {object} data of the list: `into` and `title` of the album */
  constructor(selection, { into, title }) {
    Object.assign(this, { selection, album: into, title });
  }

  /** What was chosen on the page before this one. */
  get kept() {
    return JSON.parse(sessionStorage.getItem(`${SAID}.${this.album}`) ?? "[]");
  }

  draw() {
    this.button = h("button", { type: "button", class: "button primary", onclick: () => this.put().catch(complain) });
    return h(
      "div",
      { class: "batch choosing", role: "toolbar", "aria-label": t("choose.label", { title: this.title }), "aria-keyshortcuts": "." },
      h("div", {}, this.button, h("a", { class: "button plain", href: `/album/${this.album}`, onclick: () => this.keep([]) }, t("cancel"))),
    );
  }

  update() {
    const ids = [...this.selection.ids];
    this.keep(ids);
    this.button.disabled = !ids.length;
    this.button.textContent = ids.length ? t("choose.add", { count: ids.length, title: this.title }) : t("choose.none", { title: this.title });
  }

  keep(ids) {
    sessionStorage.setItem(`${SAID}.${this.album}`, JSON.stringify(ids));
  }

  /** Into the album, which then shows them and offers to take them out again; those it held already stay out of that. */
  async put() {
    const { album, title } = this;
    this.button.disabled = true;
    try {
      const held = await heldBy(album);
      const ids = [...this.selection.ids].filter((id) => !held.has(id));
      await send("album", album, ids);
      this.keep([]);
      sessionStorage.setItem(SAID, JSON.stringify({ album, title, ids }));
      location.assign(`/album/${album}`);
    } finally {
      this.button.disabled = false;
    }
  }
}

/** On the album's page: what was put into it just now. */
export function tellChosen(album) {
  const said = JSON.parse(sessionStorage.getItem(SAID) ?? "null");
  if (!said || said.album !== album) return;
  sessionStorage.removeItem(SAID);
  const { title, ids } = said;
  const back = async () => {
    await send("unalbum", album, ids).then(() => location.reload(), complain);
  };
  toast(ids.length ? t("choose.added", { count: ids.length, title }) : t("choose.already", { title }), ids.length ? { action: t("undo"), run: back } : {});
}

async function send(action, album, ids) {
  for (let start = 0; start < ids.length; start += AT_ONCE) {
    await api("POST", "/photos/batch", { action, album_id: album, ids: ids.slice(start, start + AT_ONCE) });
  }
}

async function heldBy(album) {
  const ids = new Set();
  let cursor = "";
  do {
    const page = await api("GET", `/albums/${album}/photos?limit=500&fields=id${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    for (const { id } of page.items) ids.add(id);
    cursor = page.next_cursor;
  } while (cursor);
  return ids;
}
