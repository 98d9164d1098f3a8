// The boxes of what was seen. Pointing at a box lights its word and its tags, and the other way round.

const LABEL = 13; // pixels

export class Boxes {
  constructor(viewer) {
    this.viewer = viewer;
    this.svg = viewer.querySelector(".boxes");
    if (!this.svg) return;
    this.size = new ResizeObserver(() => this.fit());
    this.size.observe(viewer.picture);
    viewer.picture.addEventListener("albumen:zoom", () => this.fit());
    for (const type of ["pointerover", "focusin"]) viewer.addEventListener(type, (event) => this.point(event.target));
    for (const type of ["pointerout", "focusout"]) viewer.addEventListener(type, () => this.light([], []));
    this.svg.addEventListener("click", (event) => this.pick(event.target.closest("[data-box]")));
  }

  close() {
    this.size?.disconnect();
  }

  /** Labels keep their size on the screen, however large the picture is drawn. */
  fit() {
    const { width, height } = this.svg.viewBox.baseVal;
    const { clientWidth, clientHeight } = this.viewer.picture;
    const scale = Math.min(clientWidth / width, clientHeight / height) * this.viewer.zoom.scale;
    const taken = [];
    for (const text of this.svg.querySelectorAll("text")) {
      if (!text.textContent) continue;
      text.setAttribute("font-size", String(LABEL / scale));
      const rect = text.previousElementSibling;
      const [x, y] = ["x", "y"].map((name) => Number(rect.getAttribute(name)));
      const [long, high] = [text.getComputedTextLength(), (LABEL * 1.3) / scale];
      const left = Math.max(Math.min(x + 4 / scale, width - long - 4 / scale), 4 / scale);
      // Above its box or inside it, within the picture, and never over another one: then it waits to be pointed at.
      const free = (foot) => foot - high >= 0 && taken.every((one) => left + long < one.left || left > one.left + one.long || foot <= one.foot - high || foot - high >= one.foot);
      const feet = [y - 6 / scale, y + (LABEL + 4) / scale];
      const foot = feet.find(free);
      text.classList.toggle("crowded", foot === undefined);
      text.setAttribute("x", String(left));
      text.setAttribute("y", String(foot ?? Math.max(feet[1], high)));
      if (foot !== undefined) taken.push({ left, long, foot });
    }
  }

  point(target) {
    const marked = target.closest?.("[data-box]");
    const line = target.closest?.(".tag-line");
    if (marked) {
      const tags = marked.dataset.tags.split(" ");
      this.light(marked.dataset.box.split(" "), tags);
    } else if (line) {
      const spoken = [...this.svg.children].filter((box) => box.dataset.tags.split(" ").includes(line.dataset.slug));
      this.light(spoken.map((box) => box.dataset.box), spoken.length ? [line.dataset.slug] : []);
    }
  }

  /** Light these boxes with their words, and these tags. */
  light(boxes, tags) {
    this.svg?.classList.toggle("pointed", boxes.length > 0);
    for (const box of this.viewer.querySelectorAll("[data-box]")) box.classList.toggle("lit", box.dataset.box.split(" ").some((one) => boxes.includes(one)));
    for (const line of this.viewer.querySelectorAll(".tag-line")) line.classList.toggle("lit", tags.includes(line.dataset.slug));
  }

  /** A box was pressed: go to its word. */
  pick(box) {
    const chip = box && this.viewer.querySelector(`.panel [data-box~="${box.dataset.box}"]`);
    const folded = chip?.closest("details");
    if (folded) folded.open = true;
    chip?.scrollIntoView({ block: "center", behavior: "smooth" });
    chip?.focus({ preventScroll: true });
  }
}
