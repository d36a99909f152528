// Creates or uses a passkey for an installed app: only a page of the app's domain can do that.

/** JSON in base64url, which no mail program and no deep link changes. */
const decode = (text) => {
  const bytes = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(bytes, (one) => one.charCodeAt(0))));
};
const encode = (value) => {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  const text = btoa(String.fromCharCode(...bytes));
  return text.replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
};

/** Creates a passkey if the options name a user, else uses one. @throws DOMException of the browser, such as if the person refuses */
async function createOrUsePasskey(options) {
  const credential = options.user
    ? await navigator.credentials.create({
        publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options),
      })
    : await navigator.credentials.get({
        publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options),
      });
  return credential.toJSON();
}

/**
 * Shows the button that asks for the passkey. The result goes to the installed app and nowhere else: the page shows no text that a person
 * could be talked into sending to somebody. The app compares the state, so it takes no result of a link that it did not open.
 * @param link the options in base64url, the state, and the app's own URL
 * @param texts the texts of the page
 */
export function offerPasskey({ body: { passkey, state, deepLink } }, texts) {
  const button = document.getElementById("passkey");
  const result = document.getElementById("passkey-result");
  button.addEventListener("click", async () => {
    button.disabled = true;
    result.textContent = "";
    try {
      const credential = await createOrUsePasskey(decode(passkey));
      const url = `${deepLink}?passkey=${encode(credential)}&state=${state}`;
      document.getElementById("passkey-open").href = url;
      document.getElementById("passkey-done").hidden = false;
      button.hidden = true;
      location.assign(url);
    } catch {
      result.textContent = texts.passkeyFailed;
      button.disabled = false;
    }
  });
}
