/** Registration with an email address or a phone number, and perhaps a password. */
import { callApi } from "/assets/actions.js";
import { client, nest } from "/assets/api.js";
import { showCodeStep } from "/assets/code_sign_in.js";
import { rememberCode } from "/assets/codes.js";
import { device } from "/assets/device.js";
import { byId } from "/assets/dom.js";
import { listenForSubmit } from "/assets/fields.js";
import { identifierOf } from "/assets/identifiers.js";

const RECIPIENT_ERRORS = [
  "invalid_identifier",
  "country_not_allowed",
  "identifier_taken",
  "registration_disabled",
  "grant_not_allowed",
  "rate_limited",
  "delivery_failed",
];

/** Where an error is shown: a password that Nest refuses beside the password. */
const fieldOf = ({ code }) =>
  code === "password_not_acceptable" ? byId("register-password") : byId("register-who");

async function register() {
  const who = byId("register-who");
  const { value: password } = byId("register-password");
  let answer = null;
  await callApi(
    async () => {
      answer = await nest.signUp({
        ...identifierOf(who.value),
        ...(password !== "" && { password }),
        device: device(),
      });
      if (answer.verification)
        rememberCode("sign_in", { ...answer.verification, to: who.value, client_id: client.id });
    },
    () =>
      answer.user ? "You are registered and signed in." : "The code is in the inbox. It creates the user.",
    { field: fieldOf, codes: [...RECIPIENT_ERRORS, "password_not_acceptable"] },
  );
  showCodeStep();
  if (!answer) return;
  byId("register-password").value = "";
  byId(answer.user ? "account-title" : "code").focus();
}

export function listenForRegistration() {
  listenForSubmit(
    byId("register-form"),
    () => "Enter an email address or a phone number.",
    () => void register(),
  );
}
