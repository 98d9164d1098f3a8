// A flat list of photos: search results, an album, favourites, archive, trash. Loads on as one scrolls.
import { api } from "./api.js";
import { addDensity } from "./density.js";
import { Pace } from "./pace.js";
import { leave, resume, returning } from "./place.js";
import { measures } from "./rows.js";
import { Section } from "./section.js";
import { Selection, slice } from "./selection.js";
import { fromItem, refresh } from "./tile.js";
import { complain } from "./toast.js";

class PhotoGrid extends HTMLElement {
  connectedCallback() {
    this.section = new Section(this.querySelector(".grid")).adopt();
    this.next = this.dataset.more;
    this.moreLink = this.querySelector(".more");
    this.pace = new Pace((until) => this.draw(until));
    const ids = () => this.section.photos.map((photo) => photo.id);
    this.selection = new Selection(this, {
      order: () => this.section.photos,
      span: async (a, b) => slice(ids(), a, b),
      all: ids,
      gone: (gone) => this.drop(gone),
      back: () => location.reload(),
    });
    this.addEventListener("click", (event) => leave(event, this.section.photos));
    addDensity(this, (run) => this.anchored(run));
    this.layout();
    new ResizeObserver(() => this.clientWidth !== this.width && this.anchored(() => {})).observe(this);
    this.comeBack(returning()).catch(complain);
    addEventListener("albumen:photos", (event) => this.update(event.detail).catch(complain));
  }

  layout() {
    this.width = this.clientWidth;
    this.section.layout(this.width, measures(this.section.list));
    this.pace.now();
  }

  /** Run a change of the layout so that what is looked at stays where it is. */
  anchored(run) {
    const anchor = scrollY > 0 ? this.section.at(80) : null;
    run();
    this.layout();
    if (anchor) this.section.bring(anchor.id, anchor.top);
  }

  draw(until) {
    const ends = this.next && !this.loading && this.getBoundingClientRect().bottom < innerHeight + 1200;
    const finished = this.section.show({ until, flying: this.pace.flying });
    if (ends) this.load();
    return finished;
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
      this.layout();
    } catch (error) {
      this.next = "";
      complain(error);
    }
    this.loading = false;
    if (this.next) this.pace.ask();
  }

  /** Back from a photo: to where it lies, loading on as far as need be. */
  async comeBack(place) {
    if (!place) return;
    while (!this.section.photos.some((photo) => photo.id === place.id) && this.next) await this.load();
    resume(this.section, place);
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
    this.anchored(() => this.section.remove(ids));
  }
}

customElements.define("photo-grid", PhotoGrid);
