// The bar under a selection: what can be done with all of its photos at once.
import { api, csrf } from "./api.js";
import { askName, askRecipe } from "./batch_ask.js";
import { h, icon } from "./dom.js";
import { formatNumber, t } from "./i18n.js";
import { followEdits } from "./batch_edits.js";
import { teach } from "./teach.js";
import { complain, toast } from "./toast.js";
import { loadTags, matchTags } from "./words.js";

const AT_ONCE = 1000; // photos in one request
const MOST_DOWNLOADED = 5000;

export class BatchBar {
  constructor(selection) {
    this.selection = selection;
    this.element = null;
  }

  get place() {
    return this.selection.host.dataset.context ?? "";
  }

  /** Draw the bar anew, or take it away; the button with the focus keeps it. */
  show() {
    const { choosing, ids: { size } } = this.selection;
    document.body.classList.toggle("acting", size > 0 || Boolean(choosing)); // messages make room
    if (choosing) {
      if (!this.element) document.body.append((this.element = choosing.draw()));
      choosing.update();
      return;
    }
    if (!size) {
      const within = this.element?.contains(document.activeElement);
      this.element?.remove();
      this.element = null;
      if (within) this.selection.refocus();
      return;
    }
    if (!this.element) document.body.append((this.element = this.draw()));
    this.count.textContent = t("select.count", { count: size });
  }

  /** To the first thing that can be done, from the keyboard. */
  focus() {
    this.element?.querySelector(this.selection.choosing ? "button" : "button:nth-of-type(2)").focus();
  }

  draw() {
    this.count = h("strong", { role: "status" });
    const trash = this.place === "trash";
    const menu = h("details", { class: "menu" }, h("summary", { class: "icon-button", "aria-label": t("batch.more"), title: t("batch.more") }, icon("more")), h("div", { class: "menu-list" }, ...this.rest()));
    menu.addEventListener("click", (event) => event.target.closest("button") && (menu.open = false));
    return h(
      "div",
      { class: "batch", role: "toolbar", "aria-label": t("batch.label"), "aria-keyshortcuts": "." },
      h("div", {}, press("close", "select.clear", () => this.selection.set([])), this.count, ...(trash ? [] : this.main()), trash ? press("restore", "batch.restore", () => this.act("restore", { leaves: true })) : menu),
    );
  }

  /** What is wanted most, as buttons; the words show where there is room. */
  main() {
    return [
      press("heart", "batch.favorite", () => this.act("favorite")),
      press("tag", "batch.tag", () => this.tag()),
      press("album-add", "batch.album", () => this.album()),
      press("download", "batch.download", () => this.download("original")),
      press("trash", "batch.delete", () => this.act("delete", { leaves: true, undo: "restore" })),
    ];
  }

  rest() {
    const { place } = this;
    const album = this.selection.host.dataset.album;
    return [
      item("sparkle", "batch.edit", () => this.edit()),
      item("brush", "batch.teach", () => this.teach()),
      item("download", "batch.download_edited", () => this.download("edited")),
      place === "archive" ? item("archive", "batch.unarchive", () => this.act("unarchive", { leaves: true, undo: "archive" })) : item("archive", "batch.archive", () => this.act("archive", { leaves: true, undo: "unarchive" })),
      place === "album" && item("minus", "batch.remove", () => this.act("unalbum", { leaves: true, undo: "album", album_id: album })),
      place === "rule" && item("minus", "batch.never", () => this.pin("unalbum", album, { leaves: true })),
      (place === "album" || place === "rule") && item("star", "batch.cover", () => this.cover(album)),
      place === "favorites" && item("minus", "batch.unfavorite", () => this.act("unfavorite", { leaves: true, undo: "favorite" })),
      item("develop", "batch.retag", () => this.act("retag")),
    ].filter(Boolean);
  }

  // --- actions ---------------------------------------------------------------------------------------------------

  /** One action on the whole selection; `leaves` when the photos then belong elsewhere, `undo` the action back. */
  async act(action, { leaves = false, undo = "", said = "", ...values } = {}) {
    const ids = [...this.selection.ids];
    const done = await send(ids, action, values);
    if (leaves) this.selection.list.gone(new Set(ids));
    this.selection.set([]);
    const back = async () => {
      try {
        await send(ids, undo, values);
        await this.selection.list.back(ids);
      } catch (error) {
        complain(error);
      }
    };
    toast(said || t(action === "delete" ? "batch.deleted" : "batch.done", { count: done }), undo ? { action: t("undo"), run: back } : {});
  }

