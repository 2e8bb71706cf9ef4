// The faults: what is left of a fault runs down, and the page follows what changes, unless something is being typed.
"use strict";
{
  let busy = false;
  const again = async () => {
    if (busy || document.hidden) return;
    busy = true;
    try {
      const answer = await fetch("/faults");
      if (!answer.ok) return;
      const other = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const id of ["faults", "counts"]) {
        const [now, then] = [$(id), other.getElementById(id)];
        const typed = now && [...now.querySelectorAll("input")].some((field) => field.value !== field.defaultValue);
        if (now && then && !typed && !now.contains(document.activeElement)) now.replaceChildren(...then.childNodes);
      }
    } catch { /* it is tried again */ } finally { busy = false; }
  };
  setInterval(() => {
    for (const left of document.querySelectorAll(".left")) {
      left.textContent = String(Math.max(0, Math.ceil((Number(left.dataset.until) - Date.now()) / 1000)));
    }
  }, 500);
  setInterval(again, 2000);
  document.addEventListener("visibilitychange", again);
}
