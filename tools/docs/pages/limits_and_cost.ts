import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import app from "#app";
import { SESSION_SECONDS, SESSIONS_PER_DAY } from "#core/billing/plans/next_checkout.ts";
import { LONGEST_SECONDS } from "#core/billing/subscriptions/entitlement.ts";
import { GRACE_SECONDS } from "#core/billing/subscriptions/subscription.ts";
import { CALL_LIMIT_MS, WEBHOOK_LIMIT_MS } from "#core/call.ts";
import { DAY, HOUR, MINUTE } from "#core/clock.ts";
import { SUPPRESSED_SECONDS } from "#core/messages/mail_events.ts";
import { LIMITS } from "#core/rate_limits/limits.ts";
import {
  ACCESS_TOKEN_KEPT_SECONDS,
  KEPT_AFTER_ACKNOWLEDGEMENT_SECONDS,
  KEPT_AFTER_END_SECONDS,
  KEPT_ORIGIN_SECONDS,
} from "#core/retention.ts";
import { FRESH_SECONDS } from "#core/sessions/freshness.ts";
import { REFRESH_TOKEN_LIFETIME_SECONDS } from "#core/sessions/session_end.ts";
import { CODE_LIFETIME_SECONDS } from "#core/sign_in/magic_link.ts";
import { RPC_BODY_LIMIT } from "#entry/read_body.ts";
import { WEBHOOK_BODY_LIMIT } from "#entry/webhook.ts";
import { ASSUMED, PRICE_SOURCE, PRICES } from "#tools/docs/prices.ts";
import { type DeployedFunction, listFunctions } from "#tools/stage/functions.ts";
import { readSettings, STAGES, settingsPath } from "#tools/stage/settings.ts";

export const path = "docs/limits_and_cost.md";

const code = (text: string) => `\`${text}\``;
const number = (value: number) => value.toLocaleString("en-GB");
const dollars = (value: number) => `$${value.toFixed(2)}`;

/** Formats seconds in the largest unit that has a whole number. */
function duration(seconds: number): string {
  const units = [
    [DAY, "day"],
    [HOUR, "hour"],
    [MINUTE, "minute"],
    [1, "second"],
  ] as const;
  const [size, name] = units.find(([unit]) => seconds % unit === 0) ?? [1, "second"];
  const count = seconds / size;
  return `${number(count)} ${name}${count === 1 ? "" : "s"}`;
}

/** The requests that each limit of `LIMITS` counts. */
const COUNTED: Readonly<Record<keyof typeof LIMITS, string>> = {
  links_per_address_and_network:
    "magic links to one mailbox, requested from one network. A mailbox is an address without the text after `+`",
  links_per_address: "magic links to one mailbox",
  links_after_daily_limit: "magic links to one mailbox after its daily limit is used up",
  links_per_known_device:
    "magic links to one mailbox for one device that has signed in to the address before, when the other limits refuse it",
  links_per_network: "requests for magic links from one network",
  trial_requests_per_network: "trial requests from one network",
  new_trials_per_network: "new trials requested from one network, counted when their first link is redeemed",
  failures_per_network:
    "failed redemptions and refreshes from one network. Above the limit, wrong secrets get `rate_limited`; a right secret is never refused",
  mails_per_hour:
    "magic links mailed by the whole deployment, counted by a sample of one in 20. Above the limit an alarm is raised; above ten times the limit, unknown devices are refused",
  codes_per_identifier:
    "codes to one mailbox, or SMS to one phone number. Codes by mail also count as magic links",
  sms_per_number_and_network: "SMS to one phone number, requested from one network",
  sms_per_number: "SMS to one phone number",
  sms_per_range:
    "SMS to phone numbers that differ in the last three digits only, have never signed in and are not the number of an active second factor",
  sms_per_day: "SMS of the whole deployment. It bounds what SMS cost",
  sms_to_new_numbers:
    "SMS of the whole deployment to numbers that have never signed in and are not the number of an active second factor: half of `LIMIT_SMS_PER_DAY`",
  code_failures_per_identifier_and_network:
    "wrong codes for one address or number from one network. A code is counted before it is compared",
  code_failures_per_identifier: "wrong codes for one address or number",
  code_failures_per_known_device:
    "wrong codes for one address or number from one device that has signed in with it, when the other two limits refuse it",
  code_failures_per_session: "wrong codes of second factors that one session presents to become fresh",
  password_failures_per_identifier_and_network:
    "passwords that are presented for an address or number from a network, and are wrong. After them, one more every 30 s, then after twice as long each time, up to an hour. A right password resets the count",
  passkey_challenges_per_network:
    "calls of `create_passkey_challenge` ([passkeys](passkeys.md)) from one network",
  password_failures_per_network: "wrong passwords from a network, whatever the address",
  password_failures_per_known_device:
    "wrong passwords of a device that has signed in with the address, once the limits above are used up; with the same pauses",
  passwords_without_captcha:
    "wrong passwords for one address or number, after which clients with a [CAPTCHA](captcha.md) for `authenticate_user` require it. It refuses nothing",
  passwords_without_user: "passwords that are presented for nobody. It refuses nothing",
  registrations_per_network: "registrations from one network, of new and of known people",
  device_notices_per_user:
    "mails to one user about sign-ins from new devices. Above the limit the sign-in works and mails nothing",
  verification_failures_per_network:
    "wrong tokens and codes of resets and of addresses to verify, from one network. Above the limit they get `rate_limited`, and codes are not compared; a right token is never refused",
  oauth_visits_per_network: "calls of `start_oauth` ([visits at OAuth providers](oauth.md)) from one network",
  added_users_per_account: "users whom members add to an account or invite to it",
  added_users_per_user: "users whom a member adds or invites, over all accounts of the member",
};

