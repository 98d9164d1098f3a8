// The map of places: drag, pinch, wheel, buttons or keys move it; clusters come from the server and part as one comes nearer.
// The land is Albumen's own drawing, so nothing leaves the server.
import { api } from "./api.js";
import { debounce, h, icon } from "./dom.js";
import { t } from "./i18n.js";
import { complain } from "./toast.js";

const WORLD = { left: -18000, right: 18000, top: -8500, bottom: 6000 };
const LETTERS = 12; // pixels, of countries' names
const NARROWEST = 2; // hundredths of a degree across
const CELL = 78; // pixels a cluster needs
const TIGHT = 0.02; // degrees: nearer than that, a cluster is a list of photos

/** The point between one or two pointers, and how far apart they are. */
function between(held) {
  const [one, other = one] = held.values();
  const reach = Math.max(1, Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY));
  return { clientX: (one.clientX + other.clientX) / 2, clientY: (one.clientY + other.clientY) / 2, reach };
}

class PlaceMap extends HTMLElement {
  connectedCallback() {
    this.svg = this.querySelector("svg");
    if (!this.svg) return;
    const [x, y, width, height] = this.svg.getAttribute("viewBox").split(" ").map(Number);
    this.pins = h("div", { class: "map-clusters" });
    this.clusters = [];
    this.svg.querySelectorAll("a").forEach((pin) => pin.remove());
    const item = (name, label, run) => h("button", { type: "button", class: "icon-button", "aria-label": t(label), title: t(label), onclick: run }, icon(name));
    this.append(
      this.pins,
      h("div", { class: "map-keys" }, item("plus", "map.nearer", () => this.zoom(0.5)), item("minus", "map.farther", () => this.zoom(2)), item("expand", "map.world", () => this.frame({ x, y, width, height }))),
    );
    this.classList.add("alive");
    this.tabIndex = 0;
    this.setAttribute("role", "group");
    this.setAttribute("aria-label", t("map.keys"));
    this.ask = debounce(140, () => this.load().catch(complain));
    this.frame({ x, y, width, height });
    this.listen();
  }

