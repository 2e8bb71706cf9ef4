// The faults: what is left of a fault runs down, and the page follows what changes, unless something is being typed.
"use strict";
{
  const again = soon(async () => {
    if (document.hidden) return;
    const page = await pageAt("/faults");
    for (const id of ["faults", "counts"]) {
      const [now, then] = [$(id), page.getElementById(id)];
      const typed = now && [...now.querySelectorAll("input")].some((field) => field.value !== field.defaultValue);
      if (now && then && !typed && !now.contains(document.activeElement)) now.replaceChildren(...then.childNodes);
    }
  });
  setInterval(() => {
    for (const left of document.querySelectorAll(".left")) {
      left.textContent = String(Math.max(0, Math.ceil((Number(left.dataset.until) - Date.now()) / 1000)));
    }
  }, 500);
  setInterval(again, 2000);
  document.addEventListener("visibilitychange", again);
}
