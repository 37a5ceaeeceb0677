// The QR of a letter holds the code after the #, which browsers send nowhere. It goes into its field from there,
// and out of the address, so that it does not stay in the history.

const field = document.getElementById("code");

const take = () => {
  const code = location.hash.slice(1);
  if (!/^[0-9A-Za-z-]{20,64}$/.test(code)) return;
  field.value = code.match(/[0-9A-Za-z]{1,4}/g).join("-");
  history.replaceState(null, "", location.pathname);
  document.getElementById("username").focus();
};

take();
addEventListener("hashchange", take);
