// Keeps a code that is good for three seconds on the page: asks for it anew each second. Without scripts the page
// loads itself anew instead.

const MILLISECONDS = 1000;
const TIMES = 180;

for (const place of document.querySelectorAll("[data-fresh]")) {
  const image = document.createElement("img");
  image.alt = "";
  image.className = "qr-code";
  let asked = 0;
  let busy = false;
  const timer = setInterval(() => {
    if (busy || document.hidden) return;
    asked += 1;
    if (asked > TIMES) {
      clearInterval(timer);
      return;
    }
    busy = true;
    const next = new Image();
    next.onload = () => {
      image.src = next.src;
      if (!image.isConnected) place.replaceChildren(image);
      busy = false;
    };
    next.onerror = () => {
      busy = false;
    };
    next.src = `${place.dataset.fresh}?${asked}`;
  }, MILLISECONDS);
}
