// Saving a recipe as an edit and following it until the picture is there; the list of all edits of the photo.
import { api } from "./api.js";
import { h, icon } from "./dom.js";
import { Fields } from "./editor_fields.js";
import { formatDate, formatPercent, t } from "./i18n.js";
import { complain, toast } from "./toast.js";

const LOOK = 700; // milliseconds between looks at a job
const SHOWN = new Set(["jpeg", "png", "gif", "bmp", "webp", "avif"]);
const WITH_QUALITY = new Set([null, "jpeg", "webp", "avif"]);

export class Saving {
  /** `editor` gives recipe, operations, photo and what to do with an edit's recipe or file. */
  constructor(editor) {
    this.editor = editor;
    this.running = new Map(); // edit id -> {job, share}
    this.edits = [];
    this.name = h("input", { class: "input", id: "edit-name", maxlength: "200", autocomplete: "off" });
    this.output = new Fields(editor.operations.output, (name, value, settled) => editor.setOutput(name, value, settled));
    this.button = h("button", { type: "submit", class: "button primary" }, icon("save"), t("editor.save"));
    const form = h(
      "form",
      { class: "stack save-form", onsubmit: (event) => this.save(event) },
      h("div", { class: "field" }, h("label", { for: "edit-name" }, t("editor.name")), this.name),
      h("details", {}, h("summary", {}, t("editor.output")), this.output.element),
      this.button,
      h("p", { class: "hint" }, t("editor.untouched")),
    );
    this.list = h("ul", { class: "edit-lines" });
    this.element = h("div", { class: "stack" }, form, h("section", { "aria-labelledby": "versions" }, h("h2", { id: "versions" }, t("editor.versions")), this.list));
    this.refresh().catch(complain);
  }

  show(recipe) {
    this.output.show(recipe.output);
    const quality = this.output.fields.get("quality");
    if (quality) quality.field.element.hidden = !WITH_QUALITY.has(recipe.output.format) || recipe.output.lossless;
    this.button.disabled = recipe.asJson().length === 0;
  }

  async save(event) {
    event.preventDefault();
    this.button.disabled = true;
    try {
      const { edit, job } = await api("POST", `/photos/${this.editor.photo}/edits`, { recipe: this.editor.recipe.asJson(), title: this.name.value.trim() });
      this.name.value = "";
      this.editor.saved();
      this.follow(edit.id, job);
      await this.refresh();
    } catch (error) {
      complain(error);
    }
    this.button.disabled = false;
  }

  follow(edit, job) {
    const state = { job, share: 0 };
    this.running.set(edit, state);
    const look = async () => {
      if (!this.running.has(edit)) return;
      try {
        const now = job ? await api("GET", `/jobs/${job}`) : { state: "ready", progress: 0 };
        state.share = now.progress;
        if (["done", "failed", "cancelled"].includes(now.state)) {
          this.running.delete(edit);
          await this.refresh();
          if (now.state === "done") toast(t("editor.ready"));
          else if (now.state === "failed") toast(t("error", { detail: now.error ?? "" }), { stay: 9000 });
          return;
        }
        this.draw();
      } catch (error) {
        if (error.status && error.status !== 429) {
          this.running.delete(edit);
          complain(error);
          return;
        }
      }
      setTimeout(look, LOOK);
    };
    setTimeout(look, LOOK);
  }

  async refresh() {
    ({ items: this.edits } = await api("GET", `/photos/${this.editor.photo}/edits`));
    this.draw();
    // Edits begun elsewhere have no job here to follow; look again while there are any.
    const elsewhere = this.edits.some((edit) => edit.status === "pending" && !this.running.has(edit.id));
    clearTimeout(this.timer);
    if (elsewhere) this.timer = setTimeout(() => this.refresh().catch(complain), 3 * LOOK);
  }

  draw() {
    const lines = this.edits.map((edit) => this.line(edit)).reverse();
    const held = this.list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    this.list.replaceChildren(...(lines.length ? lines : [h("li", { class: "quiet" }, t("editor.no_versions"))]));
    if (held) this.list.querySelector(`[data-key="${held}"]`)?.focus();
  }

  line(edit) {
    const name = edit.title || t("editor.edit");
    const file = `/api/v1/edits/${edit.id}/file`;
    const ready = edit.status === "ready";
    const press = (symbol, label, run) => h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, dataset: { key: `${symbol}-${edit.id}` }, onclick: run }, icon(symbol));
    const steps = edit.recipe.map((step) => this.editor.operations[step.op]?.title ?? step.op).join(" → ");
    const facts = ready ? `${edit.width} × ${edit.height} · ${edit.format.toUpperCase()}` : edit.status === "failed" ? edit.error : t("editor.being_made");
    const running = this.running.get(edit.id);
    return h(
      "li",
      { dataset: { edit: edit.id, status: edit.status } },
      h("span", { class: "title" }, h("span", {}, name), h("span", { class: "small quiet" }, [formatDate(edit.created_at), facts].join(" · "))),
      h(
        "span",
        { class: "actions" },
        ready && SHOWN.has(edit.format) && press("photos", t("editor.show", { name }), () => this.editor.showFile(file, name)),
        press("copy", t("editor.use", { name }), () => this.editor.loadRecipe(edit.recipe)),
        ready && h("a", { class: "icon-button", href: file, download: "", "aria-label": t("editor.download", { name }), title: t("editor.download", { name }) }, icon("download")),
        ready && press("plus", t("editor.save_copy", { name }), () => this.saveCopy(edit)),
        edit.status === "pending" && running?.job && press("close", t("cancel"), () => this.cancel(edit.id, running.job)),
        edit.status !== "pending" && press("trash", t("editor.delete", { name }), () => this.remove(edit, name)),
      ),
      edit.status === "pending" && h("progress", { max: "1", value: String(running?.share ?? 0), "aria-label": `${name} ${formatPercent(running?.share ?? 0)}` }),
      h("span", { class: "model" }, steps),
    );
  }

  /** Stop the work; of an edit that never came to be nothing is kept. */
  async cancel(edit, job) {
    this.running.delete(edit);
    try {
      await api("POST", `/jobs/${job}/cancel`);
      await api("DELETE", `/edits/${edit}`);
    } catch (error) {
      complain(error); // it was done the moment before
    }
    await this.refresh().catch(complain);
  }

  async saveCopy(edit) {
    try {
      const { id, duplicate } = await api("POST", `/edits/${edit.id}/copy`);
      toast(t(duplicate ? "editor.copy_there" : "editor.copy_made"), { action: t("editor.copy_open"), run: () => location.assign(`/photo/${id}`) });
    } catch (error) {
      complain(error);
    }
  }

  async remove(edit, name) {
    try {
      await api("DELETE", `/edits/${edit.id}`);
      await this.refresh();
      const undo = async () => {
        await api("POST", `/edits/${edit.id}/restore`).catch(complain);
        await this.refresh().catch(complain);
      };
      toast(t("editor.deleted", { name }), { action: t("undo"), run: undo });
    } catch (error) {
      complain(error);
    }
  }
}
