// Pages about background work follow it: parts marked data-live are taken anew from the server's own page while any
// of them is busy, or when the server tells of a change. What someone is writing in is left alone.

const PAUSE = 1500; // at most one look in this many milliseconds
const EVERY = 4000; // while something goes on

class JobBoard extends HTMLElement {
  connectedCallback() {
    addEventListener("albumen:jobs", () => this.soon(PAUSE));
    if (this.busy) this.soon(EVERY);
  }

  get live() {
    return [...(this.dataset.live ? [this] : []), ...this.querySelectorAll("[data-live]")];
  }

  get busy() {
    return Boolean(this.matches("[data-busy]") || this.querySelector("[data-busy]"));
  }

  soon(wait) {
    this.timer ??= setTimeout(() => this.refresh(), wait);
  }

  async refresh() {
    this.timer = null;
    if (document.hidden) return this.soon(EVERY);
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of this.live) this.renew(part, page.querySelector(`[data-live="${part.dataset.live}"]`));
    } catch {
      // Without a connection the page stays as it is; the next look may succeed.
    }
    if (this.busy) this.soon(EVERY);
  }

  renew(part, fresh) {
    if (!fresh || part.innerHTML === fresh.innerHTML || part.contains(document.activeElement)) return;
    const open = [...part.querySelectorAll("details")].map((details) => details.open);
    part.toggleAttribute("data-busy", fresh.hasAttribute("data-busy"));
    part.replaceChildren(...document.adoptNode(fresh).childNodes);
    part.querySelectorAll("details").forEach((details, i) => (details.open = open[i] ?? false));
  }
}

customElements.define("job-board", JobBoard);
