// Passkeys and security keys: asks the browser for one and sends its answer with the form it stands in.
// What to ask came with the page; what the answer is worth is decided where the form goes.

const Key = window.PublicKeyCredential;
let asking = null; // one question at a time: the next one ends the last

const tell = (form, trouble) => {
  const told = [...form.querySelectorAll("[data-trouble]")];
  const fitting = told.find((line) => line.dataset.trouble.split(" ").includes(trouble));
  const shown = trouble && (fitting ?? told.at(-1));
  for (const line of told) line.hidden = line !== shown;
};

const ask = async (field, mediation) => {
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  const options = JSON.parse(field.dataset.options);
  if (field.dataset.webauthn === "create") {
    return navigator.credentials.create({ publicKey: Key.parseCreationOptionsFromJSON(options), signal });
  }
  return navigator.credentials.get({ publicKey: Key.parseRequestOptionsFromJSON(options), mediation, signal });
};

const send = (field, credential) => {
  field.value = JSON.stringify(credential.toJSON());
  HTMLFormElement.prototype.submit.call(field.form);
};

const offerBesideUsername = async (field) => {
  if (!await Key.isConditionalMediationAvailable?.()) return;
  try {
    send(field, await ask(field, "conditional"));
  } catch {
    // Nobody chose one, or the button was pressed: nothing to tell.
  }
};

for (const field of document.querySelectorAll("[data-webauthn]")) {
  const { form } = field;
  const known = Boolean(Key?.parseCreationOptionsFromJSON && Key.parseRequestOptionsFromJSON && Key.prototype.toJSON);
  // Before other listeners: while the browser asks, nothing is on its way.
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    tell(form, known ? "" : "Unknown");
    if (!known) return;
    try {
      send(field, await ask(field, "optional"));
    } catch (error) {
      if (error.name !== "AbortError") tell(form, error.name);
    }
  }, { capture: true });
  // Coming back with the back button must not send an old answer again.
  addEventListener("pageshow", () => { field.value = ""; });
  if (known && "conditional" in field.dataset) offerBesideUsername(field);
}
