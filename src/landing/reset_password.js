// The form behind the link of a mail with which a person chooses a new password.
const NOT_FOUND = "verification_not_found";

/** Sends a call to the API. @returns status 0 if there is no response */
const post = (url, body) =>
  fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  })
    .then(async (response) => ({ status: response.status, body: await response.json() }))
    .catch(() => ({ status: 0, body: {} }));

/** What the page says about an error. */
function explain({ body: { code, reasons = [] } }, words) {
  if (code === "rate_limited") return words.resetLimited;
  if (code !== "password_not_acceptable") return words.resetFailed;
  const sentences = { too_short: words.tooShort, too_long: words.tooLong };
  const others = { breached: words.breached, contextual: words.contextual };
  return reasons
    .map((reason) => {
      const { minimum, maximum } = reason.meta ?? {};
      const sentence = sentences[reason.code] ?? others[reason.code] ?? words.resetFailed;
      return sentence.replace("{count}", minimum ?? maximum ?? "");
    })
    .join(" ");
}

/**
 * Shows the form of a link that resets a password. Nothing is sent before the person sends the form, so that a mail scanner
 * which opens the link does not use it up; sending the form checks the link first, which leaves it valid.
 * @param link the token, the client and the URL of the API
 * @param words the texts of the page
 */
export function offerReset({ api, body: link }, words) {
  const form = document.getElementById("reset-form");
  const field = document.getElementById("new-password");
  const button = document.getElementById("reset");
  const error = document.getElementById("new-password-error");
  const call = (method, body) => post(`${api}/1/2026-12-01/${method}`, body);
  const showError = (text) => {
    error.textContent = text;
    field.setAttribute("aria-invalid", String(text !== ""));
    if (text !== "") field.focus();
  };
  const expire = () => {
    form.hidden = true;
    document.getElementById("reset-expired").hidden = false;
  };
  const send = async () => {
    const checked = await call("check_verification", link);
    if (checked.body.code === NOT_FOUND) return expire();
    const reply =
      checked.status === 200 ? await call("reset_password", { ...link, password: field.value }) : checked;
    if (reply.body.code === NOT_FOUND) return expire();
    if (reply.status !== 200) return showError(explain(reply, words));
    field.value = "";
    form.hidden = true;
    document.getElementById("reset-result").textContent = words.resetDone;
  };
  field.addEventListener("input", () => showError(""));
  form.noValidate = true;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    if (field.value === "") return showError(words.passwordMissing);
    button.disabled = true;
    await send();
    button.disabled = false;
  });
}
