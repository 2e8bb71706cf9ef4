// The console's behaviour. Everything shown is written by the server; nothing here makes HTML of data.
"use strict";
const $ = (id) => document.getElementById(id);
const text = document.body.dataset;

function notify(message, bad) {
  const notice = $("notice");
  notice.textContent = message;
  // What went wrong is said by the API, in English.
  notice.lang = bad ? "en" : document.documentElement.lang;
  notice.className = bad ? "notice shown bad" : "notice shown";
  clearTimeout(notify.timer);
  notify.timer = setTimeout(() => { notice.className = "notice"; }, 4000);
}

async function ask(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
    // A question without an answer would be the last one of its page.
    signal: method === "GET" ? AbortSignal.timeout(30000) : undefined,
  });
  if (!answer.ok) {
    const why = await answer.json().catch(() => ({}));
    throw new Error(why.error || String(answer.status));
  }
  return answer;
}

// A page as the server writes it now; null if it can't be read.
async function pageAt(path) {
  try {
    return new DOMParser().parseFromString(await (await ask("GET", path)).text(), "text/html");
  } catch {
    return null;
  }
}

// A function that has `work` done a moment after it is called: once for all calls of that moment, and never twice at the
// same time, so that no older answer overwrites a newer one.
function soon(work, delay = 150) {
  let timer = null;
  let busy = false;
  let more = false;
  const run = async () => {
    clearTimeout(timer);
    timer = null;
    more = busy;
    if (busy) return;
    busy = true;
    try { await work(); } finally { busy = false; }
    if (more) run();
  };
  return () => { timer ??= setTimeout(run, delay); };
}

// What is left of a time runs down.
function countDown() {
  setInterval(() => {
    for (const left of document.querySelectorAll(".left")) {
      left.textContent = String(Math.max(0, Math.ceil((Number(left.dataset.until) - Date.now()) / 1000)));
    }
  }, 500);
}

async function sendAgain(id, changed) {
  try {
    const sent = await (await ask("POST", `/api/events/${id}/send`, changed || {})).json();
    notify(`${text.sent}: ${sent.status}`);
    return sent.id;
  } catch (error) {
    notify(error.message, true);
    return null;
  }
}

// Events of the server, for as long as the page is shown. `catchUp` reads anew what the page shows: when the stream
// opens, since something may have happened after the page was written, and when the stream has left something out.
function listen(query, { catchUp, ...handlers }) {
  const live = $("live");
  const source = new EventSource(`/api/events${query}`);
  source.onopen = () => { live.textContent = text.live; live.className = "live on"; catchUp(); };
  source.onerror = () => { live.textContent = text.disconnected; live.className = "live off"; };
  source.addEventListener("missed", catchUp);
  for (const [name, handler] of Object.entries(handlers)) {
    source.addEventListener(name, (event) => handler(JSON.parse(event.data)));
  }
}

// Which link of a row has the focus: -1 for none. And gives it to the same one of another row.
const focusedIn = (row) => [...(row?.querySelectorAll("a") || [])].indexOf(document.activeElement);
const focusIn = (row, place) => row?.querySelectorAll("a")[place]?.focus();

// Rows in lists of at most 100, of which the browser draws only those in view: the newest first.
class Rows {
  constructor(place) {
    this.place = place;
    this.byId = new Map([...place.querySelectorAll(".row")].map((row) => [Number(row.dataset.id), row]));
  }

  get size() { return this.byId.size; }
  has(id) { return this.byId.has(id); }
  get oldest() { return this.place.lastElementChild?.lastElementChild; }

  clear() {
    this.place.replaceChildren();
    this.byId.clear();
  }

  replace(rows) {
    const focused = document.activeElement.closest?.(".row[data-id]");
    const place = focusedIn(focused);
    this.clear();
    rows.forEach((row) => this.put(row));
    if (place >= 0) focusIn(this.byId.get(Number(focused.dataset.id)), place);
  }

