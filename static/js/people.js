// People: naming and answering in place, and choosing faces. Every form works as it is where this is not loaded.
import { api } from "./api.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { complain, toast } from "./toast.js";

class PeopleBoard extends HTMLElement {
  connectedCallback() {
    this.addEventListener("submit", (event) => this.submitted(event));
    this.addEventListener("change", () => this.count());
    this.addEventListener("click", (event) => {
      this.range(event);
      this.later(event);
    });
    this.count();
  }

  submitted(event) {
    const form = event.target;
    if (form.dataset.person) this.name(event, form).catch(complain);
    if (form.dataset.pair) this.answer(event, form).catch(complain);
  }

  // --- names -------------------------------------------------------------------------------------------------------

  async name(event, form) {
    const name = form.elements.name.value.trim();
    const known = [...this.querySelectorAll("#names option")].some((one) => one.value.toLowerCase() === name.toLowerCase());
    if (!name || known) return; // the page that follows asks whether they are one person
    event.preventDefault();
    const path = `/people/${form.dataset.person}`;
    const person = await api("PATCH", path, { name });
    const link = h("a", { class: "name", href: form.action.replace(/\/name$/, "") }, person.name);
    form.replaceWith(link);
    link.focus();
    const option = h("option", { value: person.name });
    this.querySelector("#names").append(option);
    const back = async () => {
      try {
        await api("PATCH", path, { name: "" });
        option.remove();
        link.replaceWith(form);
        form.elements.name.value = "";
        form.elements.name.focus();
      } catch (error) {
        complain(error);
      }
    };
    toast(t("people.named", { name: person.name }), { action: t("undo"), run: back });
  }

  // --- is this the same person? ------------------------------------------------------------------------------------

  async answer(event, form) {
    event.preventDefault();
    const yes = event.submitter?.value === "yes";
    const merge = await api("POST", `/people/suggestions/${form.dataset.pair}/${yes ? "accept" : "reject"}`);
    // Whom the answer made one with somebody cannot be asked about as before.
    const [first, second] = form.dataset.pair.split("/");
    const spent = [...this.querySelectorAll("[data-pair]")].filter((one) => one === form || (yes && (one.dataset.pair.includes(first) || one.dataset.pair.includes(second))));
    this.next(form, spent);
    if (!yes) return toast(t("people.apart"));
    const back = async () => {
      try {
        await api("POST", `/people/merges/${merge.id}/undo`);
        location.reload();
      } catch (error) {
        complain(error);
      }
    };
    toast(t("people.merged"), { action: t("undo"), run: back });
  }

  /** The next question in place of this one; `spent` are the forms not to be asked any more. */
  next(form, spent) {
    const section = form.closest("[data-pairs]");
    const all = [...section.querySelectorAll(".pair")];
    const gone = spent.map((one) => one.closest(".pair"));
    const following = all.slice(all.indexOf(form.closest(".pair")) + 1).find((card) => !gone.includes(card));
    for (const card of gone) card.remove();
    if (following) {
      following.hidden = false;
      following.querySelector("button").focus();
    } else section.remove();
    return Boolean(following);
  }

  /** Not sure: the question is left for another time. */
  later(event) {
    const link = event.target.closest("[data-later]");
    if (!link) return;
    event.preventDefault();
    const form = link.closest("form");
    if (!this.next(form, [form])) toast(t("people.later"));
  }

  // --- faces -------------------------------------------------------------------------------------------------------

  /** Shift ticks everything between the last face and this one. */
  range(event) {
    const box = event.target.closest(".face input");
    if (!box) return;
    const all = [...this.querySelectorAll(".face input")];
    if (event.shiftKey && this.last) {
      const [from, to] = [all.indexOf(this.last), all.indexOf(box)].sort((a, b) => a - b);
      for (const one of all.slice(from, to + 1)) one.checked = box.checked;
    }
    this.last = box;
    this.count();
  }

  count() {
    const line = this.querySelector("[data-chosen]");
    if (!line) return;
    const count = this.querySelectorAll(".face input:checked").length;
    line.textContent = t("select.count", { count });
    this.querySelector(".face-actions").hidden = count === 0;
    for (const button of this.querySelectorAll(".face-actions button")) {
      button.disabled = "single" in button.dataset && count !== 1;
    }
  }
}

customElements.define("people-board", PeopleBoard);
