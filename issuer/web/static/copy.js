// Puts a link or a key on the clipboard. Without it, people select the text of the field.
const told = document.querySelector("[data-copied]");
if (navigator.clipboard) {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
      if (told) told.textContent = told.dataset.copied;
    });
  }
}
