// Tags of one photo: confirm, remove and add without leaving the page. The forms underneath do the same without.
import { api } from "./api.js";
import { Completer } from "./complete.js";
import { h, icon } from "./dom.js";
import { formatNumber, formatPercent, t } from "./i18n.js";
import { complain, toast } from "./toast.js";
import { whyButton } from "./viewer_why.js";
import { loadTags, matchTags } from "./words.js";

class TagEditor extends HTMLElement {
  connectedCallback() {
    this.list = this.querySelector(".tag-list");
    this.rejected = this.querySelector(".rejected-tags");
    this.addEventListener("submit", (event) => this.submitted(event));
    const input = this.querySelector("#new-tag");
    if (input) new Completer(input, async (text) => (text.trim() ? this.offers(text) : []));
  }

  async offers(text) {
    const here = new Set([...this.list.querySelectorAll(".tag-line")].map((line) => line.dataset.slug));
    const found = matchTags(await loadTags(), text).filter((tag) => !here.has(tag.slug));
    return found.map((tag) => ({ label: tag.name, kind: tag.count ? formatNumber(tag.count) : t("search.unused"), apply: () => this.add(tag.name) }));
  }

  async submitted(event) {
    event.preventDefault();
    const form = event.target;
    if (form.matches("[data-add-tag]")) {
      await this.add(form.elements.name.value.trim());
      return;
    }
    const { slug } = form.closest("[data-slug]").dataset;
    try {
      await api(...this.saying(slug, form.elements.verdict.value));
    } catch (error) {
      complain(error);
      return;
    }
    if (form.elements.verdict.value === "reject") this.removed(form.closest(".tag-line"));
    else {
      await this.reload();
      this.querySelector(`[data-slug="${CSS.escape(slug)}"] a`)?.focus();
    }
  }

  /** The request that says yes or no to a tag, or takes back what was said. */
  saying(slug, verdict) {
    const path = this.path(slug);
    return { confirm: ["PUT", path], reject: ["DELETE", path], none: ["DELETE", `${path}/verdict`] }[verdict];
  }

  path(slug) {
    return `/photos/${this.dataset.id}/tags/${encodeURIComponent(slug)}`;
  }

  removed(line) {
    const { name, slug } = line.dataset;
    const before = line.matches(".confirmed") ? "confirm" : "none";
    if (line.nextElementSibling?.matches(".why")) line.querySelector("[data-why]").click();
    ((line.nextElementSibling ?? line.previousElementSibling)?.querySelector("a") ?? this.querySelector("#new-tag"))?.focus();
    line.remove();
    this.reload().catch(complain);
    toast(t("tag.removed", { name }), {
      action: t("undo"),
      run: async () => {
        await api(...this.saying(slug, before)).catch(complain);
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

  /** Draw the lists anew from what the server says now. */
  async reload() {
    const { tags } = await api("GET", `/photos/${this.dataset.id}`);
    const rejected = tags.filter((tag) => tag.state === "rejected");
    const at = document.activeElement?.closest?.(".tag-line")?.dataset.slug;
    this.list.replaceChildren(...tags.filter((tag) => tag.state !== "rejected").map((tag) => this.line(tag)));
    if (at) this.list.querySelector(`[data-slug="${CSS.escape(at)}"] a`)?.focus();
    this.rejected.hidden = !rejected.length;
    this.rejected.querySelector("ul").replaceChildren(...rejected.map((tag) => this.gone(tag)));
  }

  line(tag) {
    const confirmed = tag.state === "confirmed";
    return h(
      "li",
      { class: `tag-line ${tag.state}${tag.broader ? " broader" : ""}`, dataset: { slug: tag.slug, name: tag.name } },
      h("a", { href: `/search?q=${encodeURIComponent(`tag:${tag.slug}`)}` }, tag.name),
      h("meter", { min: "0", max: "1", value: String(tag.confidence), "aria-hidden": "true" }),
      h("span", { class: "figures" }, tag.source === "user" ? t("tag.yours") : formatPercent(tag.confidence)),
      h(
        "span",
        { class: "actions" },
        whyButton(tag.name),
        confirmed
          ? verdict("none", "check", t("tag.unconfirm", { name: tag.name }), "icon-button kept-mark")
          : verdict("confirm", "check", t("tag.confirm", { name: tag.name })),
        verdict("reject", "close", t("tag.reject", { name: tag.name })),
      ),
    );
  }

  gone(tag) {
    return h("li", { class: "chip", dataset: { slug: tag.slug } }, tag.name, verdict("none", "undo", t("tag.unreject", { name: tag.name }), ""));
  }
}

function verdict(value, symbol, label, kind = "icon-button") {
  return h("form", { method: "post" }, h("input", { type: "hidden", name: "verdict", value }), h("button", { class: kind, "aria-label": label, title: label }, icon(symbol)));
}

customElements.define("tag-editor", TagEditor);