  put(row) {
    const id = Number(row.dataset.id);
    const known = this.byId.get(id);
    this.byId.set(id, row);
    if (known) {
      const place = focusedIn(known);
      known.replaceWith(row);
      focusIn(row, place);
      return;
    }
    const idOf = (one) => Number(one.dataset.id);
    const lists = [...this.place.children];
    const list = lists.find((one) => idOf(one.lastElementChild) < id) || lists.at(-1) || this.newList(null);
    let next = list.firstElementChild;
    if (next && idOf(list.lastElementChild) > id) next = null;
    while (next && idOf(next) > id) next = next.nextElementSibling;
    if (!next && list.childElementCount >= 100) return void this.newList(list.nextElementSibling).append(row);
    list.insertBefore(row, next);
    if (list.childElementCount >= 200) this.newList(list).append(...[...list.children].slice(0, 100));
  }

  newList(before) {
    const list = document.createElement("ol");
    list.className = "rows";
    list.setAttribute("role", "list");
    this.place.insertBefore(list, before);
    return list;
  }

  keep(most) {
    while (this.size > most) {
      const list = this.place.lastElementChild;
      this.byId.delete(Number(list.lastElementChild.dataset.id));
      list.lastElementChild.remove();
      if (list.childElementCount === 0) list.remove();
    }
  }
}

function timeline(place) {
  const filter = new URLSearchParams(new FormData($("filter")));
  const list = new Rows(place);
  const pause = $("pause");
  const pending = new Set();
  let stale = false;
  let paused = false;
  const MOST = 10000;
  const [FIRST, OLDER] = [100, 500];

  const parsed = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return [...template.content.querySelectorAll(".row")];
  };
  const rowsOf = async (more) => {
    const query = new URLSearchParams(filter);
    for (const [name, value] of Object.entries(more)) query.set(name, value);
    return parsed(await (await ask("GET", `/rows?${query}`)).text());
  };
  const showEmpty = () => { $("empty").hidden = list.size > 0; };

  const update = soon(async () => {
    if (paused || !(stale || pending.size > 0)) return;
    const all = stale;
    const ids = [...pending].sort((one, other) => other - one).slice(0, all ? pending.size : 200);
    ids.forEach((id) => pending.delete(id));
    stale = false;
    try {
      const rows = await rowsOf(all ? { limit: FIRST + 1 } : { ids: ids.join(","), limit: 200 });
      if (paused) return putBack(ids, all);
      show(rows, all);
    } catch (error) {
      putBack(ids, all);
      return notify(error.message, true);
    }
    if (pending.size > 0) update();
  }, 50);

  function putBack(ids, all) {
    ids.forEach((id) => pending.add(id));
    stale ||= all;
    showPause();
  }

  function show(rows, all) {
    if (all) {
      list.replace(rows.slice(0, FIRST));
      $("older").hidden = rows.length <= FIRST;
    } else {
      rows.forEach((row) => list.put(row));
    }
    list.keep(MOST);
    showEmpty();
  }

  function showPause() {
    pause.setAttribute("aria-pressed", String(paused));
    // A request in the list of which more is known now is no new one, nor is an old one that the list no longer holds.
    const oldest = list.size < MOST ? 0 : Number(list.oldest.dataset.id);
    const added = [...pending].filter((id) => id > oldest && !list.has(id)).length;
    const count = added > 0 ? ` (${pause.dataset.new.replace("{}", added)})` : "";
    pause.textContent = paused ? pause.dataset.resume + count : pause.dataset.pause;
  }

  pause.onclick = () => { paused = !paused; showPause(); update(); };
  $("clear").onclick = async () => {
    if (confirm($("clear").dataset.question)) await ask("DELETE", "/api/events").catch((error) => notify(error.message, true));
  };
  $("older").onclick = async () => {
    const last = list.oldest?.dataset.id;
    if (!last) return;
    try {
      const rows = await rowsOf({ before: last, limit: OLDER });
      // The list was read anew meanwhile.
      if (list.oldest?.dataset.id !== last) return;
      show(rows, false);
      $("older").hidden = rows.length < OLDER || list.size >= MOST;
    } catch (error) {
      notify(error.message, true);
    }
  };
  $("filter").onchange = (event) => { if (event.target.tagName === "SELECT") $("filter").requestSubmit(); };
  $("filter").onsubmit = () => {
    for (const field of $("filter").elements) if (!field.value) field.disabled = true;
  };

  listen(`?${filter}`, {
    catchUp: () => { stale = true; update(); },
    request: (row) => { pending.add(row.id); if (paused) showPause(); else update(); },
    // An answer may be on its way that still has what was cleared.
    cleared: () => { pending.clear(); list.clear(); showEmpty(); showPause(); stale = true; update(); },
  });
}

