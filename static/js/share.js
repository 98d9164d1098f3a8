// A share as its guests see it: justified rows, a viewer over the whole screen, a slideshow.
import { Lightbox } from "./lightbox.js";
import { h, icon } from "./dom.js";
import { formatDate, t } from "./i18n.js";
import { justify, measures, ratioOf } from "./rows.js";
import { dress, position } from "./tile.js";

class ShareGallery extends HTMLElement {
  connectedCallback() {
    this.list = this.querySelector(".grid");
    this.busyForm();
    if (!this.list) return;
    this.photos = [...this.list.children].map((tile) => this.read(tile));
    this.next = this.dataset.more;
    this.box = new Lightbox(this.dataset.label, this.photos, () => this.load());
    this.list.addEventListener("click", (event) => this.opened(event));
    const play = this.querySelector("[data-play]");
    play?.addEventListener("click", () => this.box.open(0, { playing: true }));
    new ResizeObserver(() => this.layout()).observe(this.list);
    addEventListener("scroll", () => this.scrolled(), { passive: true });
  }

  read(tile) {
    const image = tile.querySelector("img");
    const [width, height] = [Number(tile.dataset.width), Number(tile.dataset.height)];
    const ratio = ratioOf(width, height);
    const photo = { tile, src: tile.querySelector("a").href, alt: image.alt, width, height, ratio, thumbhash: tile.dataset.thumbhash, download: tile.dataset.download ?? "" };
    dress(tile, photo);
    return photo;
  }

  layout() {
    const width = this.list.clientWidth;
    const { target, gap } = measures(this.list);
    // As the style sheet shows one photo alone.
    const row = this.photos.length === 1 ? Math.min(innerHeight * 0.75, 900) : target;
    const { boxes, height } = justify(this.photos.map((photo) => photo.ratio), width, row, gap);
    this.list.classList.add("laid");
    this.list.style.height = `${height}px`;
    if (boxes.length === 1) boxes[0].x = (width - boxes[0].width) / 2;
    this.photos.forEach((photo, i) => position(photo.tile, boxes[i]));
  }

  scrolled() {
    if (this.next && !this.loading && this.list.getBoundingClientRect().bottom < innerHeight + 1500) this.load();
  }

  /** The next page; whether there was one. Without a connection the link at the foot stays. */
  async load() {
    if (!this.next || this.loading) return false;
    this.loading = true;
    try {
      const answer = await fetch(this.next, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const page = await answer.json();
      this.add(page.items);
      const address = new URL(this.next, location.href);
      address.searchParams.set("cursor", page.next_cursor ?? "");
      this.next = page.next_cursor ? address.pathname + address.search : "";
      if (!this.next) this.querySelector(".more")?.remove();
    } catch {
      this.next = "";
      return false;
    } finally {
      this.loading = false;
    }
    return true;
  }

  add(items) {
    const base = this.next.split("?")[0];
    const saves = Boolean(this.photos[0]?.download);
    for (const item of items) {
      const [src, small, original] = ["rendition/preview", "rendition/grid", "original"].map((part) => `${base}/${item.id}/${part}`);
      const alt = item.title || t("alt", { date: formatDate(item.taken_at) });
      const image = h("img", { src: small, width: String(item.width), height: String(item.height), alt, loading: "lazy", decoding: "async" });
      const data = { width: item.width, height: item.height, thumbhash: item.thumbhash ?? "", ...(saves && { download: original }) };
      const save = saves && h("a", { class: "icon-button", href: original, download: "", "aria-label": t("share.download"), title: t("share.download") }, icon("download"));
      const tile = h("li", { class: "tile", dataset: data }, h("a", { href: src, title: alt }, image), save);
      this.list.append(tile);
      this.photos.push(this.read(tile));
    }
    this.layout();
  }

  opened(event) {
    const link = event.target.closest(".tile > a:not([download])");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.box.open(this.photos.findIndex((photo) => photo.tile === link.parentElement));
  }

  /** Sending takes a while: say so, and do not send twice. */
  busyForm() {
    const form = this.querySelector("form[data-busy]");
    form?.addEventListener("submit", () => {
      const button = form.querySelector("button.primary");
      button.disabled = true;
      button.textContent = t("share.sending");
    });
  }
}

customElements.define("share-gallery", ShareGallery);
