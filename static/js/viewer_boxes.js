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
    for (const text of this.svg.querySelectorAll("text")) {
      text.setAttribute("font-size", String(LABEL / scale));
      const rect = text.previousElementSibling;
      const [x, y] = ["x", "y"].map((name) => Number(rect.getAttribute(name)));
      // Above its box, inside where there is no room above.
      const above = y > (1.6 * LABEL) / scale;
      text.setAttribute("x", String(x + 4 / scale));
      text.setAttribute("y", String(above ? y - 6 / scale : y + (LABEL + 4) / scale));
    }
  }

  point(target) {
    const marked = target.closest?.("[data-box]");
    const line = target.closest?.(".tag-line");
    if (marked) {
      const tags = marked.dataset.tags.split(" ");
      this.light([marked.dataset.box], tags);
    } else if (line) {
      const spoken = [...this.svg.children].filter((box) => box.dataset.tags.split(" ").includes(line.dataset.slug));
      this.light(spoken.map((box) => box.dataset.box), spoken.length ? [line.dataset.slug] : []);
    }
  }

  /** Light these boxes with their words, and these tags. */
  light(boxes, tags) {
    this.svg?.classList.toggle("pointed", boxes.length > 0);
    for (const box of this.viewer.querySelectorAll("[data-box]")) box.classList.toggle("lit", boxes.includes(box.dataset.box));
    for (const line of this.viewer.querySelectorAll(".tag-line")) line.classList.toggle("lit", tags.includes(line.dataset.slug));
  }

  /** A box was pressed: go to its word. */
  pick(box) {
    const chip = box && this.viewer.querySelector(`.chip[data-box="${box.dataset.box}"]`);
    chip?.scrollIntoView({ block: "center", behavior: "smooth" });
    chip?.focus({ preventScroll: true });
  }
}
