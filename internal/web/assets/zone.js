// Tells the node in which zone this browser is, so that times are told in it where nobody chose another. Without scripts
// they are in the node's.
"use strict";
(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
  const two = (n) => String(Math.trunc(n)).padStart(2, "0");
  const tell = () => {
    const east = -new Date().getTimezoneOffset(), far = Math.abs(east);
    const said = "entente-zone=" + encodeURIComponent(zone + " " + (east < 0 ? "-" : "+") + two(far / 60) + ":" + two(far % 60));
    if (document.cookie.split("; ").includes(said)) return;
    document.cookie = said + "; path=/; max-age=31536000; samesite=strict" + (location.protocol === "https:" ? "; secure" : "");
    document.dispatchEvent(new Event("entente:zone"));
  };
  document.addEventListener("DOMContentLoaded", tell); // by then the script that renews pages listens
  document.addEventListener("visibilitychange", tell);

  // Names to choose from, where a field for a zone is.
  document.addEventListener("focusin", (e) => {
    const list = e.target.list;
    if (!list || list.id !== "zones" || list.options.length || !Intl.supportedValuesOf) return;
    for (const name of Intl.supportedValuesOf("timeZone")) list.append(new Option(name, name));
  });
})();
