// Selecting photos and acting on them together: a tick on every tile, Shift for a range, x on the focused one.
import { api } from "./api.js";
import { ask } from "./dialog.js";
import { h, icon, typing } from "./dom.js";
import { t } from "./i18n.js";
import { complain, toast } from "./toast.js";

export class Selection {
  /**
   * @param {HTMLElement} host the grid or timeline
   * @param {() => {id: string}[]} order every loaded photo in reading order
   * @param {(ids: Set<string>) => void} gone called when photos leave the list
   */
  constructor(host, order, gone) {
    Object.assign(this, { host, order, gone, ids: new Set(), anchor: null });
    host.addEventListener("pointerover", (event) => this.offer(event.target.closest(".tile")));
    host.addEventListener("focusin", (event) => this.offer(event.target.closest(".tile")));
    host.addEventListener("click", (event) => this.click(event), { capture: true });
    document.addEventListener("keydown", (event) => this.key(event));
    // Tiles come and go while scrolling; a new one must show whether it is selected.
    new MutationObserver((records) => this.mark(records)).observe(host, { childList: true, subtree: true });
  }

  /** Give a tile its tick when it is first pointed at or focused: most tiles never need one. */
  offer(tile) {
    if (!tile || tile.querySelector(".tick")) return;
    const tick = h("button", { class: "tick", type: "button", "aria-label": t("select.one"), "aria-pressed": String(this.ids.has(tile.dataset.id)) }, icon("check-circle"));
    tile.append(tick);
  }

  click(event) {
    const tile = event.target.closest(".tile");
    if (!tile) return;
    const onTick = event.target.closest(".tick");
    if (!onTick && this.ids.size === 0) return;
    event.preventDefault();
    event.stopPropagation();
    this.toggle(tile.dataset.id, event.shiftKey);
  }

