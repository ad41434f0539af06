// Puts a link on the clipboard. Without it, people select the text of the field.
const button = document.querySelector("[data-copy]");
const told = document.querySelector("[data-copied]");
if (button && navigator.clipboard) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
    told.textContent = told.dataset.copied;
  });
}
