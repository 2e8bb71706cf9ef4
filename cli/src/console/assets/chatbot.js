// The chat: new messages and later answers appear, and a callback URL's time runs down.
"use strict";
{
  const chat = $("chat");

  // A turn that is shown already stays as it is, with what is open in it, unless more is known of it.
  const again = async () => {
    const answer = await fetch(location.href).catch(() => null);
    if (!answer?.ok) return;
    const then = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("chat");
    const known = new Map([...chat.querySelectorAll(".turn")].map((turn) => [turn.id, turn]));
    const turns = [...then.querySelectorAll(".turn")];
    turns.forEach((turn, index) => {
      const old = known.get(turn.id);
      known.delete(turn.id);
      if (old?.dataset.state === turn.dataset.state) return;
      if (old) old.replaceWith(turn);
      else chat.insertBefore(turn, chat.querySelectorAll(".turn")[index] || null);
    });
    known.forEach((turn) => turn.remove());
    const empty = chat.querySelector(".empty");
    if (turns.length > 0) empty?.remove();
    chat.toggleAttribute("data-waiting", then.hasAttribute("data-waiting"));
  };

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
