// Shows how far a file has gone up. Without scripts the browser does.
"use strict";
document.addEventListener("submit", (e) => {
  const form = e.target;
  if (form.enctype !== "multipart/form-data" || !("progress" in form.dataset) || e.defaultPrevented) return;
  e.preventDefault();
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
});
