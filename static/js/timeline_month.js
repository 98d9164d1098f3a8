// One month of the timeline: how many photos it has is known from the start, the photos come when it is near.
import { api } from "./api.js";
import { t } from "./i18n.js";
import { estimate } from "./rows.js";
import { Section } from "./section.js";
import { fromItem } from "./tile.js";


export class Month {
  constructor(key, count, element) {
    Object.assign(this, { key, count, element, visible: false, used: 0 });
    this.section = new Section(element.querySelector(".grid")).adopt();
    this.loaded = this.photos.length >= count;
  }

  get photos() {
    return this.section.photos;
  }

  holds(id) {
    return this.photos.some((photo) => photo.id === id);
  }

  /** Lay it out exactly when its photos are known, else give it the height it had, or will about have. */
  place(width, sheet) {
    const { section } = this;
    if (this.loaded) section.layout(width, sheet);
    else if (this.known?.width === width && this.known.target === sheet.target) section.setHeight(this.known.height);
    else {
      const least = section.photos.length ? section.layout(width, sheet) : 0;
      section.setHeight(Math.max(estimate(this.count, width, sheet.target, sheet.gap), least));
    }
    this.known = { width, target: sheet.target, height: section.height };
  }

  /** Fetch the photos; false when that was stopped. Asked for twice, they are fetched once. */
  load() {
    this.used = performance.now();
    return (this.loading ??= this.fetch().finally(() => (this.loading = null)));
  }

  async fetch() {
    this.control = new AbortController();
    const photos = [];
    let cursor = "";
    try {
      do {
        const page = await api("GET", `/timeline/${this.key}${cursor && `?cursor=${cursor}`}`, undefined, { signal: this.control.signal });
        photos.push(...page.id.map((_, n) => fromItem(rowOf(page, n))));
        cursor = page.next_cursor ?? "";
      } while (cursor);
    } catch (error) {
      if (error.name === "AbortError") return false;
      throw error;
    }
    this.section.replace(photos);
    this.loaded = true;
    this.known = null;
    return true;
  }

  /** It went out of sight, perhaps before its photos came. */
  leave() {
    this.used = performance.now();
    if (!this.loaded) this.control?.abort();
    this.section.clear();
  }

  /** Let the photos go; the height stays. */
  release() {
    this.section.replace([]);
    this.loaded = false;
  }

  recount(count) {
    this.count = count;
    this.element.querySelector("header .quiet").textContent = t("photos", { count });
    this.element.hidden = count <= 0;
    this.loaded = false;
    this.known = null;
  }

  drop(ids) {
    const before = this.photos.length;
    const whole = this.loaded;
    this.section.remove(ids);
    if (this.photos.length === before) return;
    this.recount(this.count - (before - this.photos.length));
    this.loaded = whole;
  }
}

const COLUMNS = ["id", "width", "height", "thumbhash", "favorite", "status", "title", "taken_at"];

/** One photo of a month that came as columns. */
const rowOf = (page, n) => Object.fromEntries(COLUMNS.map((name) => [name, page[name][n]]));
