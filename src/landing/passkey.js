// Creates or uses a passkey for an installed app: only a page of the app's domain can do that.

const decode = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
const encode = (bytes) => {
  const text = btoa(String.fromCharCode(...new Uint8Array(bytes)));
  return text.replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
};
/** JSON in base64url, which no mail program and no deep link changes. */
const decodeJson = (text) => JSON.parse(new TextDecoder().decode(decode(text)));
const encodeJson = (value) => encode(new TextEncoder().encode(JSON.stringify(value)));

// Browsers of 2024 lack `parseCreationOptionsFromJSON` and `toJSON`.
const described = (credentials = []) => credentials.map((one) => ({ ...one, id: decode(one.id) }));

/** Creates a passkey if the options name a user, else uses one. @throws DOMException of the browser, such as if the person refuses */
async function createOrUsePasskey({ challenge, user, excludeCredentials, allowCredentials, ...rest }) {
  const asked = { ...rest, challenge: decode(challenge) };
  const { id, type, response } = user
    ? await navigator.credentials.create({
        publicKey: {
          ...asked,
          user: { ...user, id: decode(user.id) },
          excludeCredentials: described(excludeCredentials),
        },
      })
    : await navigator.credentials.get({
        publicKey: { ...asked, allowCredentials: described(allowCredentials) },
      });
  const clientDataJSON = encode(response.clientDataJSON);
  const proof = user
    ? {
        attestationObject: encode(response.attestationObject),
        transports: response.getTransports?.() ?? [],
      }
    : {
        authenticatorData: encode(response.authenticatorData),
        signature: encode(response.signature),
        userHandle: response.userHandle && encode(response.userHandle),
      };
  return { id, rawId: id, type, response: { clientDataJSON, ...proof } };
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
  // The app's next link may only change the fragment of this page.
  window.addEventListener("hashchange", () => location.reload());
  button.addEventListener("click", async () => {
    button.disabled = true;
    result.textContent = "";
    try {
      const credential = await createOrUsePasskey(decodeJson(passkey));
      const url = `${deepLink}?passkey=${encodeJson(credential)}&state=${state}`;
      const open = document.getElementById("passkey-open");
      open.href = url;
      document.getElementById("passkey-done").hidden = false;
      button.hidden = true;
      result.textContent = texts.opens;
      open.focus();
      location.assign(url);
    } catch {
      result.textContent = texts.passkeyFailed;
      button.disabled = false;
      button.focus();
    }
  });
}
