/** Sign-in with a code by SMS or email. */
import { callApi } from "/assets/actions.js";
import { client, current, nest } from "/assets/api.js";
import { useClientWith } from "/assets/clients.js";
import { forgetCode, onUse, pendingCode, rememberCode } from "/assets/codes.js";
import { device } from "/assets/device.js";
import { byId } from "/assets/dom.js";
import { listenForSubmit } from "/assets/fields.js";
import { time } from "/assets/format.js";
import { identifierOf } from "/assets/identifiers.js";
import { chooseWay, chosenWay, onWay } from "/assets/ways.js";

const PURPOSE = "sign_in";
const CODE_WAYS = ["code", "register"];
/** Errors that another recipient, or another code, can correct. */
const RECIPIENT_ERRORS = ["invalid_identifier", "country_not_allowed", "rate_limited", "delivery_failed"];
const SECOND_STEP_ERRORS = ["mfa_required", "mfa_enrollment_required"];
const CODE_ERRORS = ["verification_not_found", "rate_limited", "validation_failed"];

/** Shows the form for the code if one was sent, and the chosen way to sign in uses codes. */
export function showCodeStep() {
  const pending = pendingCode(PURPOSE);
  byId("code-form").hidden = pending === null || !CODE_WAYS.includes(chosenWay());
  // One main button: what a person does next.
  byId("send-code").className = pending ? "second" : "";
  byId("send-code").textContent = pending ? "Send another code" : "Send code";
  if (pending)
    byId("code-sent").textContent =
      `Sent to ${pending.to}. It works until ${time(pending.expires_at)} and allows five attempts. A new code replaces it.`;
}

async function send(to) {
  let isSent = false;
  await callApi(
    async () => {
      const sent = await nest.sendOtp({ ...identifierOf(to.value), device: device() });
      rememberCode(PURPOSE, { ...sent, to: to.value, client_id: client.id });
      isSent = true;
    },
    "The code is in the inbox.",
    { field: to, codes: RECIPIENT_ERRORS },
  );
  showCodeStep();
  if (!isSent) return;
  byId("code").value = "";
  byId("code").focus();
}

function forgetUsed() {
  forgetCode(PURPOSE);
  byId("code").value = "";
  showCodeStep();
}

async function redeem(code) {
  const { nonce, client_id } = pendingCode(PURPOSE);
  useClientWith(client_id);
  // Signed in, the form is not visible: the code is of another sign-in.
  const field = current() ? null : byId("code");
  let isDone = false;
  await callApi(
    async () => {
      await nest.signIn({ grant_type: "otp", nonce, code, device: device() }).catch((error) => {
        // The code was right, and is used up.
        if (SECOND_STEP_ERRORS.includes(error.code)) forgetUsed();
        throw error;
      });
      forgetUsed();
      isDone = true;
    },
    "You are signed in.",
    { field, codes: CODE_ERRORS },
  );
  if (isDone) byId("account-title").focus();
}

export function listenForCodeSignIn() {
  listenForSubmit(
    byId("send-code-form"),
    () => "Enter an email address or a phone number.",
    () => void send(byId("code-to")),
  );
  listenForSubmit(
    byId("code-form"),
    () => "Enter the six digits.",
    () => void redeem(byId("code").value.trim()),
  );
  onWay(showCodeStep);
  onUse(PURPOSE, (code) => {
    chooseWay("code");
    byId("code").value = code;
    void redeem(code);
  });
  showCodeStep();
}