// Of one request: what may become known of it later is read anew.
function refresh(id) {
  const parts = [".facts", ...["checks", "way", "logs"].map((name) => `section[aria-labelledby=${name}]`)];
  // As the server wrote them: what is open in them now is the reader's.
  const known = new Map(parts.map((part) => [part, document.querySelector(part)?.innerHTML]));
  const again = soon(async () => {
    const page = await pageAt(location.href);
    if (!page) return;
    for (const part of parts) {
      const [now, then] = [document, page].map((one) => one.querySelector(part));
      if (!now || !then || known.get(part) === then.innerHTML) continue;
      known.set(part, then.innerHTML);
      now.replaceChildren(...then.childNodes);
    }
  });
  listen("", { catchUp: again, request: (row) => { if (row.id === id) again(); } });
}

function move(step) {
  const side = step > 0 ? "nextElementSibling" : "previousElementSibling";
  const row = document.activeElement.closest?.(".row[data-id]");
  const inNextList = () => {
    const list = row.parentElement[side];
    return step > 0 ? list?.firstElementChild : list?.lastElementChild;
  };
  const next = row ? row[side] || inNextList() : document.querySelector(".row[data-id]");
  next?.firstElementChild.focus();
  next?.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", async (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
  const chosen = event.target.closest?.(".row[data-id]")?.dataset.id || $("request")?.dataset.id;
  if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "p") $("pause")?.click();
  else if (event.key === "r" && chosen) await sendAgain(chosen);
  else return;
  event.preventDefault();
});

document.addEventListener("click", async (event) => {
  const copied = event.target.closest("[data-copy]");
  if (!copied) return;
  try {
    await navigator.clipboard.writeText($(copied.dataset.copy).textContent);
    notify(text.copied);
  } catch (error) {
    notify(error.message, true);
  }
});

// The example members of the chosen event, in place of those of the one before.
const eventType = $("event-type");
if (eventType) {
  const members = eventType.form.elements.member;
  let example = eventType.selectedOptions[0].dataset.members;
  eventType.onchange = () => {
    const next = eventType.selectedOptions[0].dataset.members;
    if (members.value === "" || members.value === example) members.value = next;
    example = next;
  };
}

if ($("rows")) timeline($("rows"));
if ($("request")) {
  const id = Number($("request").dataset.id);
  refresh(id);
  $("again").onclick = async () => {
    const sent = await sendAgain(id);
    if (sent) location.href = `/requests/${sent}`;
  };
}
if ($("send")) {
  $("send").onsubmit = async (event) => {
    event.preventDefault();
    const field = (name) => $("send").elements[name].value;
    const headers = field("headers").split("\n").filter((line) => line.includes(":"));
    const sent = await sendAgain($("send").dataset.id, {
      method: field("method"),
      path: field("path"),
      query: field("query"),
      headers: headers.map((line) => [line.slice(0, line.indexOf(":")).trim(), line.slice(line.indexOf(":") + 1).trim()]),
      body: field("body"),
    });
    if (sent) location.href = `/requests/${sent}`;
  };
}
