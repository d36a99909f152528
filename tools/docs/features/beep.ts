import { row } from "#tools/docs/features/row.ts";

const B = "adapters/beep.test.ts";
const WP3 = "black_box/wp3_codes.test.ts";

/** Beep's backend-login. */
export const BEEP_ROWS = [
  row(
    "P01",
    "Sign-in in two calls, `/init` and `/verify`",
    "`send_otp`, then `authenticate_user` with the grant `otp`",
    `${B} > signs in with the SMS`,
    `${WP3} > WP3.1`,
  ),
  row(
    "P02",
    "`LISTEN`",
    "A Lambda function listens on no port; the local stack reads `PORT`",
    "tools/local/start.test.ts > fails with one line when another program listens on PORT",
  ),
  row(
    "P03",
    "`SECRET`",
    "`SIGNING_KEYS`, without a default; a function without it does not start",
    "contract/environment.test.ts > an environment with missing or invalid variables",
  ),
  row("P04", "Start by SMS", "`send_otp`", `${WP3} > WP3.1`),
  row(
    "P05",
    "`phone_number`, without a plus sign",
    "With or without it, stored as E.164; the countries of the client",
    `${B} > takes a form whose plus sign`,
    `${WP3} > WP3.2`,
  ),
  row(
    "P06",
    "`/init` answers a nonce",
    "`nonce`, with `expires_at` and `resend_at`",
    `${B} > signs in with the SMS`,
  ),
  row("P07", "`/init`: 400", "`invalid_identifier` and errors of the body", `${WP3} > WP3.2`),
  row(
    "P08",
    "`/init`: 500",
    "`delivery_failed`, which the adapter answers as 500",
    `${B} > answers 500 if the SMS`,
    `${WP3} > WP3.2`,
  ),
  row("P09", "SMS by Twilio", "SMS by Amazon SNS", `${WP3} > WP3.1`),
  row("P10", "Verify", "`authenticate_user`, grant `otp`", `${WP3} > WP3.1`),
  row("P11", "`code`", "`code`, six digits", `${B} > signs in with the SMS`),
  row("P12", "`nonce`", "`nonce`", `${B} > answers the same 404`),
  row("P13", "`clientid` names the device", "`device.device_id`", `${B} > signs in with the SMS`),
  row(
    "P14",
    "An unknown number gets a new user",
    "`user_created`, unless registration is closed",
    `${B} > makes a user of an unknown number once`,
    `${WP3} > WP3.1`,
  ),
  row(
    "P15",
    "Claims `userid` and `clientid`",
    "`sub` and `device_id`; the setting `claims` copies them",
    `${B} > signs in with the SMS`,
  ),
  row("P16", "`/verify`: 400", "Errors of the body", `${B} > ignores a credential`),
  row(
    "P17",
    "`/verify`: 404",
    "`verification_not_found` for every reason",
    `${B} > answers the same 404`,
    `${WP3} > WP3.3`,
  ),
  row("P18", "`/verify`: 500", "500 or 503 without details", `${B} > answers 5xx in one sentence`),
  row(
    "P19",
    "Codes in Redis, users in PostgreSQL",
    "`verifications` with an expiry, `users`, `identifiers`",
    `${WP3} > WP3.12`,
  ),
  row(
    "P20",
    "Token for tests",
    "`issue_token`, never in production",
    `${B} > issues a test token`,
    `${WP3} > WP3.4`,
  ),
  row("P21", "`/login`: `userid` and `clientid`", "`user_id` and `device.device_id`", `${WP3} > WP3.4`),
  row(
    "P22",
    "`/login`: 200, 400, 500",
    "The tokens, or `user_not_found`",
    `${B} > answers 404 for a user who does not exist`,
  ),
];
