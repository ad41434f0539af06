// While the page is looked at, asks for badges that issuers are still preparing, and says when one came. The wallet
// itself keeps to the interval that each issuer wants; without this script, opening the page asks just the same.
const box = document.getElementById("awaited");
const form = document.getElementById("awaited-form");
const status = document.getElementById("awaited-status");
const PAUSE = 30_000;

async function ask() {
  const response = await fetch(form.action, { method: "POST", body: new FormData(form) });
  if (!response.ok) throw new Error(`status ${response.status}`);
  return (await response.json()).changed;
}

async function keepAsking() {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    if (document.visibilityState !== "visible") continue;
    if (await ask()) {
      status.hidden = false;
      status.querySelector("p").textContent = box.dataset.came;
      return;
    }
  }
}

// A session that ended, or no network: the page stays as it is, and opening it again asks again.
keepAsking().catch(() => {});
