import app from "#app";
import { cursorAfter } from "#core/paging.ts";
import { accountFields } from "#tools/openapi/account_fields.ts";
import { auditFieldDocs } from "#tools/openapi/audit_fields.ts";
import type { FieldDocumentation } from "#tools/openapi/field_documentation.ts";
import { mfaFieldDocs } from "#tools/openapi/mfa_fields.ts";
import { oauthFields } from "#tools/openapi/oauth_fields.ts";
import { passkeyFieldDocs } from "#tools/openapi/passkey_fields.ts";
import { peopleFields } from "#tools/openapi/people_fields.ts";
import { registrationFields } from "#tools/openapi/registration_fields.ts";
import { roleFields } from "#tools/openapi/role_fields.ts";
import { supportFields } from "#tools/openapi/support_fields.ts";
import type { Schema } from "#tools/openapi/types.ts";
import { webhookFieldDocs } from "#tools/openapi/webhook_fields.ts";
import { sampleClient } from "#tools/stage/sample_client.ts";

/** A timestamp on the wire: RFC 3339, UTC, milliseconds. */
export const TIMESTAMP: Schema = {
  format: "date-time",
  pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$",
};

const CLIENT = sampleClient(app);
const PLAN = app.plans[0]?.id ?? "pro";
const USER = "user_2hF4hEJqzyYxw9P8Wc1ZbXv5nQk";
/** As `list_sessions` returns it. */
const CURSOR = cursorAfter(
  { createdAt: "2026-03-14T09:26:53.589Z", _id: "session_2hF4hRz5XdBt8Wn2Mf7Vk1Qc4Ys" },
  { method: "list_sessions" },
);
const OPAQUE = "An opaque string: compare it, do not parse it.";

const timestamp = (
  description: string,
  example: string | null = "2026-03-14T09:26:53.589Z",
): FieldDocumentation => ({ description, example, narrows: TIMESTAMP });

/**
 * Describes every field on the wire, keyed by its name, or by `<method>.<path>` where one name has several meanings.
 * The descriptions are kept here, outside the declarations, so that no deployed function bundles them.
 */