/** Limits that no variable changes by itself. */
const FIXED: readonly string[] = [
  "links_after_daily_limit",
  "sms_to_new_numbers",
  "code_failures_per_known_device",
  "code_failures_per_session",
  "password_failures_per_known_device",
  "device_notices_per_user",
  "added_users_per_user",
] satisfies (keyof typeof LIMITS)[];

/** It refuses nothing. */
const UNLIMITED: keyof typeof LIMITS = "passwords_without_user";

const rateLimits = Object.entries(LIMITS)
  .filter(([name]) => name !== UNLIMITED)
  .map(([name, { calls, seconds }]) => [
    FIXED.includes(name) ? "fixed" : code(`LIMIT_${name.toUpperCase()}`),
    `${number(calls)} in ${duration(seconds)}`,
    COUNTED[name as keyof typeof LIMITS],
  ]);

function functionLimits(functions: readonly DeployedFunction[]): string[][] {
  const groups = Map.groupBy(
    functions,
    ({ memoryMb, timeoutSeconds }) => `${memoryMb} MB, ${timeoutSeconds} s`,
  );
  return [...groups].map(([limits, members]) => {
    const names = new Set(members.map(({ name }) => code(name.replace(/-[\d-]+$/, ""))));
    return [limits, [...names].join(", ")];
  });
}

async function throttles(): Promise<string[][]> {
  const stages = await Promise.all(
    STAGES.map(async (name) => [name, await readSettings(settingsPath(name))] as const),
  );
  return stages.map(([name, { throttle, reservedConcurrency, logRetentionDays }]) => [
    name,
    `${throttle.requestsPerSecond} requests/s, bursts of ${number(throttle.burst)}`,
    Object.entries(reservedConcurrency)
      .map(([reserved, count]) => `${code(reserved)} ${count}`)
      .join(", ") || "none",
    `${logRetentionDays} days`,
  ]);
}

const MILLION = 1e6;
const seconds = (ASSUMED.warmMs + ASSUMED.coldShare * ASSUMED.coldMs) / 1000;
const gigabytes = (bytes: number) => (bytes * MILLION) / 1e9;

