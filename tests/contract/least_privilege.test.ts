import { expect, test } from "vitest";
import { handler as oauthCallback } from "#callbacks/oauth_callback.ts";
import { handler as oauthRevocation } from "#callbacks/oauth_revocation.ts";
import { handler as sesEvents } from "#callbacks/ses_events.ts";
import { handler as stripeWebhook } from "#callbacks/stripe_webhook.ts";
import { originOf, type Variables } from "#core/config.ts";
import { handler as jwks } from "#entry/jwks.ts";
import type { Needs } from "#entry/lambda.ts";
import { handler as unmatched } from "#entry/unmatched.ts";
import { loadMethods } from "#routes.ts";
import { loadAdapters } from "#tools/stage/adapters.ts";
import { loadJobs } from "#tools/stage/jobs.ts";

/** The SSM parameters that a function may read, by variable name. */
function parametersOf(variables: Variables): string[] {
  return Object.entries(variables).flatMap(([name, schema]) => {
    const origin = originOf(schema);
    return typeof origin === "string" ? [] : [origin.parameter ?? name];
  });
}

const methods = (await loadMethods()).map(({ handler }) => {
  const { name, version } = handler.declaration;
  return [`${version}/${name}`, handler.needs] as const;
});
const jobs = (await loadJobs()).map(({ handler }) => [handler.declaration.name, handler.needs] as const);
const adapters = (await loadAdapters()).map(
  ({ handler }) => [handler.declaration.name, handler.needs] as const,
);
const needs = new Map<string, Needs>([
  ...methods,
  ["stripe_webhook", stripeWebhook.needs],
  ["ses_events", sesEvents.needs],
  ["oauth_callback", oauthCallback.needs],
  ["oauth_revocation", oauthRevocation.needs],
  ...jobs,
  ...adapters,
  ["jwks", jwks.needs],
  ["$default", unmatched.needs],
]);
const holding = (parameter: string) =>
  [...needs].flatMap(([name, { variables }]) => (parametersOf(variables).includes(parameter) ? [name] : []));

const METHODS = methods.map(([name]) => name);
const SIGN = [
  "2020-12-14/authenticate_user",
  "2026-12-01/authenticate_user",
  "2021-10-06/get_subscription_status",
  "2026-12-01/get_subscription_status",
  "2026-12-01/issue_token",
  "beep",
  "service_authentication",
  "static_backend",
  "2026-12-01/register_user",
];
const LIMITED = [
  "2020-12-14/authenticate_user",
  "2020-12-14/send_magic_link",
  "2021-10-06/create_trial_and_magic_link",
  "2026-12-01/accept_account_invite",
  "2026-12-01/add_account_user",
  "2026-12-01/check_verification",
  "2026-12-01/send_verification",
  "2026-12-01/verify_identifier",
  "2026-12-01/authenticate_user",
  "2026-12-01/create_mfa_factor",
  "2026-12-01/create_passkey_challenge",
  "2026-12-01/send_mfa_code",
  "2026-12-01/verify_mfa_factor",
  "2026-12-01/create_password_reset",
  "2026-12-01/create_user",
  "2026-12-01/get_sign_in_history",
  "2026-12-01/link_oauth",
  "2026-12-01/start_oauth",
  "oauth_callback",
  "2026-12-01/register_user",
  "2026-12-01/reset_password",
  "2026-12-01/set_password",
  "2026-12-01/send_magic_link",
  "2026-12-01/send_otp",
  "beep",
  "service_authentication",
  "static_backend",
  "2026-12-01/send_password_reset",
];
const STRIPE = [
  "2021-10-06/create_trial_and_magic_link",
  "2021-10-06/get_subscription_status",
  "2026-12-01/change_plan",
  "2026-12-01/create_checkout_session",
  "2026-12-01/delete_user",
  "erase_deleted_users",
  "2026-12-01/get_subscription_status",
  "2026-12-01/get_billing_history",
  "2026-12-01/remove_account_user",
  "static_backend",
  "stripe_webhook",
  "remove_unredeemed_trials",
];

test.each([
  ["the private signing keys", "SIGNING_KEYS", SIGN],
  [
    "the public signing keys",
    "SIGNING_KEYS_PUBLIC",
    [...METHODS.filter((name) => !SIGN.includes(name)), "jwks", "oauth_revocation"],
  ],
  ["internal keys", "INTERNAL_KEYS", [...METHODS, "beep", "service_authentication", "static_backend"]],
  [
    "keys of refresh tokens",
    "REFRESH_KEYS",
    [
      "2020-12-14/authenticate_user",
      "2026-12-01/authenticate_user",
      "beep",
      "service_authentication",
      "static_backend",
    ],
  ],
  ["the key of the limits", "RATE_LIMIT_KEY", LIMITED],
  [
    "the secrets of CAPTCHAs",
    "CAPTCHA_SECRETS",
    [
      ...["2026-12-01/authenticate_user", "2026-12-01/register_user", "2026-12-01/send_magic_link"],
      ...[
        "2026-12-01/send_otp",
        "2026-12-01/send_password_reset",
        "beep",
        "service_authentication",
        "static_backend",
      ],
    ],
  ],
  [
    "the credentials at OAuth providers",
    "OAUTH_CREDENTIALS",
    ["2026-12-01/list_oauth_providers", "2026-12-01/start_oauth", "oauth_callback", "service_authentication"],
  ],
  [
    "the peppers",
    "PASSWORD_PEPPERS",
    [
      ...["2026-12-01/authenticate_user", "2026-12-01/register_user", "2026-12-01/reset_password"],
      ...[
        "2026-12-01/set_password",
        "2026-12-01/add_account_user",
        "beep",
        "service_authentication",
        "static_backend",
      ],
    ],
  ],
  [
    "the keys of webhooks",
    "WEBHOOK_KEYS",
    [
      "2026-12-01/create_webhook",
      "2026-12-01/rotate_webhook_secret",
      "deliver_webhooks",
      "service_authentication",
    ],
  ],
  [
    "the keys of second factors",
    "FACTOR_KEYS",
    [
      ...["2026-12-01/authenticate_user", "2026-12-01/create_mfa_factor", "2026-12-01/verify_mfa_factor"],
      "static_backend",
      "beep",
      "service_authentication",
    ],
  ],
  ["Stripe's key", "STRIPE_SECRET_KEY", STRIPE],
  ["the webhook's secrets", "STRIPE_WEBHOOK_SECRETS", ["stripe_webhook"]],
  [
    "the database",
    "MONGODB_URI",
    [
      ...METHODS,
      "beep",
      "service_authentication",
      "static_backend",
      "stripe_webhook",
      "ses_events",
      "oauth_callback",
      "oauth_revocation",
      "deliver_webhooks",
      "erase_deleted_users",
      "move_events",
      "remove_unredeemed_trials",
    ],
  ],
])("only the functions that need %s can read it", (_what, parameter, holders) => {
  expect(holding(parameter).sort()).toEqual([...holders].sort());
});

