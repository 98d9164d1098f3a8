// The albums of one photo: those a rule put it into too, leaving one, joining one or a new one by typing its name.
import { api } from "./api.js";
import { Completer } from "./complete.js";
import { h, icon } from "./dom.js";
import { t } from "./i18n.js";
import { complain, toast } from "./toast.js";

class PhotoAlbums extends HTMLElement {
  connectedCallback() {
    this.held = this.querySelector("[data-held]");
    this.input = h("input", { class: "input grow", id: "album", name: "name", maxlength: "200", autocomplete: "off", placeholder: t("albums.join"), "aria-label": t("albums.join") });
    const form = h("form", { class: "row suggest", onsubmit: (event) => this.typed(event) }, this.input, h("button", { class: "button" }, t("add")));
    this.querySelector("form.row")?.remove();
    this.append(form);
    new Completer(this.input, (text) => this.offers(text));
    this.addEventListener("submit", (event) => this.leave(event));
    this.refresh().catch(complain);
  }

  /** The manual albums, asked for once. */
  load() {
    return (this.albums ??= api("GET", "/albums?kind=manual&limit=500").then(({ items }) => items));
  }

  async offers(text) {
    const wanted = text.trim().toLocaleLowerCase();
    const free = (await this.load()).filter((album) => !this.here.has(album.id) && album.title.toLocaleLowerCase().includes(wanted));
    const known = free.map((album) => ({ label: album.title, kind: t("photos", { count: album.count }), apply: () => this.join(album.id, album.title) }));
    const fresh = wanted && !free.some((album) => album.title.toLocaleLowerCase() === wanted);
    return fresh ? [...known.slice(0, 8), { label: text.trim(), kind: t("albums.new"), apply: () => this.create(text.trim()) }] : known;
  }

  async typed(event) {
    event.preventDefault();
    event.stopPropagation();
    const title = this.input.value.trim();
    if (!title) return;
    const album = (await this.load()).find((one) => one.title.toLocaleLowerCase() === title.toLocaleLowerCase());
    await (album ? this.join(album.id, album.title) : this.create(title));
  }

  async create(title) {
    try {
      const album = await api("POST", "/albums", { title });
      this.albums = undefined;
      await this.join(album.id, title);
    } catch (error) {
      complain(error);
    }
  }

  async join(id, title) {
    this.input.value = "";
    await this.change("PUT", id, t("albums.joined", { title }));
  }

  async leave(event) {
    const line = event.target.closest("[data-held] li");
    if (!line) return;
    event.preventDefault();
    const title = line.querySelector("a").textContent;
    const id = event.target.getAttribute("action").split("/").pop();
    await this.change("DELETE", id, t("albums.left", { title }), { action: t("undo"), run: () => this.change("PUT", id, t("albums.joined", { title })) });
  }

  async change(method, id, said, options = {}) {
    try {
      await api(method, `/albums/${id}/photos/${this.dataset.id}`);
      await this.refresh();
      toast(said, options);
    } catch (error) {
      complain(error);
    }
  }

  async refresh() {
    const { items: albums } = await api("GET", `/photos/${this.dataset.id}/albums`);
    this.here = new Set(albums.map((album) => album.id));
    this.held.replaceChildren(...albums.map((album) => this.line(album)));
  }

  /** Out of a dynamic album a photo is taken too: its rule then no longer counts for it. */
  line({ id, title, kind }) {
    const label = t("albums.leave", { title });
    const out = h("form", { action: `/photo/${this.dataset.id}/albums/${id}` }, h("button", { "aria-label": label, title: label }, icon("close")));
    return h("li", { class: "chip" }, kind === "dynamic" && icon("rule", t("albums.rule")), h("a", { href: `/album/${id}` }, title), out);
  }
}

customElements.define("photo-albums", PhotoAlbums);
