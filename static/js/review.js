// Judging what a taught tag has found, one press each: y and n on the keyboard, and a way back.
import { api } from "./api.js";
import { h, icon, typing } from "./dom.js";
import { t } from "./i18n.js";
import { complain, toast } from "./toast.js";

const LOOK = 1500; // milliseconds between looks while it learns

class TagReview extends HTMLElement {
  connectedCallback() {
    this.list = this.querySelector(".judge");
    this.addEventListener("submit", (event) => this.submitted(event));
    document.addEventListener("keydown", (event) => this.key(event));
    if (this.list) {
      this.all = h("button", { type: "button", class: "button", onclick: () => this.confirmAll().catch(complain) }, icon("check"), t("review.yes_all"));
      this.list.after(h("p", { class: "row" }, this.all));
      this.list.querySelector(".yes").focus({ preventScroll: true });
    }
    if (this.dataset.learning === "yes") this.wait();
  }

  path(id) {
    return `/photos/${id}/tags/${encodeURIComponent(this.dataset.slug)}`;
  }

  submitted(event) {
    event.preventDefault();
    const line = event.target.closest("li");
    this.judge(line, event.submitter.value === "confirm").catch(complain);
  }

  async judge(line, yes) {
    const next = (line.nextElementSibling ?? line.previousElementSibling)?.querySelector(yes ? ".yes" : ".no");
    const { id } = line.dataset;
    await api(yes ? "PUT" : "DELETE", this.path(id));
    const after = line.nextElementSibling;
    line.remove();
    next?.focus();
    const back = async () => {
      try {
        await api("DELETE", `${this.path(id)}/verdict`);
        this.list.insertBefore(line, after?.isConnected ? after : null);
        line.querySelector(".yes").focus();
      } catch (error) {
        complain(error);
      }
    };
    toast(t(yes ? "review.said_yes" : "review.said_no"), { action: t("undo"), run: back });
    if (!this.list.children.length) location.reload();
  }

  async confirmAll() {
    const ids = [...this.list.children].map((line) => line.dataset.id);
    await api("POST", "/photos/batch", { action: "tag", tag: this.dataset.slug, ids });
    location.reload();
  }

  key(event) {
    const line = document.activeElement?.closest?.(".judge li");
    if (!line || typing(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    const forward = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === "y" || event.key === "n") this.judge(line, event.key === "y").catch(complain);
    else if (forward) (forward > 0 ? line.nextElementSibling : line.previousElementSibling)?.querySelector(".yes").focus();
    else return;
    event.preventDefault();
  }

  /** It is still learning: look again until it is done, then show what it found. */
  async wait() {
    try {
      const now = await api("GET", `/tags/${encodeURIComponent(this.dataset.slug)}/review?limit=1`);
      if (!now.learning) {
        location.reload();
        return;
      }
    } catch (error) {
      complain(error);
      return;
    }
    setTimeout(() => this.wait(), LOOK);
  }
}

customElements.define("tag-review", TagReview);
