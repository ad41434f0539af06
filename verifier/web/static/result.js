// The response code comes back behind the # of the address, where no server sees it: put it into the form and send that.
const code = new URLSearchParams(location.hash.slice(1)).get("response_code");
const form = document.querySelector("[data-result]");
if (code && form) {
  history.replaceState(null, "", location.pathname);
  document.querySelector("[data-by-hand]").hidden = true;
  document.querySelector("[data-busy]").hidden = false;
  form.elements.response_code.value = code;
  form.submit();
}