/** The cost of a million calls: item, arithmetic, dollars. */
const perMillion: readonly (readonly [string, string, number])[] = [
  ["API Gateway, HTTP API", "1,000,000 requests", MILLION * PRICES.apiRequest],
  ["Lambda, invocations", "1,000,000", MILLION * PRICES.invocation],
  [
    "Lambda, arm64, time",
    `1,000,000 × ${seconds} s × 1 GB = ${number(MILLION * seconds)} GB s`,
    MILLION * seconds * PRICES.gigabyteSecond,
  ],
  [
    "CloudWatch Logs",
    `1,000,000 × ${number(ASSUMED.logBytes)} bytes = ${gigabytes(ASSUMED.logBytes)} GB`,
    gigabytes(ASSUMED.logBytes) * PRICES.logGigabyte,
  ],
  ["SES", `${number(MILLION * ASSUMED.mailShare)} mails`, MILLION * ASSUMED.mailShare * PRICES.mail],
  [
    "SSM, if higher throughput is on",
    `${number(MILLION * ASSUMED.coldShare)} cold starts, one read each`,
    MILLION * ASSUMED.coldShare * PRICES.parameterRead,
  ],
  [
    "Data transfer to the internet",
    `1,000,000 × ${number(ASSUMED.answerBytes)} bytes = ${gigabytes(ASSUMED.answerBytes)} GB`,
    gigabytes(ASSUMED.answerBytes) * PRICES.gigabyteOut,
  ],
];

const MINUTES_OF_A_MONTH = 31 * 24 * 60;

/** The monthly cost of the jobs that run every minute and find nothing to do. */
async function idleJobs(): Promise<readonly (readonly [string, string, number])[]> {
  const jobs = (await listFunctions()).filter(({ schedule }) => schedule?.expression === "rate(1 minute)");
  const run =
    PRICES.invocation +
    (ASSUMED.warmMs / 1000) * PRICES.gigabyteSecond +
    (ASSUMED.logBytes / 1e9) * PRICES.logGigabyte;
  return jobs.map(({ name }) => [
    `${code(name)} every minute`,
    `${number(MINUTES_OF_A_MONTH)} × (an invocation + ${ASSUMED.warmMs / 1000} s × 1 GB + logs)`,
    MINUTES_OF_A_MONTH * run,
  ]);
}

/** The monthly cost of a stage without traffic: item, arithmetic, dollars. */
async function fixedCosts(): Promise<readonly (readonly [string, string, number])[]> {
  const text = await readFile(new URL("../../../deploy/alarms.yml", import.meta.url), "utf8");
  const { Resources } = parse(text, { merge: true }) as {
    Resources: Record<
      string,
      { Type: string; Properties: { MetricTransformations?: { MetricName: string }[] } }
    >;
  };
  const all = Object.values(Resources);
  const alarms = all.filter(({ Type }) => Type === "AWS::CloudWatch::Alarm").length;
  const metrics = new Set(
    all.flatMap(({ Properties }) =>
      (Properties.MetricTransformations ?? []).map(({ MetricName }) => MetricName),
    ),
  ).size;
  return [
    ["Alarms", `${alarms} × ${dollars(PRICES.alarm)}; an account has 10 free`, alarms * PRICES.alarm],
    ["Custom metrics from logs", `${metrics} × ${dollars(PRICES.metric)}; 10 free`, metrics * PRICES.metric],
    ["Dashboard", "1; 3 free", PRICES.dashboard],
    ...(await idleJobs()),
  ];
}

const bill = (rows: readonly (readonly [string, string, number])[]) => ({
  head: ["Item", "Arithmetic", "Dollars"],
  rows: [
    ...rows.map(([what, how, amount]) => [what, how, dollars(amount)]),
    ["**Total**", "", `**${dollars(rows.reduce((sum, [, , amount]) => sum + amount, 0))}**`],
  ],
});

