// How a long list keeps up with the one who scrolls it: what is done in a frame is bounded, and whoever flies through
// years sees boxes in the colours of their photos. Pictures are asked for once there is time to look at them: else
// those wanted would stand in line behind thousands that have passed, and the browser would spend its frames on them.

const BUDGET = 6; // milliseconds of a frame for tiles; the rest is the browser's
const FLIGHT = 6; // pixels a millisecond: a photo crosses the window in an eighth of a second
const CALM = 120; // milliseconds below that speed after which the flight is over

export class Pace {
  /** @param {(until: number) => boolean} draw make what is missing until that time; false when something is left */
  constructor(draw) {
    this.draw = draw;
    this.flying = false;
    this.last = { at: 0, y: scrollY, fast: false };
    addEventListener("scroll", () => this.ask(), { passive: true });
  }

  /** Draw with the next frame, once however often it is asked for. */
  ask() {
    this.frame ??= requestAnimationFrame((now) => {
      this.frame = null;
      this.step(now, scrollY);
      this.now();
    });
  }

  /** Draw what fits into a frame's share of time; the rest follows with the next ones. */
  now() {
    if (!this.draw(performance.now() + BUDGET)) this.ask();
  }

  /** One leap (of a key, of a link) is no flight, two in a row are. */
  step(at, y) {
    const { last } = this;
    const fast = Math.abs(y - last.y) > FLIGHT * Math.max(1, at - last.at);
    this.last = { at, y, fast };
    if (!fast || !last.fast) return;
    this.flying = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.flying = false;
      this.ask();
    }, CALM);
  }
}
