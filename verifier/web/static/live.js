// Keeps the line about an open question true, and loads the page again when there is an answer.
const line = document.querySelector("[data-live]");
if (line) {
  const source = new EventSource(line.dataset.live);
  source.addEventListener("state", (event) => {
    const { state, is_final } = JSON.parse(event.data);
    if (is_final || (state === "received" && line.dataset.state !== "received")) {
      source.close();
      location.reload();
      return;
    }
    const words = line.dataset[state];
    if (words && line.textContent !== words) line.textContent = words;
  });
}