function limits() {
  return [
    "## Limits",
    "A caller above one of these rate limits gets `rate_limited` with `Retry-After`. Set the variable " +
      "in the stage file ([configure](configure.md)) and deploy to change a limit, or set it to 0 to switch it off. No variable " +
      "changes the length of a window; the defaults are in `src/core/rate_limits/limits.ts`. A network is an IPv4 address or the first 48 " +
      "bits of an IPv6 address. [Decision 7](decisions/0007_rate_limits_and_known_devices.md) gives the reasons.",
    { head: ["Variable", "Default", "What is counted"], rows: rateLimits },
    {
      head: ["Item", "Limit"],
      rows: [
        ["Duration of a call", `${CALL_LIMIT_MS / 1000} s, then ${code("unavailable")}`],
        ["Duration of a webhook", `${WEBHOOK_LIMIT_MS / 1000} s`],
        ["Size of a body", `${number(RPC_BODY_LIMIT)} bytes; ${number(WEBHOOK_BODY_LIMIT)} for webhooks`],
        ["Code of a magic link", `${duration(CODE_LIFETIME_SECONDS)}, one use, ten failed attempts`],
        [
          "Checkout session",
          `${duration(SESSION_SECONDS)}; ${SESSIONS_PER_DAY} new ones a day for each user`,
        ],
        ["Lifetime of an access token", "1 hour; 300 to 864,000 s, set for each client"],
        [
          "Lifetime of an unused refresh token",
          `${duration(REFRESH_TOKEN_LIFETIME_SECONDS)}, or ${code("sessionIdleDays")} of the client`,
        ],
        ["Lifetime of a session that is refreshed", `unlimited, or ${code("sessionMaxDays")} of the client`],
        ["Age of a sign-in for calls that need a fresh one", `at most ${duration(FRESH_SECONDS)}`],
        [
          "Validity of an offline entitlement",
          `until the subscription's grace period ends, at most ${duration(LONGEST_SECONDS)}`,
        ],
        [
          "Grace period after a paid period or a used trial",
          `${duration(GRACE_SECONDS)}; see [concepts](concepts.md#billing)`,
        ],
        ["Suppression of an address after a hard bounce", duration(SUPPRESSED_SECONDS)],
        ["Audit log", `${app.auditDays} days; IP address and user agent ${duration(KEPT_ORIGIN_SECONDS)}`],
        ["Expired records", `deleted ${duration(KEPT_AFTER_END_SECONDS)} after they expire`],
        ["Expired access tokens", `deleted ${duration(ACCESS_TOKEN_KEPT_SECONDS)} after they expire`],
        [
          "Used refresh tokens",
          `deleted ${duration(KEPT_AFTER_ACKNOWLEDGEMENT_SECONDS)} after their successor was acknowledged or used`,
        ],
      ],
    },
  ];
}

async function resources() {
  return [
    "## Resources of a stage",
    { head: ["Memory, timeout", "Functions"], rows: functionLimits(await listFunctions()) },
    "Lambda allocates CPU in proportion to memory. A cold start with a database spends its time on TLS and key derivation, " +
      "so more memory shortens it by more than it costs.",
    {
      head: ["Stage", "API Gateway throttle", "Reserved concurrency", "Log retention"],
      rows: await throttles(),
    },
  ];
}

function costOfCalls() {
  return [
    "## Cost of a million calls",
    `Prices are ${PRICE_SOURCE}: check them before you budget. The free tier, which covers much of a small stage, is not ` +
      "deducted.",
    `Assumptions for a call: ${ASSUMED.warmMs} ms billed, ${ASSUMED.coldShare * 100} % cold starts that add ` +
      `${ASSUMED.coldMs} ms (${ASSUMED.warmMs} + ${ASSUMED.coldShare} × ${ASSUMED.coldMs} = ${seconds * 1000} ms), 1 GB of memory, ` +
      `${number(ASSUMED.logBytes)} bytes of logs, ${number(ASSUMED.answerBytes)} bytes of response, one mail in ` +
      `${1 / ASSUMED.mailShare} calls.`,
    bill(perMillion),
    "If calls took twice as long, a million would cost " +
      `${dollars(MILLION * seconds * PRICES.gigabyteSecond)} more. ${app.name}'s desktop app makes about four calls an hour while it is ` +
      "open: a million calls serve about 1,000 users for a month of eight-hour days (1,000 × 31 × 8 × 4 = 992,000).",
  ];
}

async function costWithoutTraffic() {
  return [
    "## Cost of a stage without traffic",
    "At most, per month. There is no server and no NAT gateway.",
    bill(await fixedCosts()),
    "SSM parameters, the deployment bucket and EventBridge events of AWS services are free or cost cents. Switched off by " +
      "default: X-Ray (`tracing: Active`, $5 per million traces), a customer managed KMS key ($1 a month and $0.03 per 10,000 " +
      "uses), reserved concurrency (free). Not included: the database, Stripe's fees, the DNS zone ($0.50).",
  ];
}

/** @returns the blocks of the page */
export async function render() {
  return [
    "# Limits and cost",
    "Rate limits, lifetimes and sizes, for developers who call the API; resources and cost of a stage, for operators.",
    ...limits(),
    ...(await resources()),
    ...costOfCalls(),
    ...(await costWithoutTraffic()),
    "Next: [scale](scale.md) shows which part becomes the bottleneck first, [performance](performance.md) the measured times.",
  ];
}
