import type { Messages } from "./message_table.ts";

export { GERMAN } from "./german.ts";
export type { MessageKey, Messages } from "./message_table.ts";

const INVALID_REQUEST = "The app sent a request that is not valid. Update the app, then try again.";
const MISCONFIGURED = "The app is not set up correctly. Please contact its support.";
const OTHER_DEVICE = "Open the link on the device that requested it, or request a new one.";
const OLD_LINK = "This link is no longer valid. Request a new one.";
const SIGNED_OUT = "You are signed out. Sign in again.";
const FAILED = "Something went wrong. Try again. If it happens again, contact support.";
const OFFLINE = "There is no connection to the server. Check your internet connection, then try again.";

const CHECKOUT = {
  payment_required: "A payment is due. Pay it, then try again.",
  checkout_required: "You have no paid subscription yet. Choose a plan and pay for it.",
  subscription_ending: "Your subscription is about to end. Renew it first.",
  plan_not_found: "This plan does not exist. Choose another one.",
  plan_ended: "This plan is no longer sold. Choose another one.",
  price_not_found: "This plan can't be bought at the moment. Contact support.",
  invalid_checkout_url: MISCONFIGURED,
};

/** The sentences in English, for the person who uses the app. */
export const ENGLISH: Messages = {
  ...CHECKOUT,
  validation_failed: INVALID_REQUEST,
  body_missing: INVALID_REQUEST,
  malformed_json: INVALID_REQUEST,
  body_too_large: INVALID_REQUEST,
  code_missing: INVALID_REQUEST,
  nonce_missing: INVALID_REQUEST,
  code_verifier_missing: INVALID_REQUEST,
  redirect_uri_missing: INVALID_REQUEST,
  refresh_token_missing: INVALID_REQUEST,
  client_not_found: MISCONFIGURED,
  grant_not_allowed: MISCONFIGURED,
  invalid_redirect_uri: MISCONFIGURED,
  sender_not_allowed: MISCONFIGURED,
  link_placeholder_missing: MISCONFIGURED,
  incorrect_client: MISCONFIGURED,
  incorrect_redirect_uri: MISCONFIGURED,
  invalid_email: "This email address is not valid. Check it, then try again.",
  email_not_sent: "The email could not be sent. Try again.",
  invalid_identifier: "This email address or phone number is not valid. Check it, then try again.",
  passkey_failed: "This passkey could not sign you in. Sign in another way.",
  passkey_challenge_expired: "This took too long. Try it again.",
  mfa_failed: "This code is wrong, or was used before. Check it, or wait for the next one.",
  mfa_token_expired: "This took too long, or too many codes were wrong. Sign in again.",
  mfa_required: "A second step is needed to sign in.",
  mfa_enrollment_required: "Set up a second step to sign in.",
  mfa_required_by_policy: "You need a second step here. Add another one before you remove this one.",
  mfa_not_enabled: "You have not set up a second step.",
  mfa_confirmation_required:
    "Some programs can't ask for a second step, and will not be able to sign you in. Confirm that you want this.",
  factor_repeats_sign_in:
    "You sign in by the same mailbox or number, so this would be no second step. Use an authenticator app.",
  too_many_factors: "You have too many second steps. Remove one first.",
  factor_not_found: "This second step does not exist, or was removed. Load the page again.",
  factor_type_not_allowed: MISCONFIGURED,
  invalid_credentials: "The address or the password is wrong. Check both, then try again.",
  country_not_allowed: "Codes can't be sent to phone numbers in this country. Use an email address.",
  cookies_not_enabled: MISCONFIGURED,
  captcha_required: "Confirm that you are a person, then try again.",
  captcha_failed: "It could not be confirmed that you are a person. Try again.",
  captcha_unavailable: "It can't be checked at the moment that you are a person. Try again in {wait}.",
  delivery_failed: "The code could not be sent. Try again.",
  registration_disabled: "Registration is not possible here.",
  identifier_taken: "There is an account with this email address or phone number. Sign in instead.",
  password_not_acceptable:
    "This password is not secure enough. Choose a longer one that others would not guess.",
  identifier_not_found: "This address or number was removed. Load the page again.",
  already_verified: "This address or number is already confirmed.",
  identifier_not_verified: "Confirm this address or number first.",
  user_not_found: "This user does not exist, or no longer exists.",
  cannot_disable_self: "You can't disable yourself.",
  delete_not_allowed: "You can't delete this person here. You can only remove them from the account.",
  unknown_capability: INVALID_REQUEST,
  capability_escalation: "You can't give or change rights that you don't have yourself.",
  role_not_found: "This role does not exist, or no longer exists.",
  role_built_in: "This role is built in and can't be changed.",
  role_in_use: "Somebody still has this role. Take it from everybody first.",
  too_many_roles: "There are too many roles. Delete one first.",
  own_address_not_verified: "Confirm your own email address first.",
  account_not_found: "This account does not exist, or you are no longer part of it.",
  too_many_accounts: "You are in too many accounts already.",
  last_owner: "This is the last owner of the account. Make somebody else an owner first.",
  unknown_event: INVALID_REQUEST,
  webhook_url_not_allowed: "Messages can't be sent to this address. Take a public https address.",
  webhook_not_found: "This webhook no longer exists.",
  delivery_not_found: "This delivery no longer exists.",
  too_many_webhooks: "There are too many webhooks. Delete one first.",
  webhook_disabled: "The webhook is disabled. Enable it first.",
  active_subscription: "Cancel your subscription first.",
  last_admin: "This is the last administrator. Make somebody else an administrator first.",
  last_sign_in_method: "This is your last way to sign in. Add and confirm another address or number first.",
  provider_not_found: "You can't sign in this way at present. Choose another way.",
  oauth_identity_not_found: "This account is no longer connected. Load the page again.",
  too_many_oauth_identities: "You have connected too many accounts. Disconnect one first.",
  oauth_identity_taken: "This account is connected to somebody else. Choose another one.",
  verification_not_found: "This code is wrong, or is no longer valid. Check it, or request a new one.",
  malformed_code: "This link is not complete. Copy all of it, or request a new one.",
  malformed_refresh_token: SIGNED_OUT,
  incorrect_code_verifier: OTHER_DEVICE,
  unknown_link: OTHER_DEVICE,
  authorization_not_found: OLD_LINK,
  token_not_found: OLD_LINK,
  token_expired: "This link has expired. Request a new one.",
  token_used: "This link was already used. Request a new one.",
  unauthorized: SIGNED_OUT,
  signed_out: SIGNED_OUT,
  access_denied: "You are not allowed to do this.",
  reauthentication_required: "You signed in a while ago. Sign in again to do this.",
  session_not_found: "This session does not exist, or no longer exists.",
  not_found: "This does not exist, or no longer exists.",
  no_active_subscription: "You have no active subscription.",
  already_subscribed: "You already have a subscription. Sign in to use it.",
  trial_already_used: "The free trial was already used.",
  awaiting_consent: "You have not yet chosen whether to receive news.",
  rate_limited: "There were too many attempts. Try again in {wait}.",
  unavailable: "The server is busy. Try again in {wait}.",
  stripe_error: "The payment service does not respond. Try again.",
  unknown: FAILED,
  unexpected_answer:
    "The server's response could not be read. Check your internet connection, then try again.",
  network: OFFLINE,
  timeout: "The server did not respond in time. Try again.",
  aborted: "This was canceled.",
  refresh_failed: "You are still signed in, but the server can't be reached. Try again.",
  NotAllowedError: "No passkey was used. Try it again, or choose another way.",
  InvalidStateError: "This device already has a passkey for your account.",
  AbortError: "This was canceled.",
  declined: "You declined, so you are not signed in. Try again, or choose another way.",
  account_exists: "There is an account with this email address. Sign in another way, then connect this one.",
  temporarily_unavailable: "The other service does not respond. Try again later.",
  server_error: "The other service could not sign you in. Try again, or choose another way.",
  other: FAILED,
};

