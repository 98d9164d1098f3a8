// The timeline: every month is a section of known size, but only months near the window hold photos, and only rows
// near the window hold elements. A hundred thousand photos cost as much as a hundred.
import { api } from "./api.js";
import { h } from "./dom.js";
import { formatMonth, t } from "./i18n.js";
import { leave, returning } from "./place.js";
import { estimate, measures } from "./rows.js";
import { Scrubber } from "./scrubber.js";
import { Section } from "./section.js";
import { Selection } from "./selection.js";
import { fromItem, refresh } from "./tile.js";
import { complain } from "./toast.js";

const PAGE = 500;

class PhotoTimeline extends HTMLElement {
  connectedCallback() {
    this.buckets = JSON.parse(this.querySelector(".buckets").textContent);
    this.querySelector(".more")?.remove();
    const rendered = new Map([...this.querySelectorAll(".month")].map((section) => [section.dataset.month, section]));
    this.months = this.buckets.map(([key, count]) => this.month(key, count, rendered.get(key)));
    this.selection = new Selection(this, () => this.months.flatMap((month) => month.section.photos), (ids) => this.drop(ids));
    this.addEventListener("click", (event) => leave(event, this.months.flatMap((month) => month.section.photos), { timeline: true }));
    this.near = new IntersectionObserver((entries) => this.seen(entries), { rootMargin: "1500px 0px" });
    this.layout();
    for (const month of this.months) this.near.observe(month.element);
    new ResizeObserver(() => this.layout()).observe(this);
    addEventListener("scroll", () => this.scrolled(), { passive: true });
    addEventListener("albumen:photos", (event) => this.changed(event.detail));
    this.scrubber = new Scrubber(this.months);
    const place = returning();
    if (place) this.comeBack(place).catch(complain);
    else if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  }

  /** Back from a photo: to its month, and there to where it lies. */
  async comeBack({ id, month: key, top }) {
    const month = this.months.find((one) => one.key === key);
    if (!month) return;
    month.element.scrollIntoView();
    if (!month.loaded) await (month.loading ?? this.load(month));
    month.section.reveal(month.section.photos.findIndex((photo) => photo.id === id), top);
  }

  month(key, count, element) {
    if (!element) {
      element = h(
        "section",
        { class: "month", dataset: { month: key }, "aria-labelledby": `m-${key}` },
        h("header", {}, h("h2", { id: `m-${key}` }, formatMonth(key)), h("span", { class: "quiet figures" }, t("photos", { count }))),
        h("ul", { class: "grid laid", "aria-label": formatMonth(key) }),
      );
      this.append(element);
    }
    const section = new Section(element.querySelector(".grid")).adopt();
    return { key, count, element, section, loaded: section.photos.length >= count };
  }

  layout() {
    if (this.clientWidth === this.width) return;
    this.width = this.clientWidth;
    for (const month of this.months) this.place(month);
    this.scrubber?.update();
  }

  /** Lay a month out exactly when its photos are known, else give it the height it will about have. */
  place(month) {
    if (month.loaded) month.section.layout();
    else {
      const list = month.section.list;
      const { target, gap } = measures(list);
      month.section.layout();
      list.classList.add("laid");
      list.style.height = `${Math.max(estimate(month.count, this.width, target, gap), month.section.boxes.at(-1)?.y ?? 0)}px`;
    }
  }

  seen(entries) {
    for (const entry of entries) {
      const month = this.months.find((one) => one.element === entry.target);
      month.visible = entry.isIntersecting;
      if (month.visible && !month.loaded && !month.loading) this.load(month);
      else month.section.show();
    }
  }

  /** Fetch a month's photos; the promise is kept, for others to wait for. */
  load(month) {
    return (month.loading = this.fetch(month).finally(() => (month.loading = null)));
  }

  async fetch(month) {
    try {
      const photos = [];
      let cursor = "";
      do {
        const page = await api("GET", `/photos?q=date:${month.key}&limit=${PAGE}${cursor && `&cursor=${cursor}`}`);
        photos.push(...page.items.map(fromItem));
        cursor = page.next_cursor ?? "";
      } while (cursor);
      const before = month.element.getBoundingClientRect();
      month.section.replace(photos);
      month.loaded = true;
      month.section.layout();
      // A month above the window that turned out taller or shorter must not push the view away.
      if (before.bottom < 0) scrollBy(0, month.element.getBoundingClientRect().height - before.height);
      this.scrubber.update();
    } catch (error) {
      complain(error);
    }
  }

  scrolled() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      for (const month of this.months) if (month.visible) month.section.show();
      this.scrubber.move();
    });
  }

  async changed(ids) {
    const shown = new Set(this.months.flatMap((month) => month.section.photos.map((photo) => photo.id)));
    for (const month of this.months) {
      for (const [index, tile] of month.section.shown) {
        if (!ids.has(tile.dataset.id)) continue;
        const photo = fromItem(await api("GET", `/photos/${tile.dataset.id}`));
        Object.assign(month.section.photos[index], photo);
        refresh(tile, photo);
      }
    }
    if ([...ids].some((id) => !shown.has(id))) await this.recount();
  }

  /** Photos came or went: fetch the months again and reload those whose count differs. */
  async recount() {
    const fresh = new Map((await api("GET", "/timeline")).map(({ month, count }) => [month, count]));
    for (const month of this.months) {
      const count = fresh.get(month.key) ?? 0;
      if (count === month.count) continue;
      month.count = count;
      month.element.querySelector("header .quiet").textContent = t("photos", { count });
      month.element.hidden = count === 0;
      month.loaded = false;
      if (month.visible) this.load(month);
    }
    const known = new Set(this.months.map((month) => month.key));
    for (const [key, count] of fresh) if (!known.has(key)) this.insert(key, count);
  }

  insert(key, count) {
    const month = this.month(key, count, null);
    const at = this.months.findIndex((one) => one.key < key);
    if (at >= 0) this.insertBefore(month.element, this.months[at].element);
    this.months.splice(at < 0 ? this.months.length : at, 0, month);
    this.place(month);
    this.near.observe(month.element);
  }

  drop(ids) {
    for (const month of this.months) {
      const before = month.section.photos.length;
      month.section.remove(ids);
      if (month.section.photos.length === before) continue;
      month.count -= before - month.section.photos.length;
      month.element.querySelector("header .quiet").textContent = t("photos", { count: month.count });
      month.element.hidden = month.count <= 0;
      this.place(month);
    }
  }
}

customElements.define("photo-timeline", PhotoTimeline);
