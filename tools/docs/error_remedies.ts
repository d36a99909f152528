import type { ErrorCode } from "#core/errors.ts";

const NEW_LINK = "Request a new magic link.";
const FIX_REQUEST = "Correct the program: the request never succeeds as it is.";
const REFRESH =
  "Refresh the access token once and repeat the call. If the refresh fails as well, show the sign-in.";
const RETRY = "Repeat the call, with growing pauses.";
const STRIPE_ONLY = "Only Stripe gets it, and delivers the event again.";

/** What the developer of a client does about each error, for docs/errors.md. */
export const REMEDIES: Readonly<Record<ErrorCode, string>> = {
  validation_failed: `${FIX_REQUEST} \`reasons\` names every invalid field.`,
  body_missing: "Send a JSON object; a method without fields takes `{}`.",
  malformed_json: `${FIX_REQUEST} Send JSON in UTF-8.`,
  malformed_url: "Call `POST /1/<date>/<method>`.",
  invalid_email: "Show the field to the person, who corrects the address.",
  invalid_redirect_uri:
    "Add the redirect URI to the client in the app file, or send a registered one, character by character.",
  cookies_not_enabled:
    "Leave out `set_cookie`, or set `cookies.enabled` of the client in the app file ([cookies](cookies.md)).",
  captcha_required: "Show the CAPTCHA, and repeat the call with its token as `captcha_token`.",
  captcha_failed:
    "Reset the CAPTCHA, and repeat the call with a new token. If it always fails, compare hostname and action with [CAPTCHA](captcha.md).",
  invalid_identifier: "Show the field to the person, who corrects the address or the number.",
  password_not_acceptable:
    "Show the field to the person with a sentence for each code in `reasons`. A long phrase is accepted.",
  link_placeholder_missing: "Put `[link]` into the text of the body, or into the `href` of a link.",
  country_not_allowed:
    "Offer a code by mail, or add the country to `phoneCountries` of the client in the app file.",
  invalid_checkout_url:
    "Add the page to `checkoutUrls` of the client in the app file, or send a listed one. Only query and fragment may differ.",
  code_missing: FIX_REQUEST,
  nonce_missing: FIX_REQUEST,
  code_verifier_missing: FIX_REQUEST,
  redirect_uri_missing: FIX_REQUEST,
  refresh_token_missing: FIX_REQUEST,
  malformed_code: `The link was cut off or changed. Ask the person to copy the whole link. ${NEW_LINK}`,
  malformed_refresh_token: "The stored token is damaged. Delete it and show the sign-in.",
  incorrect_client: "Send the `client_id` that requested the link or the session.",
  incorrect_redirect_uri: "Send the `redirect_uri` that was sent when the link was requested.",
  incorrect_code_verifier: `The link was requested by another device, or with another \`state\`. ${NEW_LINK}`,
  token_not_found: `Delete a refresh token and show the sign-in. For a code: ${NEW_LINK.toLowerCase()}`,
  token_used:
    "If the response to a code was lost, repeat the call after 5 s. Otherwise request a new magic link.",
  token_expired: NEW_LINK,
  authorization_not_found: NEW_LINK,
  unknown_event: "Send names of [the table of events](webhooks.md#events), or `*`.",
  webhook_url_not_allowed:
    "Send an `https` URL of a public host, on port 443 or 8443, without a user name. `reasons` say what is wrong with this one.",
  missing_webhook_body: STRIPE_ONLY,
  invalid_webhook_payload:
    "Compare `STRIPE_WEBHOOK_SECRETS` with the signing secret of the endpoint at Stripe.",
  invalid_credentials:
    "Let the person correct the fields, or offer a magic link. Do not say which of the two is wrong: Nest does not know.",
  mfa_failed: "Let the person correct the code. After five codes, the person must sign in again.",
  passkey_failed:
    "Offer another way to sign in. If all passkeys fail, compare `passkeys` of the client in the app file with the origin of the page. The log has the reason ([passkeys](passkeys.md#what-is-refused)).",
  passkey_challenge_expired:
    "Call `create_passkey_challenge` again, and let the person use the passkey again.",
  mfa_token_expired: "Show the sign-in page: the person must present the first factor again.",
  mfa_required:
    "Ask the person for a code of one of `meta.factors`, or for a recovery code, and send it with the grant `mfa` ([second factors](mfa.md)).",
  mfa_enrollment_required:
    "Call `create_mfa_factor` and `verify_mfa_factor` with `meta.mfa_token`, and then let the person sign in again ([second factors](mfa.md)).",
  mfa_required_by_policy: "Add another second factor first.",
  mfa_not_enabled: "Offer `create_mfa_factor`.",
  mfa_confirmation_required:
    "Tell the person which programs they can't use any more, and repeat the call with `confirm: true` if they agree.",
  factor_repeats_sign_in:
    "Offer an authenticator app or a passkey. If a removal was refused, let the person first remove the factors that would be left, or add another factor.",
  too_many_factors: "Let the person remove a second factor first.",
  factor_not_found: "List the factors again.",
  factor_type_not_allowed: "Offer another type, or add it to `mfa.factors` of the client in the app file.",
  unauthorized: REFRESH,
  no_active_subscription: "Keep the person signed in and offer a plan.",
  payment_required: "Open `meta.billing_portal_url`, where the person pays. If it is null, repeat the call.",
  access_denied:
    "Send the access token of the user whom `user_id` names, or an internal key that permits the method.",
  method_disabled:
    "Call the method on a stage that offers it. `issue_token` is for tests and never works in production.",
  reauthentication_required:
    "Let the person sign in again, and repeat the call with the new access token within 10 minutes.",
  not_found: "Check the path and the ids. For a code or a refresh token: request a new magic link.",
  cannot_disable_self: "Let another administrator do it.",
  delete_not_allowed:
    "Repeat the call without `delete_user`: the user leaves the account. An administrator deletes users with `delete_user`.",
  unknown_capability: "Take the capabilities from [roles](roles.md).",
  capability_escalation:
    "Let an administrator make the change whose own roles have at least the level and capabilities of the role.",
  role_not_found: "Take the key from `list_roles`.",
  role_built_in: "Define a role with another key.",
  role_in_use: "Remove the role from all its users with `set_user_roles` first.",
  too_many_roles: "Delete a role that nobody needs.",
  too_many_accounts: "Leave an account with `remove_account_user` first.",
  last_owner: "Make another member an owner with `set_account_user_role` first.",
  webhook_not_found: "List the webhooks again: somebody may have deleted it.",
  delivery_not_found:
    "List the deliveries again: a delivery is kept for 30 days, and not longer than its webhook.",
  too_many_webhooks: "Delete a webhook that nobody needs, or forward events from one receiver to others.",
  webhook_disabled: "Call `update_webhook` with `enabled: true`.",
  active_subscription: "Cancel the subscription, and delete the user once it has ended.",
  last_admin: "Give `admin` to somebody else with `set_user_roles` first.",
  registration_disabled:
    "Hide the registration, or set `registration` of the client to `open` in the app file.",
  identifier_taken: "Offer to sign in, or to choose a new password.",
  sender_not_allowed:
    "Add the address to `emailSenders` of the client in the app file, and verify it at SES.",
  grant_not_allowed: "Add the grant to `grants` of the client in the app file.",
  identifier_not_found: "Take the id from `identifiers` of `get_user`.",
  already_verified: "Nothing needs to be done.",
  identifier_not_verified: "Let the person verify it with `send_verification` and `verify_identifier` first.",
  provider_not_found: "Offer the providers that `list_oauth_providers` returns.",
  oauth_identity_not_found: "Read the list of linked accounts again.",
  oauth_identity_taken: "Ask the person to sign in with that account, or to link another account.",
  too_many_oauth_identities: "Let the person unlink an account first, or sign in with a linked account.",
  last_sign_in_method: "Let the person add and verify another address or number first.",
  verification_not_found:
    "Let the person correct the code, at most five times. Then request a new one with `send_otp`.",
  own_address_not_verified: "Verify an address with `send_verification` and `verify_identifier` first.",
  account_not_found: "Take the id of an account from `list_accounts` or `get_user`.",
  user_not_found: "Take the id of a user from a token response or from `get_user`.",
  client_not_found: "Add the client to the app file, or set its `enabled` to true.",
  plan_not_found: "Take the id of a plan from `list_plans`.",
  session_not_found: "Take the id of a session from `list_sessions`.",
  unknown_version: "Call a path below `/1/`.",
  version_not_supported: "Use a date of [the methods](methods.md).",
  unknown_webhook_provider: "Correct the URL of the webhook endpoint.",
  awaiting_consent: "Ask the person, then call `set_marketing_consent`.",
  method_not_supported: "Call with `POST`.",
  already_subscribed:
    "Send a link with `send_magic_link`: the person has access already, or can pay the open invoice. After a checkout, read the status.",
  trial_already_used: "Offer a plan.",
  checkout_required: "Call `create_checkout_session`.",
  subscription_ending: "Open `meta.billing_portal_url`, where the person renews the subscription.",
  subscription_not_ready: STRIPE_ONLY,
  deprecated: "Remove the call.",
  plan_ended: "Read `list_plans` again, and offer another plan.",
  body_too_large: "Send less. No method needs more than 64 KiB.",
  subscription_not_valid: "Stripe has a status that Nest does not know: upgrade Nest, then replay the event.",
  customer_email_missing: "Add an email address to the customer at Stripe, then replay the event.",
  rate_limited:
    "Wait for the seconds of `Retry-After` and tell the person so. Do not repeat the call earlier.",
  unknown: "Report the `request_id` to the operator. Repeat the call once.",
  stripe_error: RETRY,
  price_not_found: "Correct `prices` of the plan in the app file.",
  email_not_sent: RETRY,
  captcha_unavailable:
    "Repeat the call later with a new token. An operator finds the cause in the log line `captcha_unavailable`.",
  delivery_failed: "Let the person check the address or number, and repeat the call.",
  unavailable:
    "Repeat the call after the seconds of `Retry-After`, with growing pauses. Keep the person signed in.",
};
