// Comforts of forms: show a password, copy, print, and say that a slow answer is on its way. Every page works without them.

const say = (button, text) => {
  const label = button.textContent;
  button.textContent = text;
  setTimeout(() => { button.textContent = label; }, 2000);
};

for (const button of document.querySelectorAll("[data-reveals]")) {
  const input = document.getElementById(button.dataset.reveals);
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    button.textContent = shown ? button.dataset.show : button.dataset.hide;
    button.setAttribute("aria-pressed", String(!shown));
    input.focus();
  });
  // A browser offers to save a password only from a password field.
  input.form.addEventListener("submit", () => { input.type = "password"; });
}

if (navigator.clipboard) {
  for (const button of document.querySelectorAll("[data-copies]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const source = document.getElementById(button.dataset.copies);
      await navigator.clipboard.writeText(source.innerText.trim());
      say(button, button.dataset.done);
    });
  }
}

for (const button of document.querySelectorAll("[data-prints]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button?.dataset.busy) return;
    const label = button.textContent;
    const slow = setTimeout(() => {
      button.setAttribute("aria-busy", "true");
      button.textContent = button.dataset.busy;
    }, 400);
    // Coming back with the back button finds the page as it was.
    addEventListener("pagehide", () => {
      clearTimeout(slow);
      button.removeAttribute("aria-busy");
      button.textContent = label;
    }, { once: true });
  });
}
