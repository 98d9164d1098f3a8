// Asks the server how a recipe looks: one question at a time, the newest one next, answers kept for undo.
import { csrf, problemOf } from "./api.js";
import { language, t } from "./i18n.js";

const PAUSE = 120; // milliseconds a slider rests before it is worth asking
const LET_FINISH = 900; // a question out for less than this is nearly answered
const KEPT = 16;
const SHOWN = 60_000; // milliseconds after which a picture has surely been taken from its address
const TELLING = 1; // seconds of an estimate that says something about the server's pace

export class Preview {
  /**
   * `working(seconds)` hears the start of a wait (its estimate) and its end (null); `slow(steps)` gives the part of them
   * that networks work on, in words to compare; `standIn(address, key)` gets a quick picture while a slow one is made.
   */
  constructor(photo, { estimate, working, slow, standIn }) {
    Object.assign(this, { address: `/api/v1/photos/${photo}/edits/preview`, estimate, working, slow, standIn });
    this.worked = ""; // the slow part the server has just worked on: it is not done again for a slider after it
    this.pace = 1; // how much longer this server takes than estimated
    this.kept = new Map();
    this.under = null; // the question that is out
    this.next = null; // the one to ask then
  }

  /** The picture's address for these steps; resolves null when a newer wish came in between. */
  want(steps) {
    const key = JSON.stringify(steps);
    const known = this.kept.get(key);
    if (known) {
      this.drop();
      this.remember(key, known);
      return Promise.resolve(known);
    }
    this.forgetNext();
    return new Promise((resolve, reject) => {
      this.next = { key, steps, resolve, reject };
      if (this.under && performance.now() - this.under.since > LET_FINISH) this.under.control.abort();
      this.timer = setTimeout(() => this.pump(), PAUSE);
    });
  }

  /** Nothing is wanted any more. */
  drop() {
    this.forgetNext();
    this.under?.control.abort();
    return null;
  }

  forgetNext() {
    this.next?.resolve(null);
    this.next = null;
    clearTimeout(this.timer);
  }

  /** Ask now, beside the others: for a picture to compare with. */
  async aside(steps) {
    const key = JSON.stringify(steps);
    const known = this.kept.get(key) ?? URL.createObjectURL(await this.ask(steps, new AbortController().signal));
    this.remember(key, known);
    return known;
  }

  async pump() {
    if (this.under || !this.next) return;
    const wish = this.next;
    this.next = null;
    wish.control = new AbortController();
    wish.since = performance.now();
    this.under = wish;
    const estimate = this.estimate(wish.steps);
    this.working(estimate * this.pace);
    try {
      const slow = this.slow(wish.steps);
      if (slow && slow !== this.worked) await this.lookAhead(wish);
      const since = performance.now();
      const address = URL.createObjectURL(await this.ask(wish.steps, wish.control.signal));
      this.remember(wish.key, address);
      if (slow) this.worked = slow;
      if (estimate > TELLING) this.pace = (performance.now() - since) / 1000 / estimate;
      wish.resolve(address);
    } catch (error) {
      if (error.name === "AbortError") wish.resolve(null);
      else wish.reject(error);
    } finally {
      this.under = null;
      if (!this.next) this.working(null);
      this.pump();
    }
  }

  /** Something to look at within a second, where the preview itself takes longer. */
  async lookAhead(wish) {
    const picture = await this.ask(wish.steps, wish.control.signal, "?quick=true");
    if (!picture.size) return; // the preview is as quick
    const address = URL.createObjectURL(picture);
    this.standIn(address, wish.key);
    setTimeout(() => URL.revokeObjectURL(address), SHOWN);
  }

  async ask(steps, signal, how = "", tries = 2) {
    const headers = { "X-CSRF-Token": csrf, "Accept-Language": language, "Content-Type": "application/json" };
    let answer;
    try {
      answer = await fetch(this.address + how, { method: "POST", headers, signal, body: JSON.stringify({ recipe: steps }) });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Error(t("offline"));
    }
    // Another window of the same photo took the turn.
    if (answer.status === 409 && tries > 0) return this.ask(steps, signal, how, tries - 1);
    if (!answer.ok) throw problemOf(answer.status, await answer.text());
    return answer.blob();
  }

  remember(key, address) {
    this.kept.delete(key);
    this.kept.set(key, address);
    if (this.kept.size <= KEPT) return;
    const [oldest, gone] = this.kept.entries().next().value;
    this.kept.delete(oldest);
    // What is on the screen may still be the oldest: give the picture back a little later.
    setTimeout(() => URL.revokeObjectURL(gone), SHOWN);
  }
}
