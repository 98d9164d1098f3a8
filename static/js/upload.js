// Uploading from anywhere: drop files or folders on any page, paste, or choose. Each file has its own line with its
// progress and its outcome; a photo that is already there is good news, not an error.
import { api } from "./api.js";
import { h, icon } from "./dom.js";
import { formatPercent, t } from "./i18n.js";
import { complain } from "./toast.js";
import { send } from "./upload_send.js";

const AT_ONCE = 3;
const PICTURE = /\.(jpe?g|png|gif|bmp|webp|tiff?|heic|heif|avif)$/i;

class Tray {
  constructor() {
    this.items = [];
    this.running = 0;
    this.element = null;
    addEventListener("beforeunload", (event) => {
      if (this.running) event.preventDefault();
    });
  }

  /** @param {File[]} files */
  add(files, albumId = "") {
    if (!files.length) return;
    this.open();
    for (const file of files) {
      const item = { file, albumId, state: "waiting", share: 0 };
      item.line = this.line(item);
      this.items.push(item);
      this.list.append(item.line);
      this.say(item);
    }
    this.draw();
    this.pump();
  }

  open() {
    if (this.element) return;
    this.title = h("h2", { id: "tray-title" });
    this.bar = h("progress", { max: "1", value: "0", "aria-labelledby": "tray-title" });
    this.list = h("ul", { class: "tray-list", tabindex: "0" });
    const all = () => this.again(this.items.filter((item) => item.state === "failed" && !item.hopeless));
    this.foot = h("footer", { hidden: true }, h("button", { class: "button tight", type: "button", onclick: all }, t("upload.retry_all")));
    this.closeButton = h("button", { class: "icon-button small-target", type: "button", "aria-label": t("upload.close"), onclick: () => this.close() }, icon("close"));
    this.element = h("section", { class: "tray", "aria-label": t("upload.label") }, h("header", {}, this.title, this.closeButton), this.bar, this.list, this.foot);
    document.body.append(this.element);
  }

  close() {
    if (this.running) return;
    this.element.remove();
    this.element = null;
    this.items = [];
  }

  line(item) {
    item.says = h("span", { class: "state" });
    item.mark = h("span", { class: "state-icon" });
    const picture = item.file.type.match(/^image\/(jpeg|png|gif|webp|avif)$/) && item.file.size < 12e6;
    const thumb = picture ? h("img", { class: "thumb", alt: "" }) : h("span", { class: "thumb" });
    if (picture) {
      thumb.src = URL.createObjectURL(item.file);
      thumb.addEventListener("load", () => URL.revokeObjectURL(thumb.src), { once: true });
    }
    return h("li", { class: "tray-item" }, thumb, h("span", { class: "name" }, item.file.name, h("br"), item.says), item.mark);
  }

  pump() {
    while (this.running < AT_ONCE) {
      const item = this.items.find((one) => one.state === "waiting");
      if (!item) return;
      this.running++;
      item.state = "sending";
      this.send(item).finally(() => {
        this.running--;
        this.draw();
        this.pump();
      });
    }
  }

  async send(item) {
    item.control = new AbortController();
    this.say(item);
    try {
      const progressed = (share, away = false) => {
        Object.assign(item, { share, away });
        this.say(item);
      };
      const answer = await send(item, progressed, item.control.signal);
      item.id = answer.id;
      item.state = answer.trashed ? "trashed" : answer.duplicate ? "duplicate" : "kept";
    } catch (error) {
      item.state = error.name === "AbortError" ? "stopped" : "failed";
      item.detail = error.message;
      // What the server refuses for good (a damaged file, an unknown kind) it refuses again.
      item.hopeless = error.status >= 400 && error.status < 500 && ![401, 409, 423, 429].includes(error.status);
    }
    item.share = 1;
    this.say(item);
  }

  say(item) {
    const { state } = item;
    item.line.className = `tray-item ${state}`;
    const sending = item.away ? t("upload.away") : item.share < 1 ? t("upload.sending", { percent: formatPercent(item.share) }) : t("upload.checking");
    item.says.textContent = state === "sending" ? sending : state === "failed" ? item.detail : t(`upload.${state}`);
    // While it is sent the line changes often; its button stays, so that it can be pressed.
    if (item.drawn !== state) item.mark.replaceChildren(...this.outcome(item));
    item.drawn = state;
    this.draw();
  }

