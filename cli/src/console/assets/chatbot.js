// The chat: new messages and later answers appear, and a callback URL's time runs down.
"use strict";
{
  const chat = $("chat");

  // A message that is shown already stays as it is, with what is open in it, unless more is known of it.
  let busy = false;
  let more = false;
  const again = async () => {
    more = busy;
    if (busy) return;
    busy = true;
    try {
      const answer = await fetch(chat.dataset.path);
      if (answer.ok) show(new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("chat"));
    } catch { /* it is tried again */ } finally { busy = false; }
    if (more) again();
  };

  function show(then) {
    const messages = [...then.querySelectorAll(".message")];
    const known = new Map([...chat.querySelectorAll(".message")].map((message) => [message.id, message]));
    const shown = new Set(messages.map((message) => message.id));
    known.forEach((message, id) => { if (!shown.has(id)) message.remove(); });
    for (const message of messages) {
      const old = known.get(message.id);
      if (!old) chat.append(message);
      else if (old.dataset.state !== message.dataset.state) old.replaceWith(message);
    }
    if (messages.length > 0) chat.querySelector(".empty")?.remove();
    chat.toggleAttribute("data-waiting", then.hasAttribute("data-waiting"));
  }

  let timer;
  const soon = () => { clearTimeout(timer); timer = setTimeout(again, 150); };
  listen("?kind=skill", { catchUp: soon, request: soon, cleared: soon });
  setInterval(() => {
    for (const left of chat.querySelectorAll(".left")) {
      left.textContent = String(Math.max(0, Math.ceil((Number(left.dataset.until) - Date.now()) / 1000)));
    }
    if (chat.hasAttribute("data-waiting")) again();
  }, 1000);
}
