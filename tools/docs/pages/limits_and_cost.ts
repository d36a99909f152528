import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { LONGEST_SECONDS } from "#core/billing/subscriptions/entitlement.ts";
import { GRACE_SECONDS } from "#core/billing/subscriptions/subscription.ts";
import { CALL_LIMIT_MS, WEBHOOK_LIMIT_MS } from "#core/call.ts";
import { DAY, HOUR, MINUTE } from "#core/clock.ts";
import { SUPPRESSED_SECONDS } from "#core/messages/mail_events.ts";
import { LIMITS } from "#core/rate_limiter.ts";
import { KEPT_AFTER_END_SECONDS } from "#core/retention.ts";
import { REFRESH_TOKEN_LIFETIME_SECONDS } from "#core/sessions/token_pair.ts";
import { CODE_LIFETIME_SECONDS } from "#core/sign_in/magic_link.ts";
import { RPC_BODY_LIMIT } from "#entry/read_body.ts";
import { WEBHOOK_BODY_LIMIT } from "#entry/webhook.ts";
import { ASSUMED, PRICES, PRICES_ARE } from "#tools/docs/prices.ts";
import { type DeployedFunction, listFunctions } from "#tools/stage/functions.ts";
import { readSettings, STAGES, settingsPath } from "#tools/stage/settings.ts";

export const path = "docs/limits_and_cost.md";

const code = (text: string) => `\`${text}\``;
const number = (value: number) => value.toLocaleString("en-GB");
const dollars = (value: number) => `$${value.toFixed(2)}`;

/** A time in its largest whole unit. */
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

/** What each limit of `LIMITS` is about. */
const COUNTED: Readonly<Record<keyof typeof LIMITS, string>> = {
  links_per_address_and_network: "links to one address, asked for from one network",
  links_per_address: "links to one address",
  links_per_known_device:
    "links to one address for a machine that signed it in before; the others then don't count",
  links_per_network: "links that one network asks for",
  trial_requests_per_network: "requests for a trial from one network",
  new_trials_per_network: "new trials from one network",
  failures_per_network: "failed redemptions and refreshes from one network",
  mails_per_hour:
    "links mailed by the whole fleet, not mails about subscriptions: above it an alarm, above ten times it unknown machines are refused",
};

const rateLimits = Object.entries(LIMITS).map(([name, { points, seconds }]) => [
  code(`LIMIT_${name.toUpperCase()}`),
  `${number(points)} in ${duration(seconds)}`,
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
    `${throttle.requestsPerSecond} a second, bursts of ${number(throttle.burst)}`,
    Object.entries(reservedConcurrency)
      .map(([reserved, count]) => `${code(reserved)} ${count}`)
      .join(", ") || "none",
    `${logRetentionDays} days`,
  ]);
}

const MILLION = 1e6;
const seconds = (ASSUMED.warmMs + ASSUMED.coldShare * ASSUMED.coldMs) / 1000;
const gigabytes = (bytes: number) => (bytes * MILLION) / 1e9;

/** What a million calls cost, a line for each part: what, arithmetic, dollars. */
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
    `${number(MILLION * ASSUMED.coldShare)} starts, one read each`,
    MILLION * ASSUMED.coldShare * PRICES.parameterRead,
  ],
  [
    "What leaves for the internet",
    `1,000,000 × ${number(ASSUMED.answerBytes)} bytes = ${gigabytes(ASSUMED.answerBytes)} GB`,
    gigabytes(ASSUMED.answerBytes) * PRICES.gigabyteOut,
  ],
];

/** What a stage costs a month though nobody calls. */
async function standing(): Promise<readonly (readonly [string, string, number])[]> {
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
    ["Metrics from our logs", `${metrics} × ${dollars(PRICES.metric)}; 10 free`, metrics * PRICES.metric],
    ["Dashboard", "1; 3 free", PRICES.dashboard],
  ];
}

