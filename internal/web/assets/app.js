// Keeps an open page true. Nothing depends on it: without scripts a page is renewed by reloading it.
"use strict";
(() => {
  const page = document.documentElement;
  if (!("live" in page.dataset) || !window.EventSource || !window.Idiomorph) return;

  // What somebody is typing into, and what they have opened, stays as it is.
  const kept = (old) => old instanceof Element && (old.matches("form[data-typed], [data-keep]") || (old.matches("form") && old.contains(document.activeElement)));
  const callbacks = {
    beforeNodeMorphed: (old) => !kept(old),
    beforeNodeRemoved: (old) => !kept(old),
    beforeAttributeUpdated: (name, el) => !(name === "open" && (el.tagName === "DETAILS" || el.tagName === "DIALOG")),
  };
  document.addEventListener("input", (e) => { const f = e.target.closest("form"); if (f) f.dataset.typed = ""; });

  // Once the session is over the sign-in page comes, but not in place of what somebody has typed.
  const over = () => {
    source.close();
    if (document.querySelector("form[data-typed]")) page.setAttribute("data-lost", ""); else location.reload();
  };

  let busy = false, again = false;
  const renew = async () => {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { "X-Live": "1" }, credentials: "same-origin" });
      if (answer.status === 401) { over(); return; }
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const id of ["top", "content", "foot"]) {
        const from = document.getElementById(id), to = fresh.getElementById(id);
        if (from && to) window.Idiomorph.morph(from, to, { morphStyle: "outerHTML", ignoreActiveValue: true, callbacks });
      }
      document.title = fresh.title;
      document.dispatchEvent(new Event("entente:renewed"));
    } catch { /* the node cannot be reached: the connection below says so */ } finally {
      busy = false;
      if (again) { again = false; renew(); }
    }
  };

  const source = new EventSource("/live");
  source.addEventListener("changed", renew);
  source.addEventListener("over", over);
  source.addEventListener("open", () => page.removeAttribute("data-lost"));
  source.addEventListener("error", () => page.setAttribute("data-lost", ""));
  // Clocks go on where nothing changes.
  setInterval(() => { if (!document.hidden) renew(); }, 60000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) renew(); });
})();