export const FIELDS: Readonly<Record<string, FieldDocumentation>> = {
  client_id: {
    description: "The OAuth client's id.",
    example: CLIENT.clientId,
  },
  user_id: { description: `The user's id. ${OPAQUE}`, example: USER },
  ...registrationFields(timestamp, CLIENT.redirectUri),
  ...webhookFieldDocs(timestamp),
  ...oauthFields(TIMESTAMP, CLIENT.redirectUri),
  ...auditFieldDocs(timestamp),
  ...mfaFieldDocs(timestamp),
  ...passkeyFieldDocs(timestamp),

  redirect_uri: {
    description:
      "The URL that the magic link opens. It must equal one of the client's redirect URIs exactly.",
    example: CLIENT.redirectUri,
  },
  state: {
    description:
      "Returned unchanged in the link. The client uses it to find the code verifier, so generate a new random value for each link (RFC 6749, section 10.12).",
    example: "5sCMVbRsG3ZBkN0vSgX1yw",
  },
  code_challenge_method: {
    description: "How the code challenge was computed (RFC 7636, section 4.3).",
    example: "S256",
  },
  code_challenge: {
    description:
      "The SHA-256 of the code verifier as unpadded base64url, 43 characters (RFC 7636, section 4.2). 64 hex digits are also accepted.",
    example: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
  },
  identifier_type: {
    description: "The type of the identifier.",
    example: "email",
    narrows: { enum: ["email"] },
  },
  identifier_value: {
    description:
      "The email address as the user typed it. The mail is sent to this spelling; addresses that differ only in case belong to the same user.",
    example: "ada@example.com",
  },
  identifier_id: {
    description: `The id of one of the user's identifiers. ${OPAQUE}`,
    example: "userident_2hF4hQv8WbZr1Ym6Kc3Td0Ls9Xp",
  },
  "send_verification.identifier_id": {
    description: `The identifier to verify. In a request: one of the user's identifiers that is not verified yet; leave it out for a new address or number. ${OPAQUE}`,
    example: "userident_2hF4hQv8WbZr1Ym6Kc3Td0Ls9Xp",
  },
  "send_verification.identifier_type": {
    description: "`email` or `phone`. Leave it out with `identifier_id`.",
    example: "email",
    narrows: { enum: ["email", "phone"] },
  },
  "send_verification.identifier_value": {
    description:
      "The email address, or the phone number with its country code, as the user typed it. Leave it out with `identifier_id`.",
    example: "ada@example.org",
  },
  "remove_identifier.removed_at": timestamp("When the address or number was removed."),
  "send_verification.delivery": {
    description: "`link`: the mail has a link. `code`, the default: it has a code. An SMS always has a code.",
    example: "code",
    narrows: { enum: ["code", "link"] },
  },
  "send_verification.redirect_uri": {
    description:
      "For a link: the page that it opens, one of the client's redirect URIs. Absent: the app's own page, which hands the token to the app.",
    example: CLIENT.redirectUri,
  },
  "send_verification.nonce": {
    description: "A secret of the app that asked for the message. Keep it until the code is presented.",
    example: "3f9a0c5b7d1e8f24a6b3c9d0e1f2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4",
  },
  "send_verification.expires_at": timestamp("When the code or the link expires."),
  "verify_identifier.nonce": {
    description: "With `code`: the nonce that `send_verification` returned.",
    example: "3f9a0c5b7d1e8f24a6b3c9d0e1f2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4",
  },
  "verify_identifier.code": {
    description: "With `nonce`: the six digits of the message.",
    example: "042917",
  },
  "verify_identifier.token": {
    description: "The token in the link. Leave it out if you send nonce and code.",
    example: "5d6e7f8091a2b3c4d5e6f708192a3b43f9a0c5b7d1e8f24a6b3c9d0e1f2a3b4c",
  },
  "check_verification.token": {
    description: "The token in the link.",
    example: "5d6e7f8091a2b3c4d5e6f708192a3b43f9a0c5b7d1e8f24a6b3c9d0e1f2a3b4c",
  },
  valid: {
    description: "Always true. A token that is not valid gets `verification_not_found`.",
    example: true,
  },
  purpose: {
    description: "What the token is for.",
    example: "verify_identifier",
  },
  "check_verification.expires_at": timestamp("When the token expires."),
  "verify_identifier.identifier.id": {
    description: `The identifier's id. ${OPAQUE}`,
    example: "userident_2hF4hQv8WbZr1Ym6Kc3Td0Ls9Xp",
  },
  "verify_identifier.identifier.identifier_value": {
    description: "The email address in lower case.",
    example: "ada@example.com",
  },
  "verify_identifier.identifier.created_at": timestamp("When the identifier was created."),
  "verify_identifier.identifier.identifier_type": {
    description: "The type of the identifier.",
    example: "email",
    narrows: { enum: ["email", "phone"] },
  },
  "set_primary_identifier.identifier.id": {
    description: `The identifier's id. ${OPAQUE}`,
    example: "userident_2hF4hQv8WbZr1Ym6Kc3Td0Ls9Xp",
  },
  "set_primary_identifier.identifier.identifier_value": {
    description: "The email address in lower case.",
    example: "ada@example.com",
  },
  "set_primary_identifier.identifier.created_at": timestamp("When the identifier was created."),
  "set_primary_identifier.identifier.identifier_type": {
    description: "The type of the identifier.",
    example: "email",
    narrows: { enum: ["email", "phone"] },
  },
  "verify_identifier.identifier": { description: "The verified identifier." },
  "set_primary_identifier.identifier": {
    description: "The identifier, which is the primary one of its type now.",
  },
  is_primary: {
    description:
      "Whether this is the primary identifier of its type. The user chooses it with `set_primary_identifier`; without a choice, it is the oldest verified identifier.",
    example: true,
  },
  is_pending: {
    description:
      "Whether the user wants to add it and has not verified it yet. Then it belongs to nobody, and `verified_at` is null.",
    example: false,
  },
  "get_user.identifiers[].identifier_type": {
    description: "The type of the identifier.",
    example: "email",
    narrows: { enum: ["email", "phone"] },
  },
  "send_otp.identifier_type": {
    description: "`phone`: the code comes by SMS. `email`: it comes by mail.",
    example: "phone",
    narrows: { enum: ["email", "phone"] },
  },
  "send_otp.identifier_value": {
    description:
      "The email address, or the phone number with its country code, as the user typed it. A plus sign, spaces, hyphens, dots and parentheses may stand in a number.",
    example: "+447400123456",
  },
  "send_otp.delivery": {
    description:
      "`code`, the default: the message has a code. `link`: the mail has a link, which works on every device; the client must list the grant `otp_link`. An SMS can't have a link.",
    example: "code",
    narrows: { enum: ["code", "link"] },
  },
  "send_otp.redirect_uri": {
    description:
      "For a link: the page that it opens, one of the client's redirect URIs. Absent: the app's own page, which hands the token to the app.",
    example: CLIENT.redirectUri,
  },
  "send_otp.email": {
    description:
      "For a link: what the mail has in place of the usual sender, subject and body. Without an internal key it counts only if the client's app file has a mail with exactly these texts (`emailTemplates`).",
  },
  "send_otp.device": { description: "The device that requests the code." },
  device_id: {
    description:
      "An id that the app gave its device. It becomes the claim `device_id` of access tokens. It identifies nothing to Nest.",
    example: "0b7c2f3e-5f0e-4a8e-9a52-6c1f7d1f3a11",
  },
  set_cookie: {
    description:
      "Whether the tokens go into cookies. Absent: as `cookies.default` of the client in the app file. Ignored if the refresh token comes from a cookie.",
    example: false,
  },
  captcha_token: {
    description:
      "The token of the page's CAPTCHA, at most 2048 characters. Required if the client's app file names the method in `captcha.requiredFor`, else ignored. A token works once.",
    example: "0.zrSnRHO7h0HwSjSCU8oyzbjEtD8p",
  },
  nonce: {
    description:
      "For `otp`: the nonce that `send_otp` returned with the code. For `authorization_code` with `user_code`: the nonce that `send_magic_link` returned.",
    example: "3f9a0c5b7d1e8f24a6b3c9d0e1f2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4",
  },
  user_code: {
    description:
      "For `authorization_code`, in place of `code`: the eight characters that the person typed from the mail. Lower case, spaces and dashes are accepted. It allows five attempts.",
    example: "BCDF-GH34",
  },
  "send_magic_link.email": {
    description:
      "What differs from the usual mail. Only for callers with an internal key. What is left out is as usual.",
  },
  from_email: {
    description: "The sender's address: one of the client's `emailSenders`.",
    example: "hello@acme.example",
  },
  from_name: { description: "The sender's name.", example: "Acme" },
  subject: { description: "The subject, one line.", example: "Your link for Acme" },
  html_body: {
    description:
      "The body, in HTML. `[link]` stands for the link: as the `href` of an `a` element, or in a text. Images, scripts, forms, other links, and styles that can hide a text are removed. The text part of the mail is made of it. A custom body shows no user code.",
    example: '<p>Hello!</p><p><a href="[link]">Sign in</a></p>',
  },
  "send_magic_link.nonce": {
    description:
      "A secret of the app that requested the link. Keep it with the code verifier if the client shows user codes.",
    example: "3f9a0c5b7d1e8f24a6b3c9d0e1f2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4",
  },
  "send_magic_link.expires_at": timestamp("When the link and its code expire."),
  "send_otp.nonce": {
    description: "A secret of the app that requested the code. Keep it until the code is exchanged.",
    example: "3f9a0c5b7d1e8f24a6b3c9d0e1f2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4",
  },
  "send_otp.expires_at": timestamp("When the code or the link expires."),
  resend_at: timestamp("From when another code or link can be requested for the address or number."),
  "send_magic_link.resend_at": timestamp(
    "From when another link can be requested for the address: at once, or after 60 s if the client shows user codes. Daily limits apply too.",
  ),
  code_length: {
    description: "The number of digits of the code; null for a link.",
    example: 6,
    narrows: { type: "integer" },
  },
  user_created: {
    description: "Whether the code or the link created the user. Only in the response to the grant `otp`.",
    example: true,
  },
  "authenticate_user.token": {
    description: "For `otp`, in place of `nonce` and `code`: the token in the link that `send_otp` mailed.",
    example: "5d6e7f8091a2b3c4d5e6f708192a3b43f9a0c5b7d1e8f24a6b3c9d0e1f2a3b4c",
  },
  "authenticate_user.identifier_type": {
    description: "For `password`: the type of the identifier.",
    example: "email",
    narrows: { enum: ["email", "phone"] },
  },
  "authenticate_user.identifier_value": {
    description:
      "For `password`: the email address, or the phone number with its country code, as the user typed it. For `otp` with `token`, it must be the address of the link, if it is sent.",
    example: "ada@example.com",
  },
  password: {
    description:
      "For `password`: the password as the user typed it, with every space. Different ways to write the same characters are equal (NFKC).",
    example: "correct horse battery staple 1",
  },
  password_change_required: {
    description:
      "Whether the user must set another password, because somebody else chose this one. Only in the response to the grant `password`.",
    example: false,
  },
  "authenticate_user.device": {
    description:
      "For `otp`, `password` and `user_code`: the device that signs in. A device that signed in before has attempts of its own.",
  },
  device: {
    description:
      "The device that sends the request. A device that has signed in to this address before has its own rate limit, which requests from other devices do not use up.",
  },
  "list_sessions.[].device": {
    description: "The device that requested the link; null if the request did not describe one.",
  },
  "list_sessions.[].device.beak_id": {
    description:
      "The SHA-256 of the device's `beak_id`, in hex. The value itself is not returned, because rate limits recognize a device by it.",
    example: "13550350a8681c84c861aac2e5b440161c2b33a3e4f302ac680ca5b686de48de",
  },
  "list_sessions.[].device.fingerprint": {
    description: "The SHA-256 of the device's fingerprint, in hex.",
    example: "f6e0a1e2ac41945a9aa7ff8a8aaa0cebc12a3bcc981a929ad5cf810a090e11ae",
  },
  platform: {
    description: "The device's operating system.",
    example: "mac",
    narrows: { enum: ["mac", "windows", "linux"] },
  },
  beak_id: {
    description: "A random string that the installation generates once and keeps.",
    example: "3q2-7wEjJ4K0pYcRkq8mXw",
  },
  fingerprint: { description: "A hash of the device's hardware.", example: "mZ0uE5y0Hq8Z1tqfJ1pRkA" },

  grant_type: {
    description: "The grant to exchange. Fields of other grants are ignored.",
    example: "authorization_code",
  },
  code: {
    description:
      "For `authorization_code`: the code from the magic link. It works once and expires after 20 minutes; the code of a sign-in with an OAuth provider, after 5 minutes. For `otp`: the digits from the SMS or the mail. For `mfa`: the digits that the authenticator app shows, or that were sent.",
    example:
      "authzcode_2hF4hH2mK8sXq0Jd3VtYb7Lr9Pw.5f1c0d9a7b3e8264af90d1c2b3a4958677e8f9a0b1c2d3e4f5061728394a5b6c",
  },
  code_verifier: {
    description:
      "For `authorization_code`: the random string whose hash was sent as `code_challenge` when the link was requested. Keep it on the device until this call (RFC 7636, section 4.1).",
    example: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
  },
  "authenticate_user.redirect_uri": {
    description: "For `authorization_code`: the redirect URI that was sent when the link was requested.",
    example: CLIENT.redirectUri,
  },
  refresh_token: {
    description:
      "An opaque string. It expires after 365 days and works once: using it returns its successor. Keep only the newest.",
    example:
      "01.reftok_2hF4hK9dQm3RzT6Wv1XcYb8Ns5J.9a8b7c6d5e4f30213243546576879809a1b2c3d4e5f60718293a4b5c6d7e8f90",
  },
  access_token: {
    description:
      "A JWS to send in the `authorization` header (RFC 9068). Clients must treat it as opaque: only a call shows whether it is still valid, because a session can be revoked.",
    example: "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiJ1c2VyXzAifQ.c2lnbmF0dXJl",
  },
  token_type: { description: "The scheme to send the access token with.", example: "bearer" },
  expires_in: {
    description: "Seconds until the access token expires.",
    example: 3600,
    narrows: { type: "integer", minimum: 0 },
  },
  expires_at: timestamp("When the access token expires."),

  level: {
    description: "`general`: the user agrees to receive news and offers by email. `none`: the user does not.",
    example: "general",
  },
  email: { description: "An email address.", example: "ada@example.com" },

  "list_news_items.[].id": {
    description: `The news item's id. ${OPAQUE}`,
    example: "newsitem_2hF4hPq1ZsXw7Lk5Nd0Rm3Vt8Yc",
  },
  primary: { description: "The banner to show." },
  fallback: {
    description: "The banner for clients that do not know `primary.code`; null if there is none.",
    example: null,
  },
  "list_news_items.[].primary.code": { description: "The type of the banner.", example: "generic_banner" },
  "list_news_items.[].fallback.code": { description: "The type of the banner.", example: "generic_banner" },
  dismissible: { description: "Whether the user can close the banner.", example: true },
  payload: { description: "The content of the banner, as plain text." },
  emoji: { description: "An emoji to show before the title.", example: app.emoji },
  title: { description: "The title, one line.", example: `${app.name} 2 is here` },
  body: { description: "The text, one or two sentences.", example: "It sends requests twice as fast." },
  action: { description: "The banner's button; null if there is none." },
  cta: { description: "The label of the button.", example: "See what is new" },
  url: {
    description: "The URL that the button opens.",
    example: app.urls.site,
    narrows: { format: "uri" },
  },

  "get_subscription_status.status": {
    description:
      "The status of the subscription in Stripe. Only usable statuses are returned. `past_due`: a payment failed and Stripe retries it.",
    example: "active",
    narrows: { enum: ["active", "trialing", "past_due", "incomplete"] },
  },
  billing_portal_url: {
    description:
      "A link to Stripe's billing portal, where the user changes or cancels the subscription. It is a short-lived credential: open it, do not store it. Null if Stripe does not respond in time.",
    example: "https://billing.stripe.com/p/session/test_YWNjdF8x",
    narrows: { format: "uri" },
  },
  start_date: timestamp("When the current period started.", "2026-03-01T00:00:00.000Z"),
  end_date: timestamp(
    "When access ends: with the paid period or the trial, at `cancel_at` if that is earlier, or when the time to pay an open invoice is over. It becomes later when the subscription renews or its open invoice is paid. The 24 hours of grace are not included.",
    "2026-04-01T00:00:00.000Z",
  ),
  cancel_at: timestamp("When the subscription will end, if it was canceled; otherwise null.", null),
  cancel_type: {
    description:
      "`period_end`: canceled, and usable until the paid period ends. `immediate`: canceled with immediate effect. Null: not canceled.",
    example: null,
    narrows: { enum: ["immediate", "period_end"] },
  },
  cancelled_at: timestamp("When the cancellation was requested; null if it was not.", null),
  entitlement: {
    description:
      "A JWS that lets a client work offline until its `exp`, at most 14 days. Installed desktop builds do not read it. Null for an internal caller and while a payment is disputed.",
    example: "eyJhbGciOiJFUzI1NiIsInR5cCI6ImVudGl0bGVtZW50K2p3dCJ9.eyJzdGF0dXMiOiJhY3RpdmUifQ.c2lnbmF0dXJl",
  },

  plan: { description: "The plan's id, as `list_plans` returns it.", example: PLAN },
  "get_subscription_status.plan": {
    description:
      "The id of the plan; null if the subscription has a price that no plan has. Also a plan that is not sold anymore.",
    example: PLAN,
  },
  features: {
    description:
      "What the plan lets the user do, as names that the app defines. A client shows or hides a function by its name and ignores names that it does not know.",
    example: ["unlimited_projects"],
  },
  success_url: {
    description:
      "Where the user goes after the payment: one of the client's checkout URLs. A query and a fragment may be added; Stripe replaces `{CHECKOUT_SESSION_ID}` in it.",
    example: `${app.urls.site}?bought=yes`,
    narrows: { format: "uri" },
  },
  cancel_url: {
    description:
      "Where the user goes back to without paying: one of the client's checkout URLs. A query and a fragment may be added.",
    example: app.urls.site,
    narrows: { format: "uri" },
  },
  "create_checkout_session.url": {
    description:
      "The page to open in the user's browser. Do not store it: the URL opens the user's checkout page for anybody.",
    example: "https://checkout.stripe.com/c/pay/cs_test_a1b2c3",
    narrows: { format: "uri" },
  },
  "create_checkout_session.expires_at": timestamp("When the page can't be paid anymore."),
  "list_plans.[].id": { description: "The plan's id, which never changes.", example: PLAN },
  name: { description: "The plan's name in the language of the client.", example: app.name },
  interval: {
    description: "How often the plan is charged.",
    example: "month",
    narrows: { enum: ["day", "week", "month", "year"] },
  },
  currency: { description: "Three lower-case letters (ISO 4217).", example: "gbp" },
  unit_amount: {
    description: "The price for each interval, in the smallest unit of the currency: 499 is 4.99 GBP.",
    example: 499,
    narrows: { minimum: 0 },
  },
  trial_days: { description: "The length of the plan's free trial; null if it has none.", example: 14 },

  "get_user.id": { description: `The user's id. ${OPAQUE}`, example: USER },
  "get_user.created_at": timestamp(
    "When the user was created: at the first sign-in, or with a subscription in Stripe.",
  ),
  account_id: {
    description: `The account in which the user acts. Each user owns one from the start. ${OPAQUE}`,
    example: "account_2hF4hQv8WbZr1Ym6Kc3Td0Ls9Xp",
  },
  "get_user.email": {
    description:
      "The primary email address. The user chooses it with `set_primary_identifier`; without a choice, it is the oldest verified address, or an unverified address if no address is verified. Null if the user has no address.",
    example: "ada@example.com",
  },
  "get_user.name": {
    description: "What the user is called; null if it is not known.",
    example: "Ada Lovelace",
  },
  locale: {
    description: "The language that the user chose for mails; null for the language of the client.",
    example: null,
  },
  has_password: {
    description: "Whether the user has a password. Then `set_password` needs it as `current_password`.",
    example: true,
  },
  mfa_enabled: {
    description: "Whether the user has a second factor, which every sign-in requires.",
    example: true,
  },
  "get_user.role": {
    description:
      "The level of the user's role in the account: owner 100, admin 80, member 50, or that of a custom role.",
    example: 100,
  },
  "get_user.role_key": {
    description:
      "The key of the user's role in the account. Null if the role was deleted: it allows nothing.",
    example: "owner",
  },
  ...roleFields(timestamp),
  ...peopleFields(timestamp, CLIENT),
  ...supportFields(timestamp),
  ...accountFields(timestamp, CLIENT.redirectUri),
  identifiers: { description: "Every email address that the user has or had." },
  "get_user.identifiers[].id": {
    description: `The identifier's id. ${OPAQUE}`,
    example: "userident_2hF4hQv8WbZr1Ym6Kc3Td0Ls9Xp",
  },
  "get_user.identifiers[].identifier_value": {
    description: "The email address in lower case.",
    example: "ada@example.com",
  },
  "get_user.identifiers[].created_at": timestamp("When the identifier was created."),
  updated_at: timestamp("When the identifier last changed; null if it never did."),
  verified_at: timestamp(
    "When the address was verified: when a magic link sent to it was first redeemed, or earlier in the system that the user was imported from. Null if it was not verified.",
  ),
  removed_at: timestamp(
    "When the identifier was removed from the user; null while it belongs to the user.",
    null,
  ),

  user_agent: {
    description: "The `user-agent` header of the program that signed in; null if it sent none.",
    example: "Acme/2.1 (Macintosh)",
  },
  "list_sessions.items": { description: "The sessions of this page." },
  "list_sessions.items[].device": {
    description: "The device that requested the link; null if the request did not describe one.",
  },
  "list_sessions.items[].device.beak_id": {
    description:
      "The SHA-256 of the device's `beak_id`, in hex. The value itself is not returned, because rate limits recognize a device by it.",
    example: "13550350a8681c84c861aac2e5b440161c2b33a3e4f302ac680ca5b686de48de",
  },
  "list_sessions.items[].device.fingerprint": {
    description: "The SHA-256 of the device's fingerprint, in hex.",
    example: "f6e0a1e2ac41945a9aa7ff8a8aaa0cebc12a3bcc981a929ad5cf810a090e11ae",
  },
  "list_sessions.items[].id": {
    description: "The session's id. Pass it to `revoke_session` to end the session.",
    example: "session_2hF4hRz5XdBt8Wn2Mf7Vk1Qc4Ys",
  },
  "list_sessions.items[].client_id": {
    description: "The OAuth client that signed in.",
    example: CLIENT.clientId,
  },
  "list_sessions.items[].created_at": timestamp("When the session started."),
  "list_sessions.items[].expires_at": timestamp("When the session ends unless it is refreshed before."),
  limit: { description: "The most items of a page. Default: 50.", example: 50 },
  cursor: {
    description: "`next_cursor` of the page before. Absent for the first page.",
    example: CURSOR,
  },
  next_cursor: {
    description: "Pass it as `cursor` for the next page; null at the end of the list.",
    example: CURSOR,
  },
  auth_time: timestamp(
    "When the person last proved who they are. Some calls need this to be at most 10 minutes ago; a refresh does not change it.",
  ),
  amr: {
    description:
      "How the person proved who they are (RFC 8176). `link`: with a link that was mailed to their address; `otp`: with a code that was sent to it, or of an authenticator app; `sms`: with a code by SMS as the second factor; `pwd`: with their password; `fed`: with an account at an OAuth provider; `pop`: with a passkey; `mfa`: with two factors.",
    example: ["link"],
  },
  lifetime: {
    description: "How long the token is valid, in seconds. Default: as long as the client's tokens.",
    example: 600,
  },
  "issue_token.device": { description: "The device that the token is for." },
  "issue_token.amr": { description: "`test`: nobody proved who they are.", example: ["test"] },
  "issue_token.auth_time": timestamp("When the token was issued."),
  "issue_token.session_id": {
    description: "The session of the token. It ends with it, and can be revoked before.",
    example: "session_2hF4hRz5XdBt8Wn2Mf7Vk1Qc4Ys",
  },
  "authenticate_user.session_id": {
    description: "The session that the tokens belong to.",
    example: "session_2hF4hRz5XdBt8Wn2Mf7Vk1Qc4Ys",
  },
  "disown_session.token": {
    description: "The token in the link of the mail, `disown`.",
    example: "7c1e5f9a0b3d2e4f6a8c9d0e1f2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c",
  },
  revoked_at: timestamp("When the session ended."),
  except_current: {
    description:
      "Whether the session of the access token stays. Default: true. An internal key has no session.",
    example: true,
  },
  revoked: {
    description: "How many sessions this call ended.",
    example: 2,
    narrows: { type: "integer", minimum: 0 },
  },
  session_id: {
    description: "The session's id, as `list_sessions` returns it.",
    example: "session_2hF4hRz5XdBt8Wn2Mf7Vk1Qc4Ys",
  },
  "list_sessions.[].id": {
    description: "The session's id. Pass it to `revoke_session` to end the session.",
    example: "session_2hF4hRz5XdBt8Wn2Mf7Vk1Qc4Ys",
  },
  "list_sessions.[].client_id": {
    description: "The OAuth client that signed in.",
    example: CLIENT.clientId,
  },
  ip: { description: "The IP address that signed in.", example: "203.0.113.9" },
  "list_sessions.[].created_at": timestamp("When the user signed in."),
  last_used_at: timestamp("When the session's tokens were last issued or refreshed."),
  current: { description: "Whether this is the session of the bearer token in the request.", example: true },
};
