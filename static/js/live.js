// Listens to the server's events while the page is looked at, and tells the parts of the page.
//   albumen:jobs    detail: {ready, running, done, failed, cancelled}
//   albumen:photos  detail: Set of ids of photos that changed

let source = null;

function connect() {
  if (source || document.hidden) return;
  source = new EventSource("/api/v1/events");
  source.addEventListener("jobs", (event) => {
    const counts = JSON.parse(event.data);
    const waiting = counts.ready + counts.running;
    for (const badge of document.querySelectorAll("[data-job-count]")) {
      badge.hidden = waiting === 0;
      badge.textContent = waiting > 99 ? "99+" : String(waiting);
    }
    dispatchEvent(new CustomEvent("albumen:jobs", { detail: counts }));
  });
  source.addEventListener("photos", (event) => {
    dispatchEvent(new CustomEvent("albumen:photos", { detail: new Set(JSON.parse(event.data).ids) }));
  });
}

// A browser allows few connections to one host: hidden tabs give theirs back.
function disconnect() {
  source?.close();
  source = null;
}

document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
addEventListener("pagehide", disconnect);
addEventListener("pageshow", connect);
connect();
