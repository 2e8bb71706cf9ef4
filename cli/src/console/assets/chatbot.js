// The chat: new messages and later answers appear, and a callback URL's time runs down.
"use strict";
{
  const chat = $("chat");

  const again = soon(async () => {
    const page = await pageAt(chat.dataset.path);
    if (page) show(page.getElementById("chat"));
  });

  // A message that is shown already stays as it is, with what is open in it, unless more is known of it.
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

  listen("?kind=skill", { catchUp: again, request: again, cleared: again });
  setInterval(() => { if (chat.hasAttribute("data-waiting")) again(); }, 1000);
  countDown();
}
