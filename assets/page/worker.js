// Shows a page without any data while ROMS does not answer. Nothing else is kept.
const KEPT = ['/offline', 'STYLE', 'SCRIPT', 'ICON'];
const NAME = 'offline-STYLE';
self.addEventListener('install', (event) => event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(KEPT))));
// Navigation preload would send the code of a sign-in at Discord twice: the browser preloads every page.
self.addEventListener('activate', (event) => event.waitUntil(
  caches.keys().then((names) => Promise.all(names.filter((name) => name !== NAME).map((name) => caches.delete(name)))),
));
self.addEventListener('fetch', (event) => {
  // A browser that comes back from Discord brings the cookie of its attempt only without a detour.
  if (new URL(event.request.url).pathname.startsWith('/sign-in/')) return;
  if (event.request.mode === 'navigate') event.respondWith(fetch(event.request).catch(() => caches.match('/offline')));
  else if (KEPT.includes(new URL(event.request.url).pathname)) {
    // Their names change with their content.
    event.respondWith(caches.match(event.request).then((kept) => kept ?? fetch(event.request)));
  }
});
