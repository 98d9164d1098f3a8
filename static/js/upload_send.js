// Sending one file: small ones as a form, large ones in pieces by the tus protocol, so that a broken connection (or a
// closed page) costs one piece and not the file.
import { csrf, problemOf } from "./api.js";
import { language, t } from "./i18n.js";

const LARGE = 16 * 2 ** 20; // bytes from which a file goes in pieces
const PIECE = 8 * 2 ** 20;
const PATIENCE = [1, 2, 4, 8, 15, 30]; // seconds between attempts while the connection is away
const KEPT = "albumen.upload."; // where an unfinished upload is remembered, by file

/** Send a file; `progressed(share, waiting)` hears how far it is. Resolves to {id, duplicate, trashed}. */
export function send(item, progressed, signal) {
  return item.file.size >= LARGE ? sendPieces(item, progressed, signal) : sendForm(item, progressed, signal);
}

/** One request with upload progress, which fetch does not tell; rejects when the connection fails. */
function request(method, address, { headers = {}, body = null, progress, signal } = {}) {
  return new Promise((resolve, reject) => {
    const call = new XMLHttpRequest();
    const stop = () => call.abort();
    signal.addEventListener("abort", stop, { once: true });
    call.upload.addEventListener("progress", (event) => progress?.(event.loaded));
    call.addEventListener("loadend", () => signal.removeEventListener("abort", stop));
    call.addEventListener("load", () => (call.status < 300 ? resolve(call) : reject(problemOf(call.status, call.responseText))));
    call.addEventListener("error", () => reject(Object.assign(new Error(t("upload.offline")), { offline: true })));
    call.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError")));
    call.open(method, address);
    for (const [name, value] of Object.entries({ "X-CSRF-Token": csrf, "Accept-Language": language, ...headers })) call.setRequestHeader(name, value);
    call.send(body);
  });
}

/** What is told about a file beside its bytes; the time is used only when the picture itself does not know it. */
function facts({ file, albumId }) {
  const found = {};
  if (albumId) found.album_id = albumId;
  if (Date.now() - file.lastModified > 120_000) found.taken_at = localTime(file.lastModified);
  return found;
}

async function sendForm(item, progressed, signal) {
  const form = new FormData();
  for (const [name, value] of Object.entries(facts(item))) form.append(name, value);
  form.append("file", item.file, item.file.name);
  const answer = await request("POST", "/api/v1/photos", { body: form, signal, progress: (sent) => progressed(Math.min(1, sent / Math.max(1, item.file.size))) });
  return JSON.parse(answer.responseText);
}

// --- in pieces -----------------------------------------------------------------------------------------------------

const TUS = { "Tus-Resumable": "1.0.0" };

async function sendPieces(item, progressed, signal) {
  const { file } = item;
  const key = `${KEPT}${file.name}|${file.size}|${file.lastModified}`;
  let place = localStorage.getItem(key);
  let offset = place ? await whereIs(place, signal) : -1;
  if (offset < 0) {
    place = await begin(item, signal);
    localStorage.setItem(key, place);
    offset = 0;
  }
  for (let failures = 0; offset < file.size || offset === 0; ) {
    try {
      const answer = await request("PATCH", place, {
        headers: { ...TUS, "Upload-Offset": String(offset), "Content-Type": "application/offset+octet-stream" },
        body: file.slice(offset, offset + PIECE),
        signal,
        progress: (sent) => progressed(Math.min(1, (offset + sent) / file.size)),
      });
      failures = 0;
      offset = Number(answer.getResponseHeader("Upload-Offset"));
      if (offset >= file.size) break;
    } catch (error) {
      const passing = error.offline || error.status === 409 || error.status === 423 || error.status === 429 || error.status >= 500;
      if (!passing || failures >= PATIENCE.length) {
        if (!passing) localStorage.removeItem(key);
        throw error;
      }
      progressed(offset / file.size, true);
      await pause(PATIENCE[failures++], signal);
      const known = await whereIs(place, signal, offset);
      if (known < 0) throw error;
      offset = known;
    }
  }
  localStorage.removeItem(key);
  const { photo } = JSON.parse((await request("GET", place, { signal })).responseText);
  return photo;
}

async function begin(item, signal) {
  const pairs = Object.entries({ filename: item.file.name, ...facts(item) });
  const packed = pairs.map(([name, value]) => `${name} ${btoa(String.fromCharCode(...new TextEncoder().encode(value)))}`).join(",");
  const answer = await request("POST", "/api/v1/uploads", { headers: { ...TUS, "Upload-Length": String(item.file.size), "Upload-Metadata": packed }, signal });
  return answer.getResponseHeader("Location");
}

/** How many bytes the server has; -1 when it knows the upload no more, `unsure` when it cannot be asked. */
async function whereIs(place, signal, unsure = -1) {
  try {
    return Number((await request("HEAD", place, { headers: TUS, signal })).getResponseHeader("Upload-Offset"));
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return error.status === 404 || error.status === 410 ? -1 : unsure;
  }
}

/** Wait, but no longer than until the connection is back. */
function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const over = () => {
      clearTimeout(timer);
      removeEventListener("online", over);
      signal.removeEventListener("abort", over);
      if (signal.aborted) reject(new DOMException("stopped", "AbortError"));
      else resolve();
    };
    const timer = setTimeout(over, seconds * 1000);
    addEventListener("online", over);
    signal.addEventListener("abort", over);
  });
}

function localTime(milliseconds) {
  const offset = -new Date(milliseconds).getTimezoneOffset();
  const clock = new Date(milliseconds + offset * 60_000).toISOString().slice(0, 19);
  const two = (value) => String(Math.floor(Math.abs(value))).padStart(2, "0");
  return `${clock}${offset < 0 ? "-" : "+"}${two(offset / 60)}:${two(offset % 60)}`;
}
