// Shows how far a file has gone up, where a form says so. Without scripts the browser does.
"use strict";
(() => {
  const upload = (form) => {
    const bar = document.createElement("progress");
    bar.max = 1;
    bar.setAttribute("aria-label", form.dataset.progress);
    form.append(bar);
    const call = new XMLHttpRequest();
    const again = () => { bar.remove(); HTMLFormElement.prototype.submit.call(form); };
    call.upload.addEventListener("progress", (p) => { if (p.lengthComputable) bar.value = p.loaded / p.total; });
    call.addEventListener("load", () => {
      if (call.status < 400 && call.responseURL) { location.assign(call.responseURL); return; }
      const fresh = new DOMParser().parseFromString(call.responseText, "text/html").getElementById("content");
      const old = document.getElementById("content");
      if (fresh && old) { old.replaceWith(fresh); fresh.focus(); } else { again(); }
    });
    call.addEventListener("error", again);
    call.open("POST", form.action);
    call.send(new FormData(form));
  };
  let asked = null; // a form that may go
  document.addEventListener("submit", async (e) => {
    const form = e.target;
    if (form.enctype !== "multipart/form-data" || e.defaultPrevented) return;
    if (form === asked) { asked = null; return; }
    e.preventDefault();
    // Who was signed out meanwhile is asked to sign in before a long file goes up in vain.
    const here = await fetch(location.href, { method: "HEAD" }).catch(() => null);
    // What they typed goes along, and comes back once they have.
    if (here && here.status === 401) {
      for (const x of form.querySelectorAll("input[type=file]")) x.disabled = true;
      form.enctype = "application/x-www-form-urlencoded";
      HTMLFormElement.prototype.submit.call(form);
      return;
    }
    if ("progress" in form.dataset) { upload(form); return; }
    asked = form;
    form.requestSubmit(e.submitter);
  });
})();
