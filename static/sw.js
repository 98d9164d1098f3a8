// The service worker: a shell without a connection, and small pictures seen before. The server puts SHELL (what the
// shell is made of) and VERSION before this text. Pages are never kept: they show one person's photos. Pictures are,
// up to a number, and go when that person signs out or another one signs in.

const STATIC = `albumen-static-${VERSION}`;
const PICTURES = "albumen-pictures";
const OWNER = "/offline?owner"; // the key under which PICTURES remembers whose they are
const MOST = 400;

const isPicture = (path) => /^\/api\/v1\/(photos\/[^/]+\/rendition\/grid|faces\/[^/]+\/crop)$/.test(path);
const forget = () => caches.delete(PICTURES);

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(caches.open(STATIC).then((cache) => cache.addAll(SHELL)));
});

addEventListener("activate", (event) => {
  const old = (name) => name.startsWith("albumen-static-") && name !== STATIC;
  event.waitUntil(caches.keys().then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name)))).then(() => clients.claim()));
});

addEventListener("message", (event) => {
  if (typeof event.data?.viewer === "string") event.waitUntil(belongTo(event.data.viewer));
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin) return;
  if (request.method === "POST" && url.pathname === "/sign-out") event.waitUntil(forget());
  if (request.method !== "GET") return;
  if (request.mode === "navigate") event.respondWith(visit(request));
  else if (url.pathname.startsWith("/static/")) event.respondWith(fromShell(request));
  else if (isPicture(url.pathname)) event.respondWith(picture(event, request));
});

async function visit(request) {
  try {
    const answer = await fetch(request);
    if (new URL(answer.url).pathname === "/sign-in") await forget();
    return answer;
  } catch {
    return (await caches.match("/offline")) ?? Response.error();
  }
}

async function fromShell(request) {
  const kept = await caches.match(request, { ignoreVary: true });
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) (await caches.open(STATIC)).put(request, answer.clone());
  return answer;
}

async function picture(event, request) {
  const kept = await caches.match(request, { cacheName: PICTURES, ignoreVary: true });
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) event.waitUntil(keep(request, answer.clone()));
  else if (answer.status === 401) event.waitUntil(forget());
  return answer;
}

/** Nothing is kept before it is known whose it is, so that a sign-out cannot be overtaken by a slow answer. */
async function keep(request, answer) {
  const cache = await caches.open(PICTURES);
  if (!(await cache.match(OWNER))) return;
  await cache.put(request, answer);
  const keys = (await cache.keys()).filter((key) => !key.url.endsWith(OWNER));
  for (const key of keys.slice(0, Math.max(0, keys.length - MOST))) await cache.delete(key);
}

/** The pictures kept are this person's; another's go. Nobody is the empty name. */
async function belongTo(viewer) {
  const kept = await caches.match(OWNER, { cacheName: PICTURES });
  if (viewer && kept && (await kept.text()) === viewer) return;
  await forget();
  if (viewer) await (await caches.open(PICTURES)).put(OWNER, new Response(viewer));
}
