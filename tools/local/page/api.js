/** The typed client of this page, and the text of errors. */
import { recordedFetch } from "/assets/calls.js";
import { NestClient, webStore } from "/client.js";

/** By the error code of a response, or by the kind of client error if there is no response. */
const EXPLANATIONS = {
  invalid_email: "Enter a valid email address.",
  invalid_identifier: "Enter a valid email address, or a mobile number with its country code.",
  country_not_allowed: "This client sends no SMS to this country. Check the client's phoneCountries.",
  grant_not_allowed: "This client may not use this grant. Check the client's grants.",
  delivery_failed: "The message could not be sent. Try again.",
  invalid_credentials: "The password is wrong.",
  password_not_acceptable: "Choose another password.",
  identifier_taken: "There is a user with it. Sign in instead.",
  registration_disabled: "This client registers nobody.",
  identifier_not_found: "The user does not have this address anymore.",
  already_verified: "It is verified already.",
  last_sign_in_method: "Without it, nobody could sign in as the user.",
  captcha_required: "This client requires a CAPTCHA, which this page does not show.",
  mfa_required: "Present the user's second factor.",
  mfa_enrollment_required:
    "This client requires a second factor, and the user has none. Add one with create_mfa_factor: this page can't.",
  mfa_failed: "The code is wrong, or was used before.",
  mfa_token_expired: "The sign-in expired, or too many codes were wrong. Sign in again.",
  verification_not_found: "The code or link is wrong, used or expired. Try again, or request a new one.",
  rate_limited: "Too many requests. Try again later.",
  email_not_sent: "The email could not be sent. Try again.",
  token_expired: "The link has expired. Request a new link.",
  token_used: "The link was already used. Request a new link.",
  authorization_not_found: "The link or session was revoked. Request a new link.",
  reauthentication_required: "Sign in again first: this session is older than 10 minutes.",
  unavailable: "Nest can't reach its database or Stripe. Try again.",
  awaiting_consent: "No choice yet.",
  stripe_error: "The call to Stripe failed. Try again.",
  already_subscribed: "This email address already has a subscription. Sign in instead.",
  trial_already_used:
    "This email address or device already had a trial. Use another address and simulate another device.",
  payment_required: "The payment was declined, or a payment is due. Pay in the billing portal.",
  checkout_required: "There is no paid subscription whose plan can be changed. Buy the plan.",
  subscription_ending:
    "The subscription is canceled. Undo the cancellation in the billing portal, or buy the plan.",
  plan_ended: "This plan is no longer sold.",
  price_not_found: "Stripe has no price for this plan. Check the app's prices.",
  network: "Nest does not respond. Try again.",
  timeout: "Nest did not respond in time. Try again.",
  signed_out: "You are signed out.",
  refresh_failed: "The tokens could not be refreshed. Try again.",
  unknown_link: "This link was requested in another browser. Request one here.",
};

/** What is wrong with a password, by the code of the reason. */
const REASONS = {
  too_short: "It is too short.",
  too_long: "It is too long.",
  breached: "It is in a list of passwords that attackers try first.",
  contextual: "It contains a name or an address of the user or the app.",
};

/** The text of an error, with its reasons and its code. */
export function explain(error) {
  const why = error.code ?? error.kind;
  if (!why) return error.message;
  const reasons = (error.reasons ?? []).map(({ code }) => REASONS[code]).filter(Boolean);
  return `${[EXPLANATIONS[why] ?? "The request failed.", ...reasons].join(" ")} (${why})`;
}

/** The OAuth client that this page signs in with, in the fields of `/dev/status`. */
export let client = null;
/** The typed client of this page. Each call is shown in the list of API calls. */
export let nest = null;

/** Signs in with another OAuth client from now on. Each client has a session of its own. */
export function useClient(next) {
  client = next;
  nest = new NestClient({
    url: location.origin,
    clientId: next.id,
    redirectUri: next.redirect_uri,
    store: webStore(localStorage, `${next.id}.`),
    fetch: recordedFetch,
  });
}

const stored = ({ id }, name) => JSON.parse(localStorage.getItem(`${id}.${name}`) ?? "null");

/** The tokens of the signed-in user, or null. For display only, because any call may refresh them. */
export const current = () => client && stored(client, "tokens");

/** Whether a client requested the magic link with this state from this browser. */
export const isRequestedBy = (client, state) =>
  stored(client, "tokens")?.link_state === state ||
  (stored(client, "links") ?? []).some((link) => link.state === state);
