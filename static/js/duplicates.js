// Duplicates: deciding in place and by keyboard. Every form works as it is where this is not loaded.
import { api } from "./api.js";
import { typing } from "./dom.js";
import { t } from "./i18n.js";
import { complain, toast } from "./toast.js";

class DuplicateBoard extends HTMLElement {
  connectedCallback() {
    this.undo = null;
    this.addEventListener("submit", (event) => {
      event.preventDefault();
      this.decide(event.target, event.submitter?.value ?? "merge").catch(complain);
    });
    document.addEventListener("keydown", (event) => this.key(event));
    this.addEventListener("change", (event) => tell(event.target.form));
    this.sets.forEach(tell);
  }

  get sets() {
    return [...this.querySelectorAll(".duplicate-set")];
  }

  /** The group one is at: with the focus inside, else the first that is in view. */
  get here() {
    return document.activeElement?.closest?.(".duplicate-set") ?? this.sets.find((set) => set.getBoundingClientRect().bottom > 120);
  }

  async decide(form, action) {
    const data = new FormData(form);
    const keeper = data.get("keeper");
    if (action === "keep") {
      const ids = data.getAll("photo");
      await api("POST", "/duplicates/dismiss", { ids });
      const query = ids.map((id) => `ids=${id}`).join("&");
      this.settle(form, t("duplicates.apart"), () => api("DELETE", `/duplicates/dismiss?${query}`));
      return;
    }
    const others = data.getAll("gone").filter((id) => id !== keeper);
    if (!others.length) {
      toast(t("duplicates.choose"));
      return;
    }
    const merge = await api("POST", "/duplicates/merge", { keeper, others });
    this.settle(form, t("duplicates.merged", { count: others.length }), () => api("POST", `/duplicates/merges/${merge.id}/undo`));
  }

  /** Take a decided group away, go on to the next, and offer the way back. */
  settle(form, said, undo) {
    const next = form.nextElementSibling?.matches(".duplicate-set") ? form.nextElementSibling : form.previousElementSibling;
    const before = form.nextSibling;
    form.remove();
    if (next?.matches(".duplicate-set")) this.go(next);
    const back = async () => {
      try {
        await undo();
        this.insertBefore(form, before?.parentNode === this ? before : null);
        this.go(form);
      } catch (error) {
        complain(error);
      }
    };
    this.undo = back;
    toast(said, { action: t("undo"), run: back });
    if (!this.sets.length) location.reload();
  }

  go(set) {
    set.focus({ preventScroll: true });
    set.scrollIntoView({ block: "start" });
  }

  key(event) {
    if (typing(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    const { here, sets } = this;
    if (event.key === "z" && this.undo) {
      this.undo();
      this.undo = null;
    } else if (!here) return;
    else if (event.key === "j" || event.key === "k") {
      const next = sets[sets.indexOf(here) + (event.key === "j" ? 1 : -1)];
      if (next) this.go(next);
    } else if (event.key === "m") this.decide(here, "merge").catch(complain);
    else if (event.key === "a") this.decide(here, "keep").catch(complain);
    else if (/^[1-9]$/.test(event.key)) {
      const radio = here.querySelectorAll('[name="keeper"]')[Number(event.key) - 1];
      if (!radio) return;
      radio.checked = true;
      tell(here);
      radio.focus();
    } else return;
    event.preventDefault();
  }
}

/** The button says how many photos go. */
function tell(form) {
  const data = new FormData(form);
  const count = data.getAll("gone").filter((id) => id !== data.get("keeper")).length;
  form.querySelector("[data-merge]").textContent = count ? t("duplicates.merge", { count }) : t("duplicates.merge_none");
}

customElements.define("duplicate-board", DuplicateBoard);
