// The timeline: every month is a section of known size, but only months near the window hold photos, and only rows
// near the window hold elements. A hundred thousand photos cost as much as a few thousand.
import { addDensity } from "./density.js";
import { h, icon } from "./dom.js";
import { formatMonth, t } from "./i18n.js";
import { Pace } from "./pace.js";
import { leave, resume, returning } from "./place.js";
import { measures } from "./rows.js";
import { Scrubber } from "./scrubber.js";
import { Selection } from "./selection.js";
import { fromItem, refresh } from "./tile.js";
import { Month } from "./timeline_month.js";
import { api } from "./api.js";
import { complain, toast } from "./toast.js";

const NEAR = 1500; // pixels around the window in which a month's photos are fetched
const SETTLE = 60; // milliseconds a month must stay near before they are
const KEPT = 12_000; // photos kept in memory beside those on the screen
const MOST_SELECTED = 20_000;

class PhotoTimeline extends HTMLElement {
  connectedCallback() {
    const buckets = JSON.parse(this.querySelector(".buckets").textContent);
    this.querySelector(".more")?.remove();
    const rendered = new Map([...this.querySelectorAll(".month")].map((section) => [section.dataset.month, section]));
    this.pace = new Pace((until) => this.draw(until));
    this.months = buckets.map(([key, count]) => this.month(key, count, rendered.get(key)));
    this.selection = new Selection(this, {
      order: () => this.months.flatMap((month) => month.photos),
      span: (a, b) => this.span(a, b),
      all: (id) => this.allOf(this.months.find((month) => month.holds(id)) ?? this.months[0]),
      gone: (ids) => this.drop(ids),
      back: () => this.recount(),
    });
    this.addEventListener("click", (event) => leave(event, this.around(event.target.closest(".month")?.dataset.month), { timeline: true }));
    addDensity(this, (run) => this.anchored(run));
    this.layout();
    this.near = new IntersectionObserver((entries) => this.seen(entries), { rootMargin: `${NEAR}px 0px` });
    for (const month of this.months) this.near.observe(month.element);
    new ResizeObserver(() => this.resized()).observe(this);
    addEventListener("albumen:photos", (event) => this.changed(event.detail).catch(complain));
    this.scrubber = new Scrubber(this.months);
    const place = returning();
    if (place) this.comeBack(place).catch(complain);
    else if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  }

  month(key, count, element) {
    const month = new Month(key, count, element ?? this.section(key, count));
    const label = t("select.month", { month: formatMonth(key) });
    const take = h("button", { type: "button", class: "icon-button take", "aria-label": label, title: label, onclick: () => this.take(month).catch(complain) }, icon("check-circle"));
    month.element.querySelector("header").append(take);
    return month;
  }

  section(key, count) {
    const element = h(
      "section",
      { class: "month", dataset: { month: key }, "aria-labelledby": `m-${key}` },
      h("header", {}, h("h2", { id: `m-${key}` }, formatMonth(key)), h("span", { class: "quiet figures" }, t("photos", { count }))),
      h("ul", { class: "grid laid", "aria-label": formatMonth(key) }),
    );
    this.append(element);
    return element;
  }

  // --- layout ----------------------------------------------------------------------------------------------------

  resized() {
    if (this.clientWidth !== this.width) this.anchored(() => {});
  }

  /** All measures are read first and all heights written after: one layout of the page, however many months. */
  layout() {
    this.width = this.clientWidth;
    this.sheet = measures(this.querySelector(".grid"));
    for (const month of this.months) month.place(this.width, this.sheet);
    this.pace.now();
    this.scrubber?.update();
  }

  /** Run a change of the layout so that what is looked at stays where it is. */
  anchored(run) {
    const month = this.months.find((one) => one.element.getBoundingClientRect().bottom > 80);
    const anchor = month?.section.at(80);
    const share = month && (80 - month.section.top) / (month.section.height || 1);
    run();
    this.layout();
    if (scrollY === 0 || !month) return;
    if (anchor) month.section.bring(anchor.id, anchor.top);
    else scrollBy(0, month.section.top + share * month.section.height - 80);
    this.pace.now();
  }

  /** All is read before anything is written, so that the browser lays out once a frame; the window's months first. */
  draw(until) {
    const [height, y] = [innerHeight, scrollY];
    const near = this.months.filter((month) => month.visible).map((month) => ({ section: month.section, top: month.section.top }));
    if (y !== this.y) this.scrubber?.move();
    this.y = y;
    near.sort((a, b) => off(a, height) - off(b, height));
    let finished = true;
    for (const { section, top } of near) finished = section.show({ top, height, until, flying: this.pace.flying }) && finished;
    return finished;
  }

  // --- loading ---------------------------------------------------------------------------------------------------