const bill = (rows: readonly (readonly [string, string, number])[]) => ({
  head: ["What", "Arithmetic", "Dollars"],
  rows: [
    ...rows.map(([what, how, amount]) => [what, how, dollars(amount)]),
    ["**Together**", "", `**${dollars(rows.reduce((sum, [, , amount]) => sum + amount, 0))}**`],
  ],
});

export async function render() {
  return [
    "# Limits and cost",
    "## Limits",
    "What a caller meets. Each of the first table can be changed, or switched off with 0, by its variable " +
      "([configure](configure.md)); why they are so: [decision 7](decisions/0007_rate_limits_and_known_devices.md). A " +
      "network is an IPv4 address or the first 64 bits of an IPv6 address. Over a limit the answer is `rate_limited`, with " +
      "`Retry-After`.",
    { head: ["Variable", "Default", "Counts"], rows: rateLimits },
    {
      head: ["What", "Limit"],
      rows: [
        ["A call, all in all", `${CALL_LIMIT_MS / 1000} s, then ${code("unavailable")}`],
        ["A webhook, all in all", `${WEBHOOK_LIMIT_MS / 1000} s`],
        ["A body", `${number(RPC_BODY_LIMIT)} bytes; a webhook's ${number(WEBHOOK_BODY_LIMIT)}`],
        ["A mailed code", `${duration(CODE_LIFETIME_SECONDS)}, one use, ten failures`],
        ["An access token", "1 hour; 300 to 864,000 s by client"],
        ["A refresh token, unused", duration(REFRESH_TOKEN_LIFETIME_SECONDS)],
        [
          "An entitlement, for work offline",
          `the subscription's end and its grace, at most ${duration(LONGEST_SECONDS)}`,
        ],
        ["Grace after a subscription's end", duration(GRACE_SECONDS)],
        ["No mail to an address that bounced hard", duration(SUPPRESSED_SECONDS)],
        ["Records of what ended", `removed ${duration(KEPT_AFTER_END_SECONDS)} after it would have run out`],
      ],
    },
    "## What a stage is given",
    { head: ["Memory, time-out", "Functions"], rows: functionLimits(await listFunctions()) },
    "Lambda gives processor by memory: with a database a cold start is TLS and key derivation, which more memory makes " +
      "shorter by more than it costs.",
    {
      head: ["Stage", "API Gateway's throttle", "Reserved concurrency", "Logs kept"],
      rows: await throttles(),
    },
    "## What a million calls cost",
    `These are ${PRICES_ARE}, from memory of AWS's public pages: look before you budget. The free tier, which covers much of ` +
      "a small stage, is not taken off.",
    `Assumed of a call: ${ASSUMED.warmMs} ms billed, ${ASSUMED.coldShare * 100} % cold starts that add ` +
      `${ASSUMED.coldMs} ms (${ASSUMED.warmMs} + ${ASSUMED.coldShare} × ${ASSUMED.coldMs} = ${seconds * 1000} ms), a function of 1 GB, ` +
      `${number(ASSUMED.logBytes)} bytes of logs, ${number(ASSUMED.answerBytes)} bytes of answer, a mail in ` +
      `${1 / ASSUMED.mailShare} calls.`,
    bill(perMillion),
    "Twice the time costs " +
      `${dollars(MILLION * seconds * PRICES.gigabyteSecond)} more. Beak's desktop app asks some four calls an hour while it is ` +
      "open: a million calls are about 1,000 people for a month of eight-hour days (1,000 × 31 × 8 × 4 = 992,000).",
    "## What a stage costs though nobody calls",
    "A month, at most; there is no server, no NAT gateway and nothing that idles.",
    bill(await standing()),
    "Parameters of SSM, the deployment bucket and EventBridge's events of AWS services are free or cents. Switched off as " +
      "committed: X-Ray (`tracing: Active`, $5 a million traces), a KMS key of one's own ($1 a month and $0.03 for 10,000 " +
      "uses), reserved concurrency (free). Outside this page: the database, Stripe's fees, the domain's zone ($0.50).",
  ];
}
