// The activity page follows the work as it happens.
import { api } from "./api.js";
import { h, icon } from "./dom.js";
import { formatNumber, t } from "./i18n.js";
import { complain } from "./toast.js";

const PAUSE = 1500; // at most one look at the list in this many milliseconds

class JobBoard extends HTMLElement {
  connectedCallback() {
    this.section = this.querySelector("[data-running]");
    this.list = this.section.querySelector(".job-list");
    addEventListener("albumen:jobs", (event) => this.counted(event.detail));
  }

  counted({ ready, running }) {
    const waiting = ready + running;
    this.querySelector("[data-waiting]").textContent = formatNumber(waiting);
    this.querySelector("[data-waiting-label]").textContent = t(waiting ? "activity.waiting" : "activity.idle");
    this.timer ??= setTimeout(() => this.refresh(), PAUSE);
  }

  async refresh() {
    this.timer = null;
    try {
      const { items } = await api("GET", "/jobs?state=running&state=ready&limit=50");
      items.sort((a, b) => (a.state === b.state ? 0 : a.state === "running" ? -1 : 1));
      this.list.replaceChildren(...items.map((job) => this.line(job)));
      this.section.hidden = items.length === 0;
    } catch (error) {
      complain(error);
    }
  }

  line(job) {
    const name = job.filename || t("job.running");
    const stop = async () => {
      await api("POST", `/jobs/${job.id}/cancel`).catch(complain);
      await this.refresh();
    };
    return h(
      "li",
      { class: "job", dataset: { job: job.id, state: job.state } },
      h("span", { class: "title" }, job.photo_id ? h("a", { href: `/photo/${job.photo_id}` }, name) : h("span", {}, name)),
      job.state === "running" ? h("progress", { max: "1", value: String(job.progress), "aria-label": name }) : h("span"),
      h("span", { class: "job-state" }, t(`job.${job.state}`), h("button", { class: "icon-button small-target", type: "button", "aria-label": t("cancel"), title: t("cancel"), onclick: stop }, icon("close"))),
    );
  }
}

customElements.define("job-board", JobBoard);
