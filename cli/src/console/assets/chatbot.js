// The chat: new messages and later answers appear, and a callback URL's time runs down.
"use strict";
{
  const chat = $("chat");

  // A turn that is shown already stays as it is, with what is open in it, unless more is known of it.
  let busy = false;
  let more = false;
  const again = async () => {
    more = busy;
    if (busy) return;
    busy = true;
    const answer = await fetch(location.href).catch(() => null);
    if (answer?.ok) show(new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("chat"));
    busy = false;
    if (more) again();
  };

  function show(then) {
    const turns = [...then.querySelectorAll(".turn")];
    const known = new Map([...chat.querySelectorAll(".turn")].map((turn) => [turn.id, turn]));
    const shown = new Set(turns.map((turn) => turn.id));
    known.forEach((turn, id) => { if (!shown.has(id)) turn.remove(); });
    for (const turn of turns) {
      const old = known.get(turn.id);
      if (!old) chat.append(turn);
      else if (old.dataset.state !== turn.dataset.state) old.replaceWith(turn);
    }
    if (turns.length > 0) chat.querySelector(".empty")?.remove();
    chat.toggleAttribute("data-waiting", then.hasAttribute("data-waiting"));
  }

  let timer;
  const soon = () => { clearTimeout(timer); timer = setTimeout(again, 150); };
  listen("?kind=skill", { open: () => {}, request: soon, cleared: soon, missed: soon });
  setInterval(() => {
    for (const left of chat.querySelectorAll(".left")) {
      left.textContent = String(Math.max(0, Math.ceil((Number(left.dataset.until) - Date.now()) / 1000)));
    }
    if (chat.hasAttribute("data-waiting")) again();
  }, 1000);
}
