// Asks now and then whether what the page waits for has happened, and only then goes on: nothing on it moves before.
// Where there is a form it is sent when the answer is "ready"; without scripts a button or a reload does the same.

const SECONDS = 2;
const TIMES = 150; // a page that is left open must not look like somebody who is there

for (const waiting of document.querySelectorAll("[data-waits]")) {
  const { waits, state, again } = waiting.dataset;
  const form = waiting.closest("form");
  let busy = false;
  let asked = 0;
  const timer = setInterval(async () => {
    if (busy || document.hidden) return;
    busy = true;
    asked += 1;
    if (asked >= TIMES) clearInterval(timer);
    try {
      const answer = await fetch(waits, { headers: { Accept: "application/json" }, cache: "no-store", redirect: "error" });
      const { state: now } = await answer.json();
      if (!answer.ok || now === state) return;
      clearInterval(timer);
      if (form && now === "ready") HTMLFormElement.prototype.submit.call(form);
      else location.replace(again);
    } catch {
      // The network is away for a moment: the next time tells.
    } finally {
      busy = false;
    }
  }, SECONDS * 1000);
  // The form is sent by hand: whatever was asked meanwhile must not send it again.
  form?.addEventListener("submit", () => clearInterval(timer));
}
