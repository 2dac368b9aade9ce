// Keeps an open page true. Nothing depends on it: without scripts a page is renewed by reloading it.
"use strict";
(() => {
  const page = document.documentElement;
  if (!("live" in page.dataset) || !window.EventSource || !window.Idiomorph) return;

  // What somebody is typing into, and what they have opened, stays as it is.
  const kept = (old) => old instanceof Element && (old.matches("form[data-typed], [data-keep]") || (old.matches("form") && !old.closest("#ring") && old.contains(document.activeElement)));
  const callbacks = {
    beforeNodeMorphed: (old) => !kept(old),
    beforeNodeRemoved: (old) => !kept(old),
    beforeAttributeUpdated: (name, el) => !(name === "open" && (el.tagName === "DETAILS" || el.tagName === "DIALOG")),
  };
  // It says in whose name it was typed: it is not sent in the name of somebody who signed in here since.
  const signed = (f) => {
    const as = document.querySelector("#top [data-as]")?.dataset.as;
    if (!as || f.getAttribute("method") !== "post" || f.getAttribute("enctype") === "multipart/form-data" || f.querySelector("[name=typed-by]")) return;
    const by = document.createElement("input");
    Object.assign(by, { type: "hidden", name: "typed-by", value: as });
    f.prepend(by);
  };
  document.addEventListener("input", (e) => { const f = e.target.closest("form"); if (f) { signed(f); f.dataset.typed = ""; } });

  // A control that has the focus is known again by what it does, or else another one that now stands in its place would get the focus,
  // and the next key. What is gone takes the focus with it.
  const does = (el) => [el.localName, ...["href", "name", "value", "data-bell"].map((a) => el.getAttribute(a)), el.form?.getAttribute("action"), ...[...(el.form?.elements ?? [])].filter((x) => x.type === "hidden" && x.name !== "typed-by").map((x) => x.value)].join("\n");
  const mark = (from, to) => {
    const el = document.activeElement;
    if (!el || el.id || !from.contains(el)) return () => {};
    const alike = (part) => [...part.querySelectorAll(el.localName)].filter((x) => does(x) === does(el));
    const old = alike(from), fresh = alike(to), known = old.length === fresh.length;
    if (!known && fresh.length > 0) return () => {};
    el.id = "has-the-focus";
    if (known) fresh[old.indexOf(el)].id = el.id;
    return () => document.getElementById("has-the-focus")?.removeAttribute("id");
  };

  // Where the focus goes when the control that had it is gone: to its place in the list, or what comes after or before it there, else to the
  // nearest heading above, and from a call that rings no more to the page.
  const places = (at) => {
    if (!at || at === document.body) return [];
    const out = [], item = at.closest("main li, main tr, main article");
    for (let x = item; x; x = x.nextElementSibling) out.push(x);
    for (let x = item?.previousElementSibling; x; x = x.previousElementSibling) out.push(x);
    const above = [...document.querySelectorAll("main h1, main h2, main h3")].filter((x) => x.compareDocumentPosition(at) & Node.DOCUMENT_POSITION_FOLLOWING).reverse();
    return [...out, ...above, ...document.querySelectorAll("main h1"), document.getElementById("content")];
  };
  const settle = (list) => {
    const to = list.find((x) => x?.isConnected && x.getClientRects().length > 0);
    if (!to || document.activeElement !== document.body && document.activeElement !== null) return;
    if (!to.hasAttribute("tabindex")) {
      to.setAttribute("tabindex", "-1");
      to.addEventListener("blur", () => to.removeAttribute("tabindex"), { once: true });
    }
    to.focus({ preventScroll: true });
    if (outside(to)) to.scrollIntoView({ block: "nearest", behavior: "instant" });
  };

  // What had the focus and could be seen can be seen afterwards, whatever came above it.
  const outside = (el) => { const box = el.getBoundingClientRect(); return box.bottom > innerHeight + 1 || box.top < -1; };

  // Once the session is over the sign-in page comes, but not in place of what somebody has typed.
  const over = () => {
    source.close();
    if (document.querySelector("form[data-typed]")) page.setAttribute("data-lost", ""); else location.reload();
  };

  // What answers a form stays as it is, unless it says where it is found again; it rings all the same.
  const { answer } = page.dataset, parts = answer === "" ? ["ring"] : ["ring", "top", "content", "foot"];
  const rings = /^☎ .*? · /u;

  let busy = false, again = false, pressed = false;
  const renew = async () => {
    if (busy || pressed) { again = true; return; }
    busy = true;
    try {
      const got = await fetch(answer === undefined ? location.href : answer || "/", { headers: { "X-Live": "1" }, credentials: "same-origin" });
      if (got.status === 401) { over(); return; }
      if (!got.ok) return;
      if (pressed) { again = true; return; }
      const fresh = new DOMParser().parseFromString(await got.text(), "text/html");
      const at = document.activeElement, seen = at?.closest("main *, #ring *") && !outside(at), then = places(at);
      for (const id of parts) {
        const from = document.getElementById(id), to = fresh.getElementById(id);
        if (!from || !to) continue;
        const unmark = mark(from, to);
        window.Idiomorph.morph(from, to, { morphStyle: "outerHTML", ignoreActiveValue: true, callbacks });
        unmark();
      }
      if (at && !at.isConnected) settle(then);
      if (seen && at === document.activeElement && outside(at)) at.scrollIntoView({ block: "nearest", behavior: "instant" });
      document.title = answer === "" ? (rings.exec(fresh.title) ?? [""])[0] + document.title.replace(rings, "") : fresh.title;
      document.dispatchEvent(new Event("entente:renewed"));
    } catch { /* the node cannot be reached: the connection below says so */ } finally {
      busy = false;
      more();
    }
  };
  const more = () => { if (again && !busy && !pressed) { again = false; renew(); } };

  // Nothing moves away from under a finger: a press and its release on two things is no click.
  document.addEventListener("pointerdown", () => { pressed = true; }, true);
  for (const up of ["pointerup", "pointercancel"]) document.addEventListener(up, () => setTimeout(() => { pressed = false; more(); }), true);

  const source = new EventSource("/live?since=" + page.dataset.live);
  source.addEventListener("changed", renew);
  source.addEventListener("over", over);
  source.addEventListener("open", () => page.removeAttribute("data-lost"));
  source.addEventListener("error", () => page.setAttribute("data-lost", ""));
  document.addEventListener("entente:zone", renew);
  // Clocks go on where nothing changes.
  setInterval(() => { if (!document.hidden) renew(); }, 60000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) renew(); });
})();
