// A flat list of photos: search results, an album, favourites, archive, trash. Loads on as one scrolls.
import { api } from "./api.js";
import { leave, returning } from "./place.js";
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
    this.addEventListener("click", (event) => leave(event, this.section.photos));
    this.layout();
    new ResizeObserver(() => this.layout()).observe(this);
    this.comeBack(returning());
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

  /** Back from a photo: to where it lies, loading on as far as need be. */
  async comeBack(place) {
    if (!place) return;
    const at = () => this.section.photos.findIndex((photo) => photo.id === place.id);
    while (at() < 0 && this.next) await this.load();
    this.section.reveal(at(), place.top);
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

customElements.define("photo-grid", PhotoGrid);
