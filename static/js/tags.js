// Tags of one photo: confirm, remove and add without leaving the page. The forms underneath do the same without.
import { api } from "./api.js";
import { Completer } from "./complete.js";
import { h, icon } from "./dom.js";
import { formatPercent, t } from "./i18n.js";
import { complain, toast } from "./toast.js";
import { whyButton } from "./viewer_why.js";
import { loadTags, matchTags } from "./words.js";

class TagEditor extends HTMLElement {
  connectedCallback() {
    this.list = this.querySelector(".tag-list");
    this.addEventListener("submit", (event) => this.submitted(event));
    const input = this.querySelector("#new-tag");
    if (input) new Completer(input, async (text) => (text.trim() ? this.offers(text) : []));
  }

  async offers(text) {
    const here = new Set([...this.list.querySelectorAll(".tag-line")].map((line) => line.dataset.slug));
    const found = matchTags(await loadTags(), text).filter((tag) => !here.has(tag.slug));
    return found.map((tag) => ({ label: tag.name, kind: tag.count ? String(tag.count) : "", apply: () => this.add(tag.name) }));
  }

  async submitted(event) {
    event.preventDefault();
    const form = event.target;
    if (form.matches("[data-add-tag]")) {
      await this.add(form.elements.name.value.trim());
      return;
    }
    const line = form.closest(".tag-line");
    const confirm = form.elements.verdict.value === "confirm";
    try {
      await api(confirm ? "PUT" : "DELETE", this.path(line.dataset.slug));
    } catch (error) {
      complain(error);
      return;
    }
    if (confirm) this.confirmed(line, form);
    else this.removed(line);
  }

  path(slug) {
    return `/photos/${this.dataset.id}/tags/${encodeURIComponent(slug)}`;
  }

  confirmed(line, form) {
    line.classList.replace("suggested", "confirmed");
    form.replaceWith(h("span", { class: "kept-mark", title: t("tag.confirmed") }, icon("check", t("tag.confirmed"))));
  }

  removed(line) {
    const { name, slug } = line.dataset;
    if (line.nextElementSibling?.matches(".why")) line.querySelector("[data-why]").click();
    (line.nextElementSibling ?? line.previousElementSibling)?.querySelector("a")?.focus();
    line.remove();
    toast(t("tag.removed", { name }), {
      action: t("undo"),
      run: async () => {
        await api("PUT", this.path(slug)).catch(complain);
        await this.reload();
      },
    });
  }

  async add(name) {
    const input = this.querySelector("#new-tag");
    if (!name) return;
    try {
      await api("PUT", this.path(name));
      input.value = "";
      await this.reload();
    } catch (error) {
      complain(error);
    }
  }

  /** Draw the list anew from what the server says now. */
  async reload() {
    const photo = await api("GET", `/photos/${this.dataset.id}`);
    this.list.replaceChildren(...photo.tags.filter((tag) => tag.state !== "rejected").map((tag) => this.line(tag)));
  }

  line(tag) {
    const verdict = (value, symbol, label) =>
      h("form", { method: "post" }, h("input", { type: "hidden", name: "verdict", value }), h("button", { class: "icon-button", "aria-label": label, title: label }, icon(symbol)));
    return h(
      "li",
      { class: `tag-line ${tag.state}`, dataset: { slug: tag.slug, name: tag.name } },
      h("a", { href: `/search?q=${encodeURIComponent(`tag:${tag.slug}`)}` }, tag.name),
      h("meter", { min: "0", max: "1", value: String(tag.confidence), "aria-hidden": "true" }),
      h("span", { class: "figures" }, tag.source === "user" ? t("tag.yours") : formatPercent(tag.confidence)),
      h(
        "span",
        { class: "actions" },
        whyButton(tag.name),
        tag.state === "confirmed"
          ? h("span", { class: "kept-mark", title: t("tag.confirmed") }, icon("check", t("tag.confirmed")))
          : verdict("confirm", "check", t("tag.confirm", { name: tag.name })),
        verdict("reject", "close", t("tag.reject", { name: tag.name })),
      ),
    );
  }
}

customElements.define("tag-editor", TagEditor);
