// Narrows the tiles of the portal while one types; without it the same search is a GET request.

const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

const input = document.getElementById("q");
const nothing = document.getElementById("portal-nothing");
const groups = [...document.querySelectorAll(".tile-group")];

const narrow = () => {
  const words = plain(input.value).split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const group of groups) {
    const title = plain(group.querySelector("h2").textContent);
    let any = false;
    for (const tile of group.querySelectorAll(".tile")) {
      const text = `${title} ${plain(tile.textContent)}`;
      tile.hidden = !words.every((word) => text.includes(word));
      any ||= !tile.hidden;
    }
    group.hidden = !any;
    shown += any ? 1 : 0;
  }
  nothing.hidden = shown > 0 || groups.length === 0;
};

input.addEventListener("input", narrow);