  outcome(item) {
    const button = (label, run) => h("button", { class: "button tight", type: "button", onclick: run }, label);
    const again = () => this.again([item]);
    const stop = () => {
      if (item.state === "sending") item.control.abort();
      else Object.assign(item, { state: "stopped", share: 1 });
      this.say(item);
    };
    const cancel = h("button", { class: "icon-button small-target", type: "button", "aria-label": t("upload.stop", { name: item.file.name }), title: t("upload.stop", { name: item.file.name }), onclick: stop }, icon("close"));
    const restore = async () => {
      await api("POST", `/photos/${item.id}/restore`).catch(complain);
      item.state = "duplicate";
      this.say(item);
    };
    const open = h("a", { href: `/photo/${item.id}`, "aria-label": t("upload.open") }, icon(item.state === "duplicate" ? "photos" : "check-circle"));
    return { waiting: [cancel], sending: [cancel], stopped: [button(t("upload.retry"), again)], failed: item.hopeless ? [icon("warning")] : [button(t("upload.retry"), again)], trashed: [button(t("upload.restore"), restore)], kept: [open], duplicate: [open] }[item.state] ?? [];
  }

  again(items) {
    for (const item of items) {
      Object.assign(item, { state: "waiting", share: 0, away: false });
      this.say(item);
    }
    this.pump();
  }

  draw() {
    if (!this.element) return;
    const over = this.items.filter((item) => !["waiting", "sending"].includes(item.state));
    const safe = over.filter((item) => !["failed", "stopped"].includes(item.state)).length;
    const share = this.items.reduce((sum, item) => sum + item.share, 0) / this.items.length;
    this.bar.value = share;
    const finished = over.length === this.items.length;
    this.bar.hidden = finished;
    const lost = this.items.filter((item) => item.state === "failed" && !item.hopeless);
    this.foot.hidden = lost.length < 2;
    this.closeButton.hidden = this.running > 0;
    this.title.textContent = finished ? t("upload.done", { count: safe }) : t("upload.progress", { done: over.length, total: this.items.length });
  }
}

// --- where files come from -----------------------------------------------------------------------------------------

const tray = new Tray();
const albumHere = () => document.querySelector("[data-upload][data-album]")?.dataset.album ?? document.querySelector("#album[name=album_id]")?.value ?? "";

function choose(albumId) {
  const input = h("input", { type: "file", multiple: true, accept: "image/*,.heic,.heif,.avif" });
  input.addEventListener("change", () => tray.add([...input.files], albumId));
  input.click();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-upload]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  choose(link.dataset.album ?? "");
});

/** The form says what is chosen, and sends nothing while it is nothing. */
function tellChosen(form) {
  const { length } = form.querySelector("input[type=file]").files;
  form.querySelector("[data-send]").disabled = !length;
  const note = form.querySelector("[data-chosen-files]");
  note.dataset.none ??= note.textContent;
  note.textContent = length ? t("upload.chosen", { count: length }) : note.dataset.none;
}

const sending = document.querySelector("form[data-upload-form]");
if (sending) {
  sending.addEventListener("change", () => tellChosen(sending));
  tellChosen(sending);
}

sending?.addEventListener("submit", (event) => {
  event.preventDefault();
  const input = event.target.elements.file;
  tray.add([...input.files], albumHere());
  input.value = "";
  tellChosen(event.target);
});

document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])].filter((file) => file.type.startsWith("image/"));
  if (files.length) tray.add(files, albumHere());
});

let veil = null;
let depth = 0;
const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");

function lift(by) {
  depth = Math.max(0, depth + by);
  if (depth && !veil) {
    veil = h("div", { class: "drop-veil" }, h("p", {}, t("upload.drop")));
    document.body.append(veil);
  } else if (!depth) {
    veil?.remove();
    veil = null;
  }
}

document.addEventListener("dragenter", (event) => carriesFiles(event) && lift(1));
document.addEventListener("dragleave", (event) => carriesFiles(event) && lift(-1));
document.addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
document.addEventListener("drop", async (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  lift(-depth);
  tray.add(await dropped(event.dataTransfer), albumHere());
});

/** The files of a drop; of folders, the pictures in them and below. */
async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files];
  const found = await Promise.all(entries.map((entry) => filesOf(entry, true)));
  return found.flat();
}

async function filesOf(entry, chosen) {
  if (entry.isFile) {
    if (!chosen && !PICTURE.test(entry.name)) return [];
    return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  }
  const reader = entry.createReader();
  const files = [];
  for (;;) {
    // A reader gives at most a hundred entries at a time, and an empty list when it is done.
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return files;
    for (const inner of some) files.push(...(await filesOf(inner, false)));
  }
}
