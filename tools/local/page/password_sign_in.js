/** Sign-in with a password, and a new password for who forgot it. */
import { callApi } from "/assets/actions.js";
import { client, nest } from "/assets/api.js";
import { useClientWith } from "/assets/clients.js";
import { forgetCode, onUse, pendingCode, rememberCode } from "/assets/codes.js";
import { device } from "/assets/device.js";
import { byId } from "/assets/dom.js";
import { listenForSubmit, showFieldError } from "/assets/fields.js";
import { time } from "/assets/format.js";
import { identifierOf } from "/assets/identifiers.js";
import { chooseWay } from "/assets/ways.js";

const PURPOSE = "reset_password";
const PASSWORD_ERRORS = ["invalid_credentials", "rate_limited"];
const RECIPIENT_ERRORS = ["invalid_identifier", "country_not_allowed", "rate_limited", "delivery_failed"];
const NEW_PASSWORD_ERRORS = ["password_not_acceptable", "verification_not_found", "rate_limited"];
/** The link of a reset that was opened here: its token, and the client that it belongs to. */
let link = null;

async function signIn() {
  const { value: password } = byId("password");
  let isDone = false;
  await callApi(
    async () => {
      const who = identifierOf(byId("password-who").value);
      await nest.signIn({ grant_type: "password", ...who, password, device: device() });
      isDone = true;
    },
    "You are signed in.",
    { field: byId("password"), codes: PASSWORD_ERRORS },
  );
  if (!isDone) return;
  byId("password").value = "";
  byId("account-title").focus();
}

function showReset() {
  const pending = pendingCode(PURPOSE);
  const isOpen = pending !== null || link !== null;
  byId("reset-form").hidden = !isOpen;
  // One main button: what a person does next.
  byId("password-submit").className = isOpen ? "second" : "";
  byId("reset-code-step").hidden = link !== null;
  byId("reset-code").required = link === null;
  byId("reset-sent").textContent = link
    ? "With the link of an email."
    : `Sent to ${pending?.to}. The code works until ${time(pending?.expires_at ?? new Date())}.`;
}

async function sendReset() {
  const who = byId("password-who");
  if (who.value === "") return showFieldError(who, "Enter an email address or a phone number.");
  let isSent = false;
  await callApi(
    async () => {
      const sent = await nest.sendPasswordReset({ ...identifierOf(who.value), device: device() });
      rememberCode(PURPOSE, { ...sent, to: who.value, client_id: client.id });
      link = null;
      isSent = true;
    },
    "The message is in the inbox.",
    { field: who, codes: RECIPIENT_ERRORS },
  );
  showReset();
  if (isSent) byId("reset-code").focus();
}

async function reset() {
  const { value: password } = byId("new-password");
  const { nonce, client_id } = link ?? pendingCode(PURPOSE);
  useClientWith(client_id);
  const secret = link ? { token: link.token } : { nonce, code: byId("reset-code").value.trim() };
  let isDone = false;
  await callApi(
    async () => {
      await nest.resetPassword({ ...secret, password });
      forgetCode(PURPOSE);
      link = null;
      isDone = true;
    },
    "The password is set, and every session of the user has ended. Sign in with it.",
    { field: byId("new-password"), codes: NEW_PASSWORD_ERRORS },
  );
  if (!isDone) return;
  for (const id of ["new-password", "reset-code"]) byId(id).value = "";
  showReset();
  byId("password").focus();
}

/** Opens the form for a new password. @param opened the parameters of the link of an email */
export async function openResetLink(opened) {
  const found = { token: opened.get("token"), client_id: opened.get("client_id") };
  useClientWith(found.client_id);
  chooseWay("password");
  await callApi(async () => {
    await nest.checkVerification(found);
    link = found;
  }, "Choose a new password.");
  showReset();
  if (link) byId("new-password").focus();
}

export function listenForPasswordSignIn() {
  listenForSubmit(
    byId("password-form"),
    ({ id }) => (id === "password" ? "Enter the password." : "Enter an email address or a phone number."),
    () => void signIn(),
  );
  byId("forgot").addEventListener("click", () => void sendReset());
  listenForSubmit(
    byId("reset-form"),
    ({ id }) => (id === "new-password" ? "Enter a new password." : "Enter the six digits."),
    () => void reset(),
  );
  onUse(PURPOSE, (code) => {
    chooseWay("password");
    link = null;
    showReset();
    byId("reset-code").value = code;
    byId("new-password").focus();
  });
  showReset();
}
