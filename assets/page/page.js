// The page's own script: live rows, keyboard, and times and money in the reader's language. Everything else is HTML.
(() => {
  'use strict';

  // Trusted Types: only htmx may turn text into elements, and only text that this server's templates have escaped.
  // Swapped content never contains a script.
  const policy = window.trustedTypes?.createPolicy('roms', {
    createHTML: (html) => html,
    createScript: () => '',
    createScriptURL: (url) => (url === '/worker.js' ? url : ''),
  }) ?? { createHTML: (html) => html, createScript: () => '', createScriptURL: (url) => url };
  const refuse = function () { return { call: () => undefined }; };
  htmx.registerExtension('roms', { init: (api) => api.initSecurity(policy, refuse, refuse) });

  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const zone = document.documentElement.dataset.zone;

  // ---- Times and money in the reader's language ----
  const dayAndTime = new Intl.DateTimeFormat(undefined, { timeZone: zone, dateStyle: 'medium', timeStyle: 'short' });
  const recently = new Intl.DateTimeFormat(undefined, { timeZone: zone, month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit' });
  const exact = new Intl.DateTimeFormat(undefined, { timeZone: zone, dateStyle: 'full', timeStyle: 'long' });
  const dayOnly = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeZone: 'UTC' });
  const count = new Intl.NumberFormat();
  const moneyFormats = new Map();
  const money = (value, currency) => {
    if (!moneyFormats.has(currency)) {
      const options = currency ? { style: 'currency', currency } : { minimumFractionDigits: 2 };
      moneyFormats.set(currency, new Intl.NumberFormat(undefined, options));
    }
    return moneyFormats.get(currency).format(value);
  };
  const localize = (root) => {
    for (const time of $$('time[datetime]:not([title])', root)) {
      const isDay = time.dateTime.length === 10;
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.valueOf())) continue;
      const isRecent = Math.abs(Date.now() - at) < 300 * 86400000;
      time.textContent = (isDay ? dayOnly : isRecent ? recently : dayAndTime).format(at);
      time.title = isDay ? time.dateTime : exact.format(at);
    }
    for (const amount of $$('data[value]:not([data-done])', root)) {
      const { currency } = amount.dataset;
      amount.textContent = currency === undefined ? count.format(amount.value) : money(amount.value, currency);
      amount.dataset.done = '';
    }
  };

  // ---- Messages ----
  const toast = (text, button) => {
    for (const shown of $$('.toast')) if (shown.firstChild.data === text) shown.remove();
    const box = document.createElement('div');
    box.className = 'toast';
    box.setAttribute('role', 'status');
    box.append(text);
    if (button) box.append(button);
    $('.toasts')?.append(box);
    setTimeout(() => box.remove(), button ? 15000 : 5000);
  };
  // Reloading leads to the sign-in form and back to this page. While an order is edited, the page stays, to keep the entries.
  const signedOut = () => {
    if (!$('#order[data-editing]')) return location.reload();
    if ($('.toast .sign-in')) return;
    const link = Object.assign(document.createElement('a'), { href: '/sign-in', target: '_blank', className: 'sign-in', textContent: 'Sign in' });
    toast('You are signed out. Sign in in another tab, then save.', link);
  };
  document.addEventListener('htmx:response:error', (event) => {
    const { ctx } = event.detail;
    if (ctx.response.status === 401) return signedOut();
    const doc = new DOMParser().parseFromString(policy.createHTML(ctx.text ?? ''), 'text/html');
    toast($('#message', doc)?.textContent ?? `ROMS answered ${ctx.response.status}.`);
  });
  let hasFailed = false;
  document.addEventListener('htmx:error', () => {
    hasFailed = true;
    toast('ROMS does not answer. The page tries again by itself.');
  });

  // ---- Requests ----
  // The URL of a view names only the filters that are set.
  document.addEventListener('htmx:config:request', (event) => {
    const { request } = event.detail.ctx;
    if (request.method !== 'GET' || !request.body) return;
    for (const [name, value] of [...request.body]) if (value === '') request.body.delete(name);
  });

  // ---- Live rows ----
  const MOST_HELD = 200;
  const TYPING_MS = 1500;
  // Milliseconds from a change to reading the totals again. After a slow answer, wait TOTALS_SHARE times as long as it took.
  const TOTALS_MS = 3000;
  const TOTALS_SHARE = 10;
  // Up to MOST_AT_ONCE rows appear one by one in each interval; the others appear together at its end.
  const HELD_MS = 400;
  const MOST_AT_ONCE = 8;
  let held = new Map();
  let connected = null;
  let pausedByHand = false;
  let typedAt = 0;
  let totalsTimer = null;
  let totalsWait = TOTALS_MS;
  let areTotalsOld = false;
  let arrived = 0;

  const rows = () => $('#rows');
  const mustHold = () => {
    if (pausedByHand || document.hidden) return true;
    const list = rows();
    if (!list) return false;
    if ('sorted' in list.dataset) return true;
    if (list.getBoundingClientRect().top < -40) return true;
    if ($('.chosen', list)) return true;
    const selection = getSelection();
    if (selection.type === 'Range' && list.contains(selection.anchorNode)) return true;
    return Date.now() - typedAt < TYPING_MS;
  };
  const showLight = () => {
    const light = $('#light');
    if (!light) return;
    const state = connected === false || !navigator.onLine ? 'offline' : connected === null ? 'waiting'
      : pausedByHand || held.size && mustHold() ? 'paused' : 'live';
    light.dataset.state = state;
    light.textContent = { offline: 'Offline', paused: 'Paused', live: 'Live', waiting: 'Connecting' }[state];
  };
  const showHeld = () => {
    const bar = $('#held');
    if (!bar) return;
    bar.hidden = held.size === 0 || !mustHold();
    const size = held.size >= MOST_HELD ? `${MOST_HELD}+` : held.size;
    $('button', bar).textContent = `${size} new`;
    showLight();
  };
  const apply = (data) => htmx.swap({ text: data, target: rows(), swap: 'none', sourceElement: $('#live'), request: {}, response: {} });
  const trim = () => {
    const list = rows();
    const most = Number(list?.dataset.limit ?? 0) * 2;
    while (most && list.children.length > most) list.lastElementChild.remove();
    const next = $('#next');
    if (next && list?.lastElementChild && !('sorted' in list.dataset)) {
      const url = new URL(next.href);
      url.searchParams.set('before', list.lastElementChild.dataset.id);
      next.href = url.pathname + url.search;
    }
    const empty = $('#empty');
    if (empty) empty.hidden = list.children.length > 0;
  };
  const refreshTotals = () => {
    areTotalsOld = true;
    totalsTimer ??= setTimeout(async () => {
      areTotalsOld = false;
      const asked = Date.now();
      try {
        const parts = document.hidden ? [] : $$('[data-refresh]');
        // The server sends the part alone, without the list.
        const path = (part) => { const url = new URL(location.href); url.searchParams.set('part', part.dataset.refresh); return url.pathname + url.search; };
        await Promise.allSettled(parts.map((part) => htmx.ajax('GET', path(part), { target: part, swap: 'outerHTML', source: part })));
      } finally {
        // A busy server is asked less often, also when it fails.
        totalsWait = Math.max(TOTALS_MS, TOTALS_SHARE * (Date.now() - asked));
        totalsTimer = null;
        // A change may have come during the request.
        if (areTotalsOld) refreshTotals();
      }
    }, totalsWait);
  };
  const release = async () => {
    const waiting = held;
    held = new Map();
    showHeld();
    if (waiting.size >= MOST_HELD || 'sorted' in rows().dataset) {
      return htmx.ajax('GET', location.pathname + location.search, { target: '#results', select: '#results', swap: 'outerHTML', source: $('#results') });
    }
    await apply([...waiting.values()].join(''));
    trim();
    refreshTotals();
  };
  document.addEventListener('htmx:sse:before:message', (event) => {
    const { message } = event.detail;
    if (message.event === 'import_finished') {
      const { changed } = JSON.parse(message.data);
      const show = Object.assign(document.createElement('button'), { textContent: 'Show' });
      show.addEventListener('click', () => location.reload());
      toast(`An import has changed orders: ${changed}.`, show);
    }
    if (message.event) return;
    const list = rows();
    const id = /id="(o\d+)"/.exec(message.data)?.[1];
    const order = $('#order');
    if (order) {
      event.preventDefault();
      if (order.dataset.order !== id) return;
      if ('editing' in order.dataset) toast('Somebody changed this order just now.');
      else htmx.ajax('GET', location.pathname, { target: '#order', select: '#order', swap: 'outerHTML', source: order });
      return;
    }
    const shown = id && document.getElementById(id);
    const oldest = Number(list?.lastElementChild?.dataset.id ?? 0);
    // A changed order of a later page.
    if (!shown && $('#next') && !('sorted' in list.dataset) && Number(id?.slice(1)) < oldest) return event.preventDefault();
    if (!shown && message.data.startsWith('<hx-partial')) return event.preventDefault();
    const busy = shown && (shown.classList.contains('chosen') || shown.contains(getSelection().anchorNode) && getSelection().type === 'Range');
    arrived += 1;
    if ((!shown || busy) && mustHold() || arrived > MOST_AT_ONCE) {
      event.preventDefault();
      if (held.size < MOST_HELD || held.has(id)) held.set(id, message.data);
      showHeld();
    }
  });
  document.addEventListener('htmx:sse:after:message', (event) => {
    if (event.detail.message.event) return;
    trim();
    refreshTotals();
  });
  const setConnected = (value) => () => { connected = value; showLight(); };
  document.addEventListener('htmx:sse:after:connection', () => {
    setConnected(true)();
    // Repeat the search or filter, which may have got no answer.
    if (hasFailed) $('#filters')?.dispatchEvent(new Event('change', { bubbles: true }));
    hasFailed = false;
  });
  document.addEventListener('htmx:sse:error', (event) => {
    if (event.detail.status === 401) signedOut();
    setConnected(false)();
  });
  document.addEventListener('htmx:sse:before:connection', (event) => {
    if (event.detail.connection.attempt > 0 && !document.hidden) setConnected(false)();
  });
  document.addEventListener('htmx:before:request', (event) => {
    // Do not load newer messages while the reader is scrolling, selecting or typing, so that nothing moves.
    if (event.target.id === 'newer' && mustHold()) return event.preventDefault();
    // A new list shows everything that was held.
    if (event.detail.ctx.target?.id === 'results') held = new Map();
  });
  addEventListener('online', showLight);
  addEventListener('offline', showLight);
  addEventListener('keydown', (event) => { if (event.target.matches('input, textarea, select')) typedAt = Date.now(); }, true);
  setInterval(() => {
    arrived = 0;
    if (held.size && !mustHold()) release();
  }, HELD_MS);

  // ---- Clicks ----
  document.addEventListener('click', (event) => {
    const { target } = event;
    if (target.closest('#held button')) {
      scrollTo({ top: 0 });
      release();
      return;
    }
    if (target.closest('#light')) {
      pausedByHand = !pausedByHand;
      if (!pausedByHand) release();
      showLight();
      return;
    }
    const copy = target.closest('[data-copy]');
    if (copy) {
      navigator.clipboard.writeText(copy.dataset.copy).then(() => toast('Copied.'), () => toast('The browser does not allow copying.'));
      return;
    }
    const question = target.closest('[data-confirm]');
    if (question && !confirm(question.dataset.confirm)) return event.preventDefault();
    if (target.closest('#theme')) return switchTheme();
    if (target.closest('#help')) return $('#keys').showModal();
    const close = target.closest('[data-close]');
    if (close) return close.closest('dialog').close();
    const row = target.closest('#rows > tr');
    if (row) mark(row);
    if (row && !target.closest('a, button, input, label, .tools') && getSelection().type !== 'Range') {
      const link = $('a[href]:not([target])', row);
      if (link && (event.ctrlKey || event.metaKey)) open(link.href); else link?.click();
    }
  });
  document.addEventListener('click', (event) => {
    for (const menu of $$('details.menu[open]')) if (!menu.contains(event.target)) menu.open = false;
  });

  const switchTheme = () => {
    const root = document.documentElement;
    const isDark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = isDark ? 'light' : 'dark';
    document.cookie = `theme=${root.dataset.theme}; Path=/; Max-Age=31536000; SameSite=Lax`;
  };

  // A menu gives the focus to its field, and back to its heading when it closes.
  document.addEventListener('toggle', (event) => {
    if (event.target.matches?.('details.menu[open]')) $('[data-first]', event.target)?.focus();
  }, true);

  // ---- Columns ----
  document.addEventListener('click', (event) => {
    const up = event.target.closest('[data-up]');
    if (up) {
      const item = up.closest('li');
      item.previousElementSibling?.before(item);
      up.focus();
    }
    if (event.target.closest('#show-columns')) {
      const names = $$('#columns input:checked').map((box) => box.value).join(',');
      document.cookie = `columns=${names}; Path=/; Max-Age=31536000; SameSite=Lax`;
      const url = new URL(location.href);
      url.searchParams.set('columns', names);
      location.href = url.href;
    }
  });

  // ---- Files ----
  // A file that is dropped on the form goes into its input.
  const takeFile = (event) => {
    const input = $('input[type=file]', event.target.closest?.('form') ?? document.createElement('form'));
    if (!input || !event.dataTransfer.types.includes('Files')) return;
    event.preventDefault();
    if (event.type === 'dragover') return;
    if (event.dataTransfer.files.length === 1) input.files = event.dataTransfer.files;
    else toast('Drop one file at a time.');
  };
  document.addEventListener('dragover', takeFile);
  document.addEventListener('drop', takeFile);

  // ---- Many at once ----
  let lastPicked = null;
  let allOfFilter = false;
  const picked = () => $$('#rows > tr').filter((row) => $('.pick input', row)?.checked);
  const showPicked = () => {
    const bar = $('#bulk');
    if (!bar) return;
    const chosen = picked();
    for (const row of $$('#rows > tr')) row.classList.toggle('chosen', chosen.includes(row));
    bar.hidden = chosen.length === 0;
    const { total } = $('#totals').dataset;
    const tooMany = Number(total) > Number(bar.dataset.most);
    if (chosen.length < $$('#rows > tr').length) allOfFilter = false;
    $('#picked').textContent = `${allOfFilter ? total : chosen.length} chosen`;
    const more = $('#pick-filter');
    more.hidden = allOfFilter || chosen.length < $$('#rows > tr').length || Number(total) <= chosen.length;
    more.disabled = tooMany;
    more.textContent = tooMany ? `At most ${bar.dataset.most} at once: narrow the filter` : `All ${total} of this filter`;
  };
  const send = async (path, body) => {
    const response = await fetch(path, { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json', 'HX-Request': 'true' } });
    const text = await response.text();
    if (response.ok) return JSON.parse(text);
    const doc = new DOMParser().parseFromString(policy.createHTML(text), 'text/html');
    toast([$('#message', doc)?.textContent, $('#detail', doc)?.textContent].filter(Boolean).join('. ') || `ROMS answered ${response.status}.`);
    return null;
  };
  const reload = () => htmx.ajax('GET', location.pathname + location.search, { target: '#results', select: '#results', swap: 'outerHTML', source: $('#results') });
  const change = async (what) => {
    const chosen = allOfFilter ? { filter: $('#bulk').dataset.query } : { orders: picked().map((row) => Number(row.dataset.id)) };
    const result = await send('/bulk', { ...chosen, ...what });
    if (!result) return;
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = 'Undo';
    button.addEventListener('click', async () => {
      button.closest('.toast').remove();
      const undone = await send('/bulk/undo', result.undo);
      if (undone) toast(`Undone for ${undone.changed}${undone.failed ? `, ${undone.failed} had changed again` : ''}.`);
      reload();
    });
    const failed = result.failed ? `, ${result.failed} not` : '';
    toast(`Changed ${result.changed}${failed}.`, result.changed ? button : null);
    allOfFilter = false;
    reload();
  };
  document.addEventListener('change', (event) => {
    const { target } = event;
    if (target.id === 'pick-all') for (const box of $$('#rows .pick input')) box.checked = target.checked;
    if (target.id === 'bulk-status' && target.value) {
      change({ set: { status: target.value } });
      target.value = '';
    }
    if (target.closest('#columns')) event.stopPropagation();
    if (target.closest('.pick')) {
      event.stopPropagation();
      showPicked();
    }
  }, true);
  document.addEventListener('click', (event) => {
    const { target } = event;
    if (target.matches('#rows .pick input')) {
      const all = $$('#rows > tr');
      const at = all.indexOf(target.closest('tr'));
      const from = lastPicked ? all.indexOf(lastPicked) : -1;
      if (event.shiftKey && from >= 0) {
        for (const row of all.slice(Math.min(at, from), Math.max(at, from) + 1)) $('.pick input', row).checked = target.checked;
      }
      lastPicked = all[at];
      showPicked();
    }
    if (target.closest('#pick-filter')) { allOfFilter = true; showPicked(); }
    if (target.closest('#pick-none')) {
      for (const box of $$('.pick input')) box.checked = false;
      allOfFilter = false;
      showPicked();
    }
    const list = target.closest('[data-list]');
    if (list) {
      const values = picked().map((row) => row.dataset[list.dataset.list]).filter(Boolean);
      navigator.clipboard.writeText(values.join('\n')).then(() => toast(`Copied ${values.length}.`), () => toast('The browser does not allow copying.'));
    }
    const action = target.closest('[data-bulk]')?.dataset.bulk;
    if (action === 'received') change({ received: true });
    else if (action === 'cancel' && confirm('Cancel the chosen orders?')) change({ set: { status: 'cancelled' } });
    else if (action === 'tracking_number' || action === 'notes') {
      const value = prompt(action === 'notes' ? 'Notes of the chosen orders' : 'Tracking number of the chosen orders');
      if (value !== null) change({ set: { [action]: value } });
    }
  });
  document.addEventListener('htmx:after:swap', showPicked);

  // ---- Keyboard ----
  let goTyped = false;
  // The row that the reader works on. It is marked again after a change, and after the way back from its page.
  let marked = null;
  const mark = (row) => {
    $('#rows > tr.at')?.classList.remove('at');
    row?.classList.add('at');
    marked = row?.id ?? null;
    sessionStorage.setItem('row', marked ?? '');
  };
  const markAgain = () => {
    const row = marked && document.getElementById(marked);
    if (row && !$('#rows > tr.at')) row.classList.add('at');
  };
  document.addEventListener('htmx:after:swap', markAgain);
  const move = (by) => {
    const all = $$('#rows > tr');
    const at = all.findIndex((row) => row.classList.contains('at'));
    const next = all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + by))];
    mark(next);
    next?.scrollIntoView({ block: 'nearest' });
  };
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const typing = event.target.matches('input:not([type=checkbox]), textarea, select');
    if (event.key === 'Escape') {
      if (typing) event.target.blur();
      if (!typing) mark(null);
      for (const menu of $$('details.menu[open]')) {
        menu.open = false;
        if (menu.contains(event.target)) $('summary', menu).focus();
      }
      return;
    }
    if (event.key === 'Enter' && event.target.id === 'search') {
      // From the search to its first row.
      event.preventDefault();
      event.target.blur();
      mark(null);
      return move(0);
    }
    if (typing || $('dialog[open]')) return;
    if (goTyped) {
      goTyped = false;
      const link = $(`.side nav a[data-key="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); link.click(); }
      return;
    }
    const actions = {
      '/': () => { const search = $('#search'); if (search) { search.focus(); search.select(); } else location.href = '/orders'; },
      j: () => move(1),
      k: () => move(-1),
      x: () => $('#rows > tr.at .pick input')?.click(),
      c: () => $('#rows > tr.at .tools [data-copy]')?.click(),
      d: () => $('#rows > tr.at .tools a')?.click(),
      Enter: () => $('#rows > tr.at a[href]:not([target])')?.click(),
      g: () => { goTyped = true; },
      '?': () => $('#keys')?.showModal(),
    };
    const action = actions[event.key];
    if (!action || event.key === 'Enter' && event.target.matches('a, button, summary, input')) return;
    event.preventDefault();
    action();
  });

  // ---- Start ----
  document.addEventListener('DOMContentLoaded', () => {
    localize(document);
    if (performance.getEntriesByType('navigation')[0]?.type === 'back_forward') marked = sessionStorage.getItem('row');
    markAgain();
    new MutationObserver((changes) => {
      for (const change of changes) for (const node of change.addedNodes) if (node.nodeType === 1) localize(node.parentNode ?? node);
    }).observe(document.body, { childList: true, subtree: true });
    showLight();
    navigator.serviceWorker?.register(policy.createScriptURL('/worker.js')).catch(() => {});
  });
})();
