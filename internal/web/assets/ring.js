// Makes a call heard: a sound, a notice on the desktop, a flag on the page. What rings stands in the page itself, in
// #ring; without scripts it is read there. Whether this browser rings is its own affair, and remembered here.
"use strict";
(() => {
  const page = document.documentElement;
  const recall = (name) => { try { return JSON.parse(localStorage.getItem("entente-" + name)); } catch { return null; } };
  const remember = (name, value) => { try { localStorage.setItem("entente-" + name, JSON.stringify(value)); } catch { /* a browser that keeps nothing rings as long as its page is open */ } };
  const noted = (name) => { const list = recall(name); return Array.isArray(list) ? list : []; };
  const note = (name, key) => remember(name, [...noted(name).filter((x) => x !== key), key].slice(-50));
  let wanted = recall("ring") === true;

  // The sound is made here: two tones as a telephone has them for what is live, one low tone for a drill. It is one
  // piece that repeats by itself, since timers of a page that nobody looks at are slow.
  const bursts = { live: { length: 3, tones: [440, 480], at: [0, 0.6], lasts: 0.4 }, drill: { length: 5, tones: [330], at: [0], lasts: 0.5 } };
  const pieces = {};
  let audio = null, playing = null, kind = "", held = false, letGo = null;
  const device = () => {
    const Audio = window.AudioContext || window.webkitAudioContext;
    if (!audio && Audio) { audio = new Audio(); audio.addEventListener("statechange", () => update()); }
    return audio;
  };
  const piece = (name) => {
    if (pieces[name]) return pieces[name];
    const { length, tones, at, lasts } = bursts[name], rate = audio.sampleRate;
    const buffer = audio.createBuffer(1, Math.round(length * rate), rate), wave = buffer.getChannelData(0);
    for (const start of at) {
      for (let i = 0; i < lasts * rate; i++) {
        const s = i / rate, edge = Math.min(1, s / 0.02, (lasts - s) / 0.05);
        for (const f of tones) wave[Math.round(start * rate) + i] += edge * 0.25 / tones.length * Math.sin(2 * Math.PI * f * s);
      }
    }
    return (pieces[name] = buffer);
  };
  const play = (name, loop) => {
    const source = audio.createBufferSource();
    source.buffer = piece(name);
    source.loop = loop;
    source.connect(audio.destination);
    source.start();
    return source;
  };
  const stop = () => { if (playing) { playing.stop(); playing = null; } };

  // Of several open pages one rings: who holds the lock.
  const begin = () => { if (kind && !playing) playing = play(kind, true); update(); };
  const ring = (name) => {
    if (name === kind) return;
    stop();
    kind = name;
    if (!name) { if (letGo) letGo(); letGo = null; held = false; return; }
    held ||= !navigator.locks;
    if (held) { begin(); return; }
    if (letGo) return; // its turn will come
    let given;
    const over = new Promise((done) => { given = done; }), away = new AbortController();
    letGo = () => { away.abort(); given(); };
    navigator.locks.request("entente-ring", { signal: away.signal }, () => { held = true; begin(); return over; }).catch(() => { /* it was over before this page's turn came */ });
  };

  const notices = new Map();
  const tell = (calls) => {
    const here = new Set(calls.map((c) => c.dataset.ring));
    for (const [key, n] of notices) if (!here.has(key)) { n.close(); notices.delete(key); }
    if (!wanted || !("Notification" in window) || Notification.permission !== "granted") return;
    for (const c of calls) {
      const key = c.dataset.ring;
      if (noted("told").includes(key)) continue;
      note("told", key);
      try {
        const n = new Notification(c.querySelector("[data-who]").textContent, { body: c.querySelector("[data-about]").textContent, tag: key, lang: page.lang, requireInteraction: !("drill" in c.dataset) });
        const to = c.querySelector("a").href;
        n.addEventListener("click", () => { window.focus(); location.assign(to); n.close(); });
        notices.set(key, n);
      } catch { /* a browser that only lets workers do this */ }
    }
  };

  const update = () => {
    const calls = [...document.querySelectorAll("#ring [data-ring]")];
    const quiet = noted("quiet"), loud = calls.filter((c) => !quiet.includes(c.dataset.ring));
    const of = (list) => list.length === 0 ? "" : list.some((c) => !("drill" in c.dataset)) ? "live" : "drill";
    if (calls.length) page.dataset.ringing = of(calls); else delete page.dataset.ringing;
    tell(calls);
    const awake = wanted && device() && audio.state === "running";
    ring(awake ? of(loud) : "");
    if (playing) page.dataset.sound = kind; else delete page.dataset.sound;
    const show = { allow: !wanted, test: wanted, deny: wanted, asleep: wanted && !awake, quiet: wanted };
    for (const el of document.querySelectorAll("[data-bell]")) el.hidden = !show[el.dataset.bell] || (el.dataset.bell === "quiet" && quiet.includes(el.closest("[data-ring]").dataset.ring));
  };

  const wake = () => { if (wanted && device() && audio.state === "suspended") audio.resume().catch(() => { /* not by this gesture: by the next */ }); };
  const test = async () => { if (!device()) return; await audio.resume(); play("live", false); page.dataset.tested = ""; };
  document.addEventListener("click", (e) => {
    const el = e.target.closest("button[data-bell]");
    if (!el) return;
    switch (el.dataset.bell) {
      case "allow":
        wanted = true;
        if ("Notification" in window && Notification.permission === "default") Notification.requestPermission().then(update);
        test().then(update);
        break;
      case "deny": wanted = false; break;
      case "test": test(); break;
      case "quiet": note("quiet", el.closest("[data-ring]").dataset.ring); break;
    }
    remember("ring", wanted);
    update();
  });
  for (const gesture of ["pointerdown", "keydown"]) document.addEventListener(gesture, wake, { capture: true });
  document.addEventListener("entente:renewed", update);
  window.addEventListener("storage", (e) => { if (e.key && e.key.startsWith("entente-")) { wanted = recall("ring") === true; update(); } });
  wake();
  update();
})();
