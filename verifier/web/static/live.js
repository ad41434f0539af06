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
  // Refused for good, not just interrupted: look again by loading the page.
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 10_000);
  });
}
