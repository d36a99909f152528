/** The second step of a sign-in: the code of an authenticator app, a code that is sent, or a recovery code. */
import { callApi } from "/assets/actions.js";
import { client, current, nest } from "/assets/api.js";
import { useClientWith } from "/assets/clients.js";
import { byId, make } from "/assets/dom.js";
import { clearForm, listenForSubmit } from "/assets/fields.js";
import { showMessage } from "/assets/message.js";
import { focusWay } from "/assets/ways.js";

const TYPES = { totp: "Code of an authenticator app", sms: "Code by SMS", email: "Code by mail" };
const CODE_ERRORS = ["mfa_failed", "validation_failed"];
const SENT_TYPES = ["sms", "email"];
const RECOVERY_CODE = "recovery_code";
/** The challenge of the sign-in that waits for a second factor, with the client that asked for it; or null. */
let pending = null;
let isBusy = false;

const chosen = () => pending?.factors.find(({ id }) => id === byId("second-factor").value);
const nameOf = ({ factor_type, hint }) => `${TYPES[factor_type]}${hint === null ? "" : ` to ${hint}`}`;
const sessionNow = () => current()?.session_id ?? null;
const showSending = () => {
  byId("send-second-code").hidden = !SENT_TYPES.includes(chosen()?.factor_type);
};

function show(challenge) {
  pending = challenge;
  byId("second-step").hidden = challenge === null;
  clearForm(byId("second-step-form"));
}

/** Leads back to the sign-in, since the focused button is gone. */
const focusSignIn = () => (current() ? byId("account-title").focus() : focusWay());

/** Asks for a second factor. @param challenge `meta` of the error `mfa_required` */
export function askSecondStep(challenge) {
  show({ ...challenge, client_id: client.id, session: sessionNow() });
  const usable = challenge.factors.filter(({ factor_type }) => factor_type in TYPES);
  byId("second-factor").replaceChildren(
    ...usable.map((factor) => make("option", { value: factor.id }, nameOf(factor))),
    make("option", { value: RECOVERY_CODE }, "Recovery code"),
  );
  byId("no-passkey").hidden = usable.length === challenge.factors.length;
  showSending();
  byId("second-factor").focus();
}

/** Forgets the second step if somebody has signed in otherwise since it was asked for. */
export function forgetOldSecondStep() {
  if (pending && current() && sessionNow() !== pending.session) show(null);
}

/** Runs one call at a time. A challenge that can't be used any more is forgotten: its form would only be refused again. */
async function call(work, success, at) {
  if (isBusy) return;
  isBusy = true;
  const ended = async () => {
    try {
      await work();
    } catch (error) {
      if (error.code === "mfa_token_expired") show(null);
      throw error;
    }
  };
  await callApi(ended, success, at);
  isBusy = false;
  if (pending === null) focusSignIn();
}

async function present(code) {
  const { mfa_token, client_id } = pending;
  const factor = chosen();
  useClientWith(client_id);
  await call(
    async () => {
      const proof = factor ? { factor_id: factor.id, code } : { recovery_code: code };
      await nest.signIn({ grant_type: "mfa", mfa_token, ...proof });
      show(null);
    },
    "You are signed in.",
    { field: byId("second-code"), codes: CODE_ERRORS },
  );
}

function send() {
  const { mfa_token, client_id } = pending;
  useClientWith(client_id);
  return call(() => nest.sendMfaCode({ mfa_token, factor_id: chosen().id }), "The code is in the inbox.");
}

export function listenForSecondStep() {
  listenForSubmit(
    byId("second-step-form"),
    () => "Enter the code.",
    () => void present(byId("second-code").value.trim()),
  );
  byId("second-factor").addEventListener("change", ({ target }) => {
    const { value } = target;
    clearForm(byId("second-step-form"));
    target.value = value;
    showSending();
  });
  byId("send-second-code").addEventListener("click", () => void send());
  byId("cancel-second-step").addEventListener("click", () => {
    show(null);
    showMessage("");
    focusSignIn();
  });
}
