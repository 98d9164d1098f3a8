// Registers the service worker where the browser allows one (HTTPS or this machine) and tells it who is looking.

async function register() {
  const worker = await navigator.serviceWorker.register("/sw.js");
  const { active } = await navigator.serviceWorker.ready;
  // A shared link and the page without a connection say nothing about who is signed in.
  const { viewer } = document.body.dataset;
  if (viewer !== "?" && !location.pathname.startsWith("/s/")) (active ?? worker.active)?.postMessage({ viewer });
}

if ("serviceWorker" in navigator && isSecureContext) register().catch(() => {}); // without it, everything works online