/** What `messageOf` reads of an error. */
interface ErrorParts {
  name?: unknown;
  kind?: unknown;
  code?: unknown;
  retryAfterSeconds?: unknown;
}

/** The locale, or its language if `Intl` can't read the locale: some systems write `de_DE` or `en-US@posix`. */
function readable(locale: string): string {
  try {
    return Intl.getCanonicalLocales(locale)[0] ?? "en";
  } catch {
    return /^[a-z]{2,3}(?![a-z])/i.exec(locale)?.[0] ?? "en";
  }
}

/** The time until the next try, rounded up, such as `40 seconds` or `2 minutes`. */
function waitOf(seconds: number, locale: string): string {
  const units = [
    ["second", 1, 60],
    ["minute", 60, 90 * 60],
    ["hour", 60 * 60, Number.POSITIVE_INFINITY],
  ] as const;
  const [unit, length] = units.find(([, , most]) => seconds < most) ?? units[2];
  const format = new Intl.NumberFormat(readable(locale), { style: "unit", unit, unitDisplay: "long" });
  return format.format(Math.ceil(seconds / length));
}

/**
 * A sentence about an error that the client threw, for the person who uses the app. It names no address and no token. Also takes an error
 * of the browser about a passkey, and the text `error` with which a person returns from an OAuth provider.
 * @param options.messages replaces sentences, for example by those in `GERMAN`
 * @param options.locale formats times. Default: `en`
 * @example
 * await nest.sendMagicLink(address).catch((error) => show(messageOf(error)));
 */
export function messageOf(
  error: unknown,
  { messages = {}, locale = "en" }: { messages?: Partial<Messages>; locale?: string } = {},
): string {
  const { name, kind = name, code, retryAfterSeconds } = Object(error) as ErrorParts;
  const own = (table: Partial<Messages>, key: unknown) =>
    typeof key === "string" && Object.hasOwn(table, key) ? table[key as keyof Messages] : undefined;
  const returned = error === "access_denied" ? "declined" : error;
  const key = typeof error === "string" ? returned : kind === "answer" ? code : kind;
  const message = (own(messages, key) ?? own(ENGLISH, key)) || messages.other || ENGLISH.other;
  const isTime = typeof retryAfterSeconds === "number" && retryAfterSeconds >= 0 && retryAfterSeconds < 1e9;
  return message.replace("{wait}", () => waitOf(isTime ? retryAfterSeconds : 60, locale));
}
