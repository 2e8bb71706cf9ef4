// The console's behaviour. Everything shown is written by the server; nothing here makes HTML of data.
"use strict";
const $ = (id) => document.getElementById(id);
const text = document.body.dataset;

function notify(message, bad) {
  const notice = $("notice");
  notice.textContent = message;
  notice.className = bad ? "notice shown bad" : "notice shown";
  clearTimeout(notify.timer);
  notify.timer = setTimeout(() => { notice.className = "notice"; }, 4000);
}

async function ask(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!answer.ok) {
    const why = await answer.json().catch(() => ({}));
    throw new Error(why.error || String(answer.status));
  }
  return answer;
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

// Events of the server, for as long as the page is shown.
function listen(query, handlers) {
  const live = $("live");
  const source = new EventSource(`/api/events${query}`);
  source.onopen = () => { live.textContent = text.live; live.className = "live on"; handlers.open(); };
  source.onerror = () => { live.textContent = text.disconnected; live.className = "live off"; };
  for (const [name, handler] of Object.entries(handlers)) {
    if (name !== "open") source.addEventListener(name, (event) => handler(JSON.parse(event.data)));
  }
}

function timeline(list) {
  const filter = new URLSearchParams(new FormData($("filter")));
  const pause = $("pause");
  const pending = new Set();
  let paused = false;
  let busy = false;
  let first = true;
  const MOST = 10000;

  const rowOf = (id) => list.querySelector(`[data-id="${id}"]`);
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
  const showEmpty = () => { $("empty").hidden = list.childElementCount > 0; };

  function put(rows) {
    for (const row of rows) {
      const known = rowOf(row.dataset.id);
      if (known) {
        const focused = known.contains(document.activeElement);
        known.replaceWith(row);
        if (focused) row.firstElementChild.focus();
        continue;
      }
      let next = list.firstElementChild;
      while (next && Number(next.dataset.id) > Number(row.dataset.id)) next = next.nextElementSibling;
      list.insertBefore(row, next);
    }
    while (list.childElementCount > MOST) list.lastElementChild.remove();
    showEmpty();
  }

  async function flush() {
    if (busy || paused || pending.size === 0) return;
    busy = true;
    try {
      const ids = [...pending].sort((one, other) => other - one).slice(0, 200);
      ids.forEach((id) => pending.delete(id));
      put(await rowsOf({ ids: ids.join(","), limit: 200 }));
    } catch (error) {
      notify(error.message, true);
    }
    busy = false;
    if (pending.size > 0) setTimeout(flush, 100);
  }

  async function reload() {
    pending.clear();
    try {
      const rows = await rowsOf({});
      list.replaceChildren(...rows);
      showEmpty();
    } catch (error) {
      notify(error.message, true);
    }
  }

  function showPause() {
    pause.setAttribute("aria-pressed", String(paused));
    const count = pending.size > 0 ? ` (${pending.size} ${pause.dataset.new})` : "";
    pause.textContent = paused ? pause.dataset.resume + count : pause.dataset.pause;
  }

  pause.onclick = () => { paused = !paused; showPause(); flush(); };
  $("clear").onclick = async () => {
    if (confirm($("clear").dataset.question)) await ask("DELETE", "/api/events").catch((error) => notify(error.message, true));
  };
  $("older").onclick = async () => {
    const last = list.lastElementChild;
    if (!last) return;
    const rows = await rowsOf({ before: last.dataset.id, limit: 500 });
    list.append(...rows);
    $("older").hidden = rows.length < 500 || list.childElementCount >= MOST;
  };
  $("filter").onchange = (event) => { if (event.target.tagName === "SELECT") $("filter").requestSubmit(); };
  $("filter").onsubmit = () => {
    for (const field of $("filter").elements) if (!field.value) field.disabled = true;
  };

  listen(`?${filter}`, {
    open: () => { if (!first && !paused) reload(); first = false; },
    request: (row) => { pending.add(row.id); if (paused) showPause(); else setTimeout(flush, 50); },
    cleared: () => { pending.clear(); list.replaceChildren(); showEmpty(); showPause(); },
    missed: () => { if (!paused) reload(); },
  });
}

// Of one request: its page is read anew when more is known of it.
function refresh(id) {
  let timer;
  const again = async () => {
    const answer = await fetch(location.href);
    if (!answer.ok) return;
    const other = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const name of ["checks", "way", "logs"]) {
      const [now, then] = [document, other].map((page) => page.getElementById(name)?.parentElement);
      if (now && then) now.replaceChildren(...then.childNodes);
    }
    const [now, then] = [document, other].map((page) => page.querySelector(".facts"));
    if (now && then) now.replaceWith(then);
  };
  listen("", {
    open: () => {},
    request: (row) => {
      if (row.id === id) { clearTimeout(timer); timer = setTimeout(again, 150); }
    },
  });
}

function move(step) {
  const links = [...document.querySelectorAll(".rows .row > a")];
  if (links.length === 0) return;
  const at = links.indexOf(document.activeElement);
  const next = links[Math.max(0, Math.min(links.length - 1, at + step))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
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
