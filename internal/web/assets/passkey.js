// Passkeys: a button with data-passkey asks the node for options, the authenticator for an answer, and the
// node whether it is right. Nothing else depends on it.
"use strict";
(() => {
  if (!window.PublicKeyCredential) return;
  const bytes = (s) => Uint8Array.from(atob(s.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (b) => btoa(Array.from(new Uint8Array(b), (c) => String.fromCharCode(c)).join("")).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const ask = async (path, body) => {
    const r = await fetch(path, { method: "POST", credentials: "same-origin", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    const out = await r.json();
    if (!r.ok) throw new Error(out.problem);
    return out;
  };
  const ids = (list) => (list || []).map((k) => ({ ...k, id: bytes(k.id) }));
  const answers = {
    get: async (o) => {
      const k = await navigator.credentials.get({ publicKey: { ...o, challenge: bytes(o.challenge), allowCredentials: ids(o.allowCredentials) } });
      return { clientDataJSON: text(k.response.clientDataJSON), authenticatorData: text(k.response.authenticatorData), signature: text(k.response.signature), userHandle: k.response.userHandle ? text(k.response.userHandle) : undefined, of: k };
    },
    create: async (o) => {
      const k = await navigator.credentials.create({ publicKey: { ...o, challenge: bytes(o.challenge), user: { ...o.user, id: bytes(o.user.id) }, excludeCredentials: ids(o.excludeCredentials) } });
      return { clientDataJSON: text(k.response.clientDataJSON), attestationObject: text(k.response.attestationObject), transports: k.response.getTransports ? k.response.getTransports() : [], of: k };
    },
  };
  for (const button of document.querySelectorAll("button[data-passkey]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const { passkey: path, mode, ticket, back } = button.dataset;
      const said = document.getElementById("passkey-problem");
      const name = document.getElementById("passkey-name")?.value;
      button.disabled = true;
      said.textContent = "";
      try {
        const { options } = await ask(path + "/begin", { ticket });
        const { of, ...response } = await answers[mode](options.publicKey);
        const answer = { id: of.id, rawId: text(of.rawId), type: of.type, authenticatorAttachment: of.authenticatorAttachment, clientExtensionResults: of.getClientExtensionResults(), response };
        const { to } = await ask(path + "/finish", { ticket, name, back, answer });
        location.assign(to);
      } catch (e) {
        said.textContent = e.name === "Error" ? e.message : said.dataset.failed;
        button.disabled = false;
      }
    });
  }
})();