  listen() {
    this.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && document.activeElement !== this) return; // the page scrolls until the map is chosen
      event.preventDefault();
      this.zoom(event.deltaY < 0 ? 0.8 : 1.25, event);
    }, { passive: false });
    this.held = new Map(); // pointer id: its latest event
    this.addEventListener("pointerdown", (event) => this.grab(event));
    this.addEventListener("pointermove", (event) => this.drag(event));
    for (const end of ["pointerup", "pointercancel"]) this.addEventListener(end, (event) => this.held.delete(event.pointerId));
    this.addEventListener("dblclick", (event) => event.target === this.svg && this.zoom(0.5, event));
    this.addEventListener("keydown", (event) => {
      const step = this.view.width / 5;
      const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
      if (event.target !== this) return;
      if (moves[event.key]) this.move(...moves[event.key]);
      else if (event.key === "+" || event.key === "=") this.zoom(0.5);
      else if (event.key === "-") this.zoom(2);
      else return;
      event.preventDefault();
    });
    new ResizeObserver(() => this.frame(this.view)).observe(this);
  }

  /** One pointer moves the map; two bring it nearer or farther, about the point between them. */
  grab(event) {
    if (event.button !== 0 || (event.target.closest("a, button") && !this.held.size)) return;
    this.focus({ preventScroll: true });
    this.setPointerCapture(event.pointerId);
    this.held.set(event.pointerId, event);
  }

  drag(event) {
    if (!this.held.has(event.pointerId)) return;
    const before = between(this.held);
    this.held.set(event.pointerId, event);
    const after = between(this.held);
    const scale = this.view.width / this.clientWidth;
    this.move((before.clientX - after.clientX) * scale, (before.clientY - after.clientY) * scale);
    if (this.held.size > 1) this.zoom(before.reach / after.reach, after);
  }

  // --- what is shown -------------------------------------------------------------------------------------------------

  /** Show at least this part of the map, in the shape of the element. */
  frame({ x, y, width, height }) {
    const shape = this.clientHeight / this.clientWidth || 0.4;
    const world = { width: WORLD.right - WORLD.left, height: WORLD.bottom - WORLD.top };
    const wide = Math.min(Math.max(width, height / shape, NARROWEST), world.width);
    const high = wide * shape;
    const left = Math.min(Math.max(x + (width - wide) / 2, WORLD.left), WORLD.right - wide);
    const middle = y + (height - high) / 2;
    // On a narrow screen all of the world is less high than the map: it then lies in the middle.
    const top = high > world.height ? WORLD.top + (world.height - high) / 2 : Math.min(Math.max(middle, WORLD.top), WORLD.bottom - high);
    this.view = { x: left, y: top, width: wide, height: high };
    this.svg.setAttribute("viewBox", `${left} ${top} ${wide} ${high}`);
    this.names(wide / (this.clientWidth || 1));
    this.place();
    this.ask();
  }

  /** The names that have room where a pixel is so many hundredths of a degree wide, in letters of one size. */
  names(scale) {
    for (const names of this.svg.querySelectorAll(".names")) {
      names.setAttribute("font-size", String(LETTERS * scale));
      names.setAttribute("display", Number(names.dataset.level) < scale ? "none" : "inline");
    }
  }

  move(dx, dy) {
    this.frame({ ...this.view, x: this.view.x + dx, y: this.view.y + dy });
  }

  /** Nearer or farther by a factor, about the pointer or the middle. */
  zoom(factor, event = null) {
    const box = this.getBoundingClientRect();
    const [px, py] = event ? [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height] : [0.5, 0.5];
    const { x, y, width, height } = this.view;
    const next = Math.max(width * factor, NARROWEST) / width;
    this.frame({ x: x + px * width * (1 - next), y: y + py * height * (1 - next), width: width * next, height: height * next });
  }

  async load() {
    const { x, y, width, height } = this.view;
    const clip = (value, most) => Math.min(Math.max(value, -most), most).toFixed(5);
    const bbox = [clip(x / 100, 180), clip(-(y + height) / 100, 90), clip((x + width) / 100, 180), clip(-y / 100, 90)].join(",");
    const fit = Math.log2((90 * this.clientWidth) / CELL / (width / 100));
    const zoom = Math.min(Math.max(Math.round(fit), 0), 18);
    this.asked?.abort();
    this.asked = new AbortController();
    try {
      const { clusters } = await api("GET", `/map?bbox=${bbox}&zoom=${zoom}`, undefined, { signal: this.asked.signal });
      this.draw(clusters);
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
  }

  draw(clusters) {
    this.clusters = clusters.map((cluster) => ({ cluster, link: this.link(cluster) }));
    const had = this.pins.contains(document.activeElement);
    this.pins.replaceChildren(...this.clusters.map(({ link }) => link));
    if (had) this.focus({ preventScroll: true });
    this.place();
  }

  link(cluster) {
    const [west, south, east, north] = cluster.box;
    const label = t("map.cluster", { place: cluster.place || t("map.unnamed"), count: cluster.count });
    const nearer = (event) => {
      if (event.ctrlKey || event.metaKey || Math.max(east - west, north - south) < TIGHT) return;
      event.preventDefault();
      const [wide, high] = [(east - west) * 130, (north - south) * 130];
      this.frame({ x: (west + east) * 50 - wide / 2, y: -(south + north) * 50 - high / 2, width: wide, height: high });
    };
    return h(
      "a",
      { class: "map-cluster", href: `/search?q=${encodeURIComponent(cluster.query)}`, "aria-label": label, title: label, onclick: nearer },
      h("img", { src: `/api/v1/photos/${cluster.photo_id}/rendition/grid`, alt: "" }),
      h("span", { class: "figures" }, cluster.count > 999 ? `${Math.round(cluster.count / 1000)}k` : String(cluster.count)),
    );
  }

  place() {
    const { x, y, width, height } = this.view;
    for (const { cluster, link } of this.clusters) {
      const [left, top] = [(cluster.longitude * 100 - x) / width, (-cluster.latitude * 100 - y) / height];
      link.style.left = `${left * 100}%`;
      link.style.top = `${top * 100}%`;
      link.hidden = left < -0.05 || left > 1.05 || top < -0.05 || top > 1.1;
    }
  }
}

customElements.define("place-map", PlaceMap);