test("no function reads any other secret", () => {
  const known = ["SIGNING_KEYS", "SIGNING_KEYS_PUBLIC", "INTERNAL_KEYS", "REFRESH_KEYS", "RATE_LIMIT_KEY"];
  const all = [
    ...known,
    "CAPTCHA_SECRETS",
    "FACTOR_KEYS",
    "OAUTH_CREDENTIALS",
    "PASSWORD_PEPPERS",
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRETS",
    "WEBHOOK_KEYS",
    "MONGODB_URI",
  ];
  const held = [...needs.values()].flatMap(({ variables }) => parametersOf(variables));
  expect([...new Set(held)].sort()).toEqual(all.sort());
  expect(parametersOf(unmatched.needs.variables)).toEqual([]);
});

test("only functions that send mail may call SES, only those that send SMS may call SNS, and nothing else is called at AWS", () => {
  const sending = [...needs].flatMap(([name, { awsActions }]) =>
    awsActions.length > 0 ? [[name, ...awsActions]] : [],
  );
  expect(sending).toEqual([
    ["2020-12-14/send_magic_link", "ses:SendEmail"],
    ["2021-10-06/create_trial_and_magic_link", "ses:SendEmail"],
    ["2026-12-01/add_account_user", "ses:SendEmail"],
    ["2026-12-01/remove_account_user", "ses:SendEmail"],
    ["2026-12-01/remove_identifier", "ses:SendEmail"],
    ["2026-12-01/send_verification", "ses:SendEmail", "sns:Publish"],
    ["2026-12-01/set_primary_identifier", "ses:SendEmail"],
    ["2026-12-01/verify_identifier", "ses:SendEmail"],
    ["2026-12-01/create_mfa_factor", "ses:SendEmail", "sns:Publish"],
    ["2026-12-01/regenerate_recovery_codes", "ses:SendEmail"],
    ["2026-12-01/remove_mfa_factor", "ses:SendEmail"],
    ["2026-12-01/send_mfa_code", "ses:SendEmail", "sns:Publish"],
    ["2026-12-01/verify_mfa_factor", "ses:SendEmail"],
    ["2026-12-01/link_oauth", "ses:SendEmail"],
    ["2026-12-01/unlink_oauth", "ses:SendEmail"],
    ["2026-12-01/create_password_reset", "ses:SendEmail", "sns:Publish"],
    ["2026-12-01/reset_password", "ses:SendEmail"],
    ["2026-12-01/send_password_reset", "ses:SendEmail", "sns:Publish"],
    ["2026-12-01/set_password", "ses:SendEmail"],
    ["2026-12-01/revoke_all_sessions", "ses:SendEmail"],
    ["2026-12-01/authenticate_user", "ses:SendEmail", "sns:Publish"],
    ["2026-12-01/register_user", "ses:SendEmail", "sns:Publish"],
    ["2026-12-01/send_magic_link", "ses:SendEmail"],
    ["2026-12-01/send_otp", "ses:SendEmail", "sns:Publish"],
    ["2026-12-01/create_user", "ses:SendEmail"],
    ["2026-12-01/delete_user", "ses:SendEmail"],
    ["stripe_webhook", "ses:SendEmail"],
    ["deliver_webhooks", "ses:SendEmail"],
    ["beep", "ses:SendEmail", "sns:Publish"],
    ["service_authentication", "ses:SendEmail", "sns:Publish"],
    ["static_backend", "ses:SendEmail", "sns:Publish"],
  ]);
});

test("variables that no deployment sets are marked as local", () => {
  const every = Object.assign({}, ...[...needs.values()].map(({ variables }) => variables)) as Variables;
  const named = (origin: string) =>
    Object.keys(every).filter((name) => originOf(every[name] as Variables[string]) === origin);
  expect(named("local").sort()).toEqual([
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_SESV2",
    "AWS_ENDPOINT_URL_SNS",
    "AWS_ENDPOINT_URL_SSM",
    "CAPTCHA_VERIFY_URL",
    "HIBP_URL",
    "LOCAL_INTERNAL_KEY",
    "OAUTH_PROVIDERS_URL",
    "STRIPE_URL",
    "WEBHOOK_ALLOW_HOSTS",
  ]);
  expect(named("lambda").sort()).toEqual([
    "AWS_ACCESS_KEY_ID",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
  ]);
});
