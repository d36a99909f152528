/** Sign-in with a magic link, with the link of a new trial, or with a pasted code. */
import { callApi } from "/assets/actions.js";
import { openVerificationLink } from "/assets/addresses.js";
import { current, nest } from "/assets/api.js";
import { useClientOf } from "/assets/clients.js";
import { device, simulateNewDevice } from "/assets/device.js";
import { byId, terms } from "/assets/dom.js";
import { listenForSubmit } from "/assets/fields.js";
import { showMessage } from "/assets/message.js";

/** Errors that another email address, or another code, can correct. */
const ADDRESS_ERRORS = ["invalid_email", "rate_limited", "already_subscribed", "trial_already_used"];
const CODE_ERRORS = [
  "unknown_link",
  "token_expired",
  "token_used",
  "authorization_not_found",
  "validation_failed",
];

/** Starts a trial as the app does. Nest emails its magic link. @param field the field with the address, if there is one */
export const startTrial = (address, field = null) =>
  callApi(
    () => nest.startTrial(address, { device: device() }),
    "Trial created. Its magic link is in the inbox.",
    { field, codes: ADDRESS_ERRORS },
  );

const sendLink = (address, field) =>
  callApi(() => nest.sendMagicLink(address, { device: device() }), "The magic link is in the inbox.", {
    field,
    codes: ADDRESS_ERRORS,
  });

/** @param field the field that the text was pasted into, if there is one */
async function redeem(text, field = null) {
  useClientOf(text);
  const isTrial = new URLSearchParams(text).get("flow") === "trial";
  await callApi(
    () => nest.finishSignIn(text),
    isTrial ? "You are signed in. Your trial has started." : "You are signed in.",
    { field, codes: CODE_ERRORS },
  );
  if (current()) byId("account-title").focus();
}

const FLOWS = { verify_identifier: openVerificationLink };

/** Uses the link in the page's URL, if there is one, and removes it from the URL. */
export async function followHash() {
  const text = location.hash.slice(1);
  const opened = new URLSearchParams(text);
  const openLink = opened.has("token") ? FLOWS[opened.get("flow")] : null;
  if (!openLink && !opened.has("code")) return;
  history.replaceState(null, "", "/");
  await (openLink ? openLink(opened) : redeem(text));
}

function showDevice() {
  const { platform, beak_id, fingerprint } = device();
  byId("device").replaceChildren(
    ...terms([
      ["Platform", platform],
      ["Device ID", beak_id],
      ["Fingerprint", fingerprint],
    ]),
  );
}

export function listenForSignIn() {
  const address = byId("address");
  listenForSubmit(
    byId("link-form"),
    () => "Enter an email address.",
    ({ submitter }) => {
      const send = submitter?.id === "start-trial" ? startTrial : sendLink;
      void send(address.value, address);
    },
  );
  const pasted = byId("pasted");
  listenForSubmit(
    byId("paste-form"),
    () => "Paste the text that the landing page shows.",
    () => void redeem(pasted.value.trim(), pasted),
  );
  byId("new-device").addEventListener("click", () => {
    simulateNewDevice();
    showDevice();
    showMessage("Nest now sees this browser as a new device.");
  });
  showDevice();
  window.addEventListener("hashchange", () => void followHash());
}