  async tag() {
    const offers = async (text) => (text.trim() ? matchTags(await loadTags(), text).map((tag) => ({ label: tag.name, kind: tag.count ? formatNumber(tag.count) : "" })) : []);
    const name = await askName(t("batch.which_tag"), t("batch.apply"), offers);
    if (name) await this.act("tag", { tag: name });
  }

  async album() {
    const { items: albums } = await api("GET", "/albums?limit=500");
    const same = (a, b) => a.toLocaleLowerCase() === b.toLocaleLowerCase();
    const offers = async (text) => {
      const found = albums.filter((album) => album.title.toLocaleLowerCase().includes(text.trim().toLocaleLowerCase()));
      return found.map((album) => ({ label: album.title, kind: album.kind === "manual" ? t("photos", { count: album.count }) : t("batch.always") }));
    };
    const title = await askName(t("batch.which_album"), t("batch.apply"), offers, t("batch.album_hint"));
    if (!title) return;
    const album = albums.find((one) => same(one.title, title)) ?? (await api("POST", "/albums", { title }));
    const said = t("albums.joined", { title: album.title });
    if (album.kind === "dynamic") await this.pin("album", album.id, { said });
    else await this.act("album", { album_id: album.id, undo: "unalbum", said });
  }

  /** Make the selection exceptions of a dynamic album; taking that back lets its rule decide again. */
  async pin(action, album, { leaves = false, said = "" } = {}) {
    const ids = [...this.selection.ids];
    const done = await send(ids, action, { album_id: album });
    if (leaves) this.selection.list.gone(new Set(ids));
    this.selection.set([]);
    const back = async () => {
      try {
        for (const id of ids) await api("DELETE", `/albums/${album}/pins/${id}`);
        if (leaves) await this.selection.list.back(ids);
      } catch (error) {
        complain(error);
      }
    };
    toast(said || t("batch.done", { count: done }), { action: t("undo"), run: back });
  }

  async cover(album) {
    const [id] = this.selection.ids;
    await api("PATCH", `/albums/${album}`, { cover_photo_id: id });
    this.selection.set([]);
    toast(t("batch.covered"));
  }

  async edit() {
    const recipe = await askRecipe(this.selection.ids.size);
    if (!recipe) return;
    const ids = [...this.selection.ids];
    for (let start = 0; start < ids.length; start += AT_ONCE) {
      const asked = await api("POST", "/photos/batch", { action: "edit", recipe, ids: ids.slice(start, start + AT_ONCE) });
      if (asked.refused.length) toast(t("batch.refused", { count: asked.refused.length }), { stay: 9000 });
      if (asked.job) followEdits(asked.job, asked.done);
    }
    this.selection.set([]);
  }

  async teach() {
    if (await teach([...this.selection.ids])) this.selection.set([]);
  }

  /** A form, so that the browser saves the file while it arrives and nothing is held in memory. */
  async download(version) {
    const ids = [...this.selection.ids];
    if (ids.length > MOST_DOWNLOADED) {
      toast(t("batch.too_many", { count: MOST_DOWNLOADED }));
      return;
    }
    const fields = { csrf_token: csrf, ids: ids.join(","), version };
    const form = h("form", { method: "post", action: "/download", hidden: true }, ...Object.entries(fields).map(([name, value]) => h("input", { type: "hidden", name, value })));
    document.body.append(form);
    form.submit();
    form.remove();
    toast(t("batch.downloading", { count: ids.length }));
  }
}

async function send(ids, action, values) {
  let done = 0;
  for (let start = 0; start < ids.length; start += AT_ONCE) {
    done += (await api("POST", "/photos/batch", { ...values, action, ids: ids.slice(start, start + AT_ONCE) })).done;
  }
  return done;
}

const run = (what) => async () => {
  try {
    await what();
  } catch (error) {
    complain(error);
  }
};

const press = (symbol, label, what) => h("button", { class: "icon-button", type: "button", "aria-label": t(label), title: t(label), onclick: run(what) }, icon(symbol), h("span", {}, t(label)));
const item = (symbol, label, what) => h("button", { type: "button", onclick: run(what) }, icon(symbol), t(label));