  key(event) {
    if (typing(event)) return;
    const tile = document.activeElement?.closest?.(".tile");
    if (event.key === "x" && tile) this.toggle(tile.dataset.id, event.shiftKey);
    if (event.key === "Escape" && this.ids.size) this.set([]);
    if (["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(event.key) && tile) this.walk(event, tile);
  }

  /** Arrow keys go to the neighbour the eye expects. */
  walk(event, tile) {
    const here = tile.getBoundingClientRect();
    const centre = here.left + here.width / 2;
    const others = [...this.host.querySelectorAll(".tile")].map((one) => ({ one, box: one.getBoundingClientRect() }));
    const order = others.findIndex(({ one }) => one === tile);
    let next;
    if (event.key === "ArrowLeft") next = others[order - 1];
    else if (event.key === "ArrowRight") next = others[order + 1];
    else {
      const down = event.key === "ArrowDown";
      const rows = others.filter(({ box }) => (down ? box.top > here.top + 4 : box.top < here.top - 4));
      const top = down ? Math.min(...rows.map(({ box }) => box.top)) : Math.max(...rows.map(({ box }) => box.top));
      next = rows
        .filter(({ box }) => Math.abs(box.top - top) < 4)
        .sort((a, b) => Math.abs(a.box.left + a.box.width / 2 - centre) - Math.abs(b.box.left + b.box.width / 2 - centre))[0];
    }
    if (!next) return;
    event.preventDefault();
    next.one.querySelector("a").focus();
    next.one.scrollIntoView({ block: "nearest" });
  }

  toggle(id, range) {
    const wanted = !this.ids.has(id);
    const ids = new Set(this.ids);
    for (const one of range && this.anchor ? this.between(this.anchor, id) : [id]) wanted ? ids.add(one) : ids.delete(one);
    this.anchor = id;
    this.set(ids);
  }

  between(a, b) {
    const all = this.order().map((photo) => photo.id);
    const [from, to] = [all.indexOf(a), all.indexOf(b)].sort((x, y) => x - y);
    return from < 0 ? [b] : all.slice(from, to + 1);
  }

  set(ids) {
    this.ids = new Set(ids);
    for (const tile of this.host.querySelectorAll(".tile")) this.paint(tile);
    this.host.classList.toggle("selecting", this.ids.size > 0);
    this.bar();
  }

  mark(records) {
    if (!this.ids.size) return;
    for (const { addedNodes } of records) for (const node of addedNodes) if (node.classList?.contains("tile")) this.paint(node);
  }

  paint(tile) {
    const chosen = this.ids.has(tile.dataset.id);
    tile.classList.toggle("selected", chosen);
    if (chosen) this.offer(tile);
    tile.querySelector(".tick")?.setAttribute("aria-pressed", String(chosen));
  }

  // --- the bar ---------------------------------------------------------------------------------------------------

  bar() {
    this.barElement?.remove();
    this.barElement = null;
    if (!this.ids.size) return;
    const place = this.host.dataset.context ?? "";
    const button = (name, label, run) =>
      h("button", { class: "icon-button", type: "button", "aria-label": t(label), title: t(label), onclick: () => run().catch(complain) }, icon(name));
    const actions =
      place === "trash"
        ? [button("restore", "batch.restore", () => this.act("restore", { leaves: true }))]
        : [
            button("heart", "batch.favorite", () => this.act("favorite")),
            button("tag", "batch.tag", () => this.tag()),
            button("album-add", "batch.album", () => this.album()),
            place === "archive"
              ? button("archive", "batch.unarchive", () => this.act("unarchive", { leaves: true }))
              : button("archive", "batch.archive", () => this.act("archive", { leaves: true })),
            place === "album" && button("minus", "batch.remove", () => this.takeOut()),
            place === "favorites" && button("minus", "batch.unfavorite", () => this.act("unfavorite", { leaves: true })),
            button("trash", "batch.delete", () => this.act("delete", { leaves: true, undo: "restore" })),
          ];
    this.barElement = h(
      "div",
      { class: "batch", role: "toolbar", "aria-label": t("batch.label") },
      h("div", {}, button("close", "select.clear", async () => this.set([])), h("strong", { role: "status" }, t("select.count", { count: this.ids.size })), ...actions.filter(Boolean)),
    );
    document.body.append(this.barElement);
  }

  async act(action, { leaves = false, undo = "", ...more } = {}) {
    const ids = [...this.ids];
    const { done } = await api("POST", "/photos/batch", { ids, action, ...more });
    if (leaves) this.gone(new Set(ids));
    this.set([]);
    const said = t(action === "delete" ? "batch.deleted" : "batch.done", { count: done });
    const back = async () => {
      await api("POST", "/photos/batch", { ids, action: undo });
      location.reload();
    };
    toast(said, undo ? { action: t("undo"), run: back } : {});
  }

  async tag() {
    const input = h("input", { class: "input", name: "tag", required: true, maxlength: "100", "aria-label": t("batch.which_tag") });
    const answer = await ask(t("batch.which_tag"), [input], t("batch.apply"));
    if (answer) await this.act("tag", { tag: answer.get("tag") });
  }

  async album() {
    const albums = (await api("GET", "/albums")).filter((album) => album.kind === "manual");
    if (!albums.length) {
      toast(t("batch.no_albums"));
      return;
    }
    const select = h("select", { class: "input", name: "album", "aria-label": t("batch.which_album") }, ...albums.map((album) => h("option", { value: album.id }, album.title)));
    const answer = await ask(t("batch.which_album"), [select], t("batch.apply"));
    if (answer) await this.act("album", { album_id: answer.get("album") });
  }

  async takeOut() {
    const ids = [...this.ids];
    for (const id of ids) await api("DELETE", `/albums/${this.host.dataset.album}/photos/${id}`);
    this.gone(new Set(ids));
    this.set([]);
    toast(t("batch.done", { count: ids.length }));
  }
}
