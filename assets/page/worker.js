// Shows a page without any data while ROMS does not answer. Nothing else is kept.
const KEPT = ['/offline', 'STYLE', 'SCRIPT', 'ICON'];
// Another release has another name, and so replaces everything that was kept.
const NAME = 'offline-VERSION';
self.addEventListener('install', (event) => {
  // Without waiting: an open page needs nothing from the kept files.
  self.skipWaiting();
  const fresh = KEPT.map((path) => new Request(path, { cache: 'reload' }));
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(fresh)));
});
// Navigation preload stays off: the browser would also preload the return from Discord, and so send the code of a sign-in twice.
self.addEventListener('activate', (event) => event.waitUntil(
  caches.keys().then((names) => Promise.all(names.filter((name) => name !== NAME).map((name) => caches.delete(name)))),
));
self.addEventListener('fetch', (event) => {
  // A browser that comes back from Discord brings the cookie of its attempt only without a detour.
  if (new URL(event.request.url).pathname.startsWith('/sign-in/')) return;
  if (event.request.mode === 'navigate') event.respondWith(fetch(event.request).catch(() => caches.match('/offline')));
  else if (KEPT.includes(new URL(event.request.url).pathname)) {
    // The names of style, script and icon contain a hash of their content, so a kept file never changes.
    event.respondWith(caches.match(event.request).then((kept) => kept ?? fetch(event.request)));
  }
});