  seen(entries) {
    for (const entry of entries) {
      const month = this.months.find((one) => one.element === entry.target);
      if (!month) continue;
      month.visible = entry.isIntersecting;
      clearTimeout(month.timer);
      if (month.visible && !month.loaded) month.timer = setTimeout(() => this.load(month).catch(complain), SETTLE);
      else if (!month.visible) month.leave();
    }
    this.pace.ask();
  }

  async load(month) {
    if (!(await month.load())) return;
    const { top, height } = month.element.getBoundingClientRect();
    const before = month.section.height;
    month.place(this.width, this.sheet);
    const grown = month.section.height - before;
    // A month above the window that turned out taller or shorter must not push the view away; in one that is looked
    // at, the same share of it stays in view.
    if (top + height < 0) scrollBy(0, grown);
    else if (top < 0) scrollBy(0, (grown * -top) / height);
    this.pace.ask();
    this.scrubber.update();
    this.forget();
  }

  /** Photos of months long out of sight are let go; their height stays. */
  forget() {
    const idle = this.months.filter((month) => month.loaded && !month.visible).sort((a, b) => a.used - b.used);
    let held = idle.reduce((sum, month) => sum + month.count, 0);
    for (const month of idle) {
      if (held <= KEPT) return;
      held -= month.count;
      month.release();
    }
  }

  /** Back from a photo: to its month, and there to where it lies. */
  async comeBack(place) {
    const month = this.months.find((one) => one.key === place.month);
    if (!month) return;
    month.element.scrollIntoView();
    month.visible = true;
    if (!month.loaded) await this.load(month);
    resume(month.section, place);
  }

  /** The photos around a month that follow on each other without a gap, for next and previous. */
  around(key) {
    const at = this.months.findIndex((month) => month.key === key);
    if (at < 0) return [];
    let [from, to] = [at, at];
    while (this.months[from - 1]?.loaded) from--;
    while (this.months[to].loaded && this.months[to + 1]) to++;
    return this.months.slice(from, to + 1).flatMap((month) => month.photos);
  }

  // --- selecting -------------------------------------------------------------------------------------------------

  /** The ids from one photo to another; months between them that are not here are fetched for it. */
  async span(a, b) {
    const [one, other] = [a, b].map((id) => this.months.findIndex((month) => month.holds(id)));
    if (one < 0 || other < 0) return [b];
    const between = this.months.slice(Math.min(one, other), Math.max(one, other) + 1);
    if (between.reduce((sum, month) => sum + month.count, 0) > MOST_SELECTED) {
      toast(t("batch.too_many", { count: MOST_SELECTED }));
      return [b];
    }
    for (const month of between) if (!month.loaded) await this.load(month);
    const ids = between.flatMap((month) => month.photos.map((photo) => photo.id));
    const [from, to] = [ids.indexOf(a), ids.indexOf(b)].sort((x, y) => x - y);
    return ids.slice(from, to + 1);
  }

  async allOf(month) {
    if (!month.loaded) await this.load(month);
    return month.photos.map((photo) => photo.id);
  }

  /** Select a whole month, or give it back when all of it was. */
  async take(month) {
    const ids = await this.allOf(month);
    const { selection } = this;
    if (!ids.every((id) => selection.ids.has(id))) selection.add(ids);
    else selection.set([...selection.ids].filter((id) => !ids.includes(id)));
  }

  // --- changes ---------------------------------------------------------------------------------------------------

  async changed(ids) {
    const shown = new Set(this.months.flatMap((month) => month.photos.map((photo) => photo.id)));
    for (const month of this.months) {
      for (const [index, tile] of month.section.shown) {
        if (!ids.has(tile.dataset.id)) continue;
        const photo = fromItem(await api("GET", `/photos/${tile.dataset.id}`));
        Object.assign(month.photos[index] ?? {}, photo);
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
      month.recount(count);
      if (month.visible) this.load(month).catch(complain);
    }
    const known = new Set(this.months.map((month) => month.key));
    for (const [key, count] of fresh) if (!known.has(key)) this.insert(key, count);
  }

  insert(key, count) {
    const month = this.month(key, count, null);
    const at = this.months.findIndex((one) => one.key < key);
    if (at >= 0) this.insertBefore(month.element, this.months[at].element);
    this.months.splice(at < 0 ? this.months.length : at, 0, month);
    month.place(this.width, this.sheet);
    this.near.observe(month.element);
  }

  drop(ids) {
    this.anchored(() => {
      for (const month of this.months) month.drop(ids);
    });
  }
}

/** How far a section is from the window. */
const off = ({ section, top }, height) => Math.max(0, top - height, -top - section.height);

customElements.define("photo-timeline", PhotoTimeline);
