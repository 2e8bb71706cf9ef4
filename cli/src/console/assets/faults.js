// The faults: what is left of a fault runs down, and the page follows what changes, unless something is being typed.
"use strict";
{
  const again = soon(async () => {
    if (document.hidden) return;
    const page = await pageAt("/faults");
    if (!page) return;
    for (const id of ["faults", "counts"]) {
      const [now, then] = [$(id), page.getElementById(id)];
      const typed = now && [...now.querySelectorAll("input")].some((field) => field.value !== field.defaultValue);
      if (now && then && !typed && !now.contains(document.activeElement)) now.replaceChildren(...then.childNodes);
    }
  });
  countDown();
  setInterval(again, 2000);
  document.addEventListener("visibilitychange", again);
}
