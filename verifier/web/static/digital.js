// Where the browser itself can ask the wallet (Digital Credentials API), offer that first; the code and the link stay.
const form = document.querySelector("[data-digital]");
const api = globalThis.DigitalCredential;
const allows = (protocol) => typeof api?.userAgentAllowsProtocol !== "function" || api.userAgentAllowsProtocol(protocol);
const requests = form ? JSON.parse(form.dataset.digital).filter(({ protocol }) => allows(protocol)) : [];

if (form && api && typeof navigator.credentials?.get === "function" && requests.length > 0) {
  const said = form.querySelector("[data-said]");
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    said.textContent = "";
    try {
      const answer = await navigator.credentials.get({ mediation: "required", digital: { requests } });
      form.elements.data.value = typeof answer.data === "string" ? answer.data : JSON.stringify(answer.data);
    } catch {
      // Nobody chose a wallet, or none is known to this browser: nothing was shared, and the other ways stay open.
      said.textContent = form.dataset.nothing;
      return;
    }
    form.submit();
  });
}
