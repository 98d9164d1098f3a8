// A flat list of photos: search results, an album, favourites, archive, trash. Loads on as one scrolls.
import { api } from "./api.js";
import { Section } from "./section.js";
import { Selection } from "./selection.js";
import { fromItem, refresh } from "./tile.js";
import { complain } from "./toast.js";

class PhotoGrid extends HTMLElement {
  connectedCallback() {
    this.section = new Section(this.querySelector(".grid")).adopt();
    this.next = this.dataset.more;
    this.moreLink = this.querySelector(".more");
    this.selection = new Selection(this, () => this.section.photos, (ids) => this.drop(ids));
    this.addEventListener("click", (event) => remember(event, this.section.photos));
    this.layout();
    new ResizeObserver(() => this.layout()).observe(this);
    addEventListener("scroll", () => this.scrolled(), { passive: true });
    addEventListener("albumen:photos", (event) => this.update(event.detail));
  }

  layout() {
    if (this.clientWidth === this.width) return;
    this.width = this.clientWidth;
    this.section.layout();
    this.scrolled();
  }

  scrolled() {
    this.section.show();
    if (this.next && !this.loading && this.getBoundingClientRect().bottom < innerHeight + 1200) this.load();
  }

  async load() {
    this.loading = true;
    try {
      const page = await api("GET", this.next);
      this.section.append(page.items.map(fromItem));
      const address = new URL(this.next, location.href);
      address.searchParams.set("cursor", page.next_cursor ?? "");
      this.next = page.next_cursor ? address.pathname + address.search : "";
      if (!this.next) this.moreLink?.remove();
      this.section.layout();
    } catch (error) {
      this.next = "";
      complain(error);
    }
    this.loading = false;
    if (this.next) this.scrolled();
  }

  async update(ids) {
    for (const [index, tile] of this.section.shown) {
      if (!ids.has(tile.dataset.id)) continue;
      const photo = fromItem(await api("GET", `/photos/${tile.dataset.id}`));
      Object.assign(this.section.photos[index], photo, { reasons: this.section.photos[index].reasons });
      refresh(tile, photo);
    }
  }

  drop(ids) {
    this.section.remove(ids);
    this.section.layout();
  }
}

/** Leave the order of the list for the photo page, so that next and previous follow it. */
export function remember(event, photos) {
  const link = event.target.closest(".tile > a");
  if (!link) return;
  const id = link.closest(".tile").dataset.id;
  const at = photos.findIndex((photo) => photo.id === id);
  const near = photos.slice(Math.max(0, at - 500), at + 500).map((photo) => photo.id);
  sessionStorage.setItem("albumen.list", JSON.stringify({ ids: near, back: location.pathname + location.search }));
}

customElements.define("photo-grid", PhotoGrid);
