import { glob, readFile } from "node:fs/promises";
import { MongoClient } from "mongodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { handler as sesEvents } from "#callbacks/ses_events.ts";
import { MINUTE } from "#core/clock.ts";
import { createLog } from "#core/log.ts";
import { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import { LimitWindowsRepository } from "#core/repositories/limit_windows.ts";
import { serveEvent } from "#entry/event.ts";
import { redeemCode, sentCode } from "#tests/support/codes.ts";
import { phone, sentSecret, verify } from "#tests/support/identifiers.ts";
import { lambdaContext } from "#tests/support/lambda_event.ts";
import { linkRequest, SIMPLE, startNest, type TestNest, V1, V2 } from "#tests/support/nest.ts";
import { askForReset, register, registerFirst } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";

interface Filter {
  FilterPattern: string;
  MetricTransformations: [{ MetricName: string; MetricValue: string }];
}

interface Alarm {
  MetricName: string;
  Statistic: string;
  Threshold: number;
}

const readYaml = async (path: string) => parse(await readFile(path, "utf8"));
const alarms = await readYaml("deploy/alarms.yml");
const api = await readYaml("deploy/api.yml");
const resources = Object.entries(
  alarms.Resources as Record<string, { Type: string; Properties: Filter & Alarm }>,
);
const filters = new Map<string, Filter>(
  resources.flatMap(([id, { Type, Properties }]) =>
    Type === "AWS::Logs::MetricFilter" ? [[id.replace(/Filter$/, ""), Properties]] : [],
  ),
);
/** The metrics of which one line rings an alarm. */
const ringing = new Set(
  resources.flatMap(
    ([
      ,
      {
        Type,
        Properties: { MetricName, Statistic, Threshold },
      },
    ]) => (Type === "AWS::CloudWatch::Alarm" && Statistic === "Sum" && Threshold === 1 ? [MetricName] : []),
  ),
);

/**
 * Whether CloudWatch counts a line. Implements the terms of its JSON patterns that deploy/alarms.yml uses.
 * @throws Error for any other term
 */
function counts(pattern: string, line: string): boolean {
  const fields = JSON.parse(line) as Record<string, unknown>;
  const terms = /^\{ (.*) \}$/.exec(pattern)?.[1]?.split(" && ") ?? [];
  expect(terms.length).toBeGreaterThan(0);
  return terms.every((term) => {
    const parsed = /^\$\.(\w+) (=|!=|>=|IS) ("[^"]*"|\d+|\*|TRUE)$/.exec(term);
    if (!parsed) throw new Error(`Unsupported term: ${term}`);
    const [, name = "", operator, operand = ""] = parsed;
    const value = fields[name];
    if (operand === "*") return value !== undefined;
    if (operator === "IS") return value === true;
    const wanted: unknown = JSON.parse(operand);
    if (operator === "!=") return value !== wanted;
    return operator === "=" ? value === wanted : typeof value === "number" && value >= Number(wanted);
  });
}

let nest: TestNest;
const counted = (name: string) =>
  nest.logLines.filter((line) => counts(filters.get(name)?.FilterPattern ?? "", line)).length;
const context = lambdaContext("r1");

beforeAll(async () => {
  nest = await startNest({ environment: { LIMIT_MAILS_PER_HOUR: "3" } });
  // Each event that an alarm counts occurs once.
  const { refresh_token } = await nest.signIn();
  const next = await nest.refresh(refresh_token);
  await nest.call(`${V2}get_user`, { user_id: next.body.user_id }, { bearer: next.body.access_token });
  nest.clock.advance(MINUTE);
  await nest.refresh(refresh_token);
  await nest.call("/1/webhook/stripe", "{}", { headers: { "stripe-signature": "t=1,v1=00" } });
  nest.stripe.createSubscription({ email: "ada@example.com" });
  nest.stripe.fault({ calls: 1, kind: "error" });
  await nest.deliverEvents();
  // Stripe delivers the failed event again.
  for (const event of nest.stripe.events()) await nest.webhook(event);
  await nest.call(`${V2}create_trial_and_magic_link`, linkRequest());
  for (const kind of ["bounce", "complaint"])
    await serveEvent(sesEvents.declaration, nest.gateway)(mailEvent(kind), context);
  for (let mail = 0; mail < 3; mail++) await nest.call(`${V1}send_magic_link`, linkRequest());
});
afterAll(() => nest.stop());

const mailEvent = (kind: string) => ({
  id: kind,
  time: nest.clock.now().toISOString(),
  detail: {
    eventType: kind === "bounce" ? "Bounce" : "Complaint",
    mail: { messageId: "m" },
    ...(kind === "bounce"
      ? { bounce: { bounceType: "Permanent", bouncedRecipients: [{ emailAddress: "gone@example.com" }] } }
      : { complaint: { complainedRecipients: [{ emailAddress: "cross@example.com" }] } }),
  },
});

test.each([
  "TokenReuse",
  "SignIns",
  "WebhookReplays",
  "WebhookRefusals",
  "WebhookFailures",
  "WebhookErrors",
  "Bounces",
  "Complaints",
  "TrialRefusals",
])("the filter %s counts the one line that the code writes for its event, and no other line", (name) => {
  expect(counted(name)).toBe(1);
});

test("mails beyond the hourly ceiling are counted", () => {
  expect(counted("MailCeiling")).toBeGreaterThan(0);
});

test.each(["WebhookErrors", "WebhookRefusals"])(
  "the filter %s ignores webhooks of other providers",
  (name) => {
    const pattern = filters.get(name)?.FilterPattern ?? "";
    const line = nest.logLines.find((written) => counts(pattern, written)) ?? "";
    expect(counts(pattern, line.replace('"provider":"stripe"', '"provider":"other"'))).toBe(false);
  },
);

test("the lag of Stripe events is read from every stripe_event line", () => {
  const lines = nest.logLines.filter((line) => counts(filters.get("WebhookLag")?.FilterPattern ?? "", line));
  expect(lines.length).toBeGreaterThan(1);
  for (const line of lines) expect(JSON.parse(line).lag_ms).toEqual(expect.any(Number));
  expect(filters.get("WebhookLag")?.MetricTransformations[0].MetricValue).toBe("$.lag_ms");
});

test("a dispute is counted", async () => {
  const { id } = nest.stripe.createSubscription({ email: "grace@example.com" });
  await nest.deliverEvents();
  nest.stripe.dispute(id);
  await nest.deliverEvents();
  expect(counted("Disputes")).toBe(1);
  expect(ringing).toContain("Disputes");
});

test("a rate limiter that can't reach its database raises an alarm with its first line", async () => {
  const nowhere = new MongoClient("mongodb://127.0.0.1:1/", { serverSelectionTimeoutMS: 50 });
  const lines: string[] = [];
  const store = new LimitWindowsRepository(nowhere.db("nest"));
  const log = createLog((line) => lines.push(line), nest.clock.now);
  await new RateLimiter(store, "k".repeat(32), { configured: {}, log, random: Math.random }).countOne(
    "failures_per_network",
    "203.0.113.1/32",
  );
  await nowhere.close();
  expect(lines.map((line) => counts(filters.get("RateLimiter")?.FilterPattern ?? "", line))).toEqual([true]);
  expect(ringing).toContain("RateLimiter");
});

/** The events that the code writes with `alarm: true`. */
async function alarmedEvents(): Promise<string[]> {
  const found = new Set<string>();
  for await (const path of glob("src/**/*.ts")) {
    const text = await readFile(path, "utf8");
    const written = [...text.matchAll(/\.(?:info|warn|error)\(\s*"(\w+)",\s*\{[^}]*\balarm: true/g)];
    expect(written.length, `${path} writes \`alarm: true\` in another form`).toBe(
      [...text.matchAll(/\balarm: true/g)].length,
    );
    for (const [, event = ""] of written) found.add(event);
  }
  return [...found];
}

test("a line with `alarm: true` of any event raises exactly one alarm with its first line", async () => {
  const more = ["stripe_dispute", "rate_limiter_unreachable", "an_event_without_an_alarm_of_its_own"];
  for (const event of new Set([...(await alarmedEvents()), ...more])) {
    const line = JSON.stringify({ level: "error", event, alarm: true });
    const rung = [...filters.values()].filter(
      ({ FilterPattern, MetricTransformations: [{ MetricName }] }) =>
        ringing.has(MetricName) && counts(FilterPattern, line),
    );
    expect(rung.length, event).toBe(1);
  }
});

test("the docs say what to do about each event with `alarm: true`", async () => {
  const pages = await Promise.all(
    ["docs/operate.md", "docs/runbooks/stripe.md"].map((path) => readFile(path, "utf8")),
  );
  const missing = (await alarmedEvents()).filter((event) => !pages.join("").includes(`\`${event}\``));
  expect(missing).toEqual([]);
});

test("a line without `alarm: true` does not count as one that needs attention", () => {
  const pattern = filters.get("Attention")?.FilterPattern ?? "";
  expect(nest.logLines.length).toBeGreaterThan(10);
  expect(nest.logLines.filter((line) => counts(pattern, line))).toEqual([]);
});

test("an SMS adds one to the metric of unverified SMS, and its redemption takes it away", async () => {
  const mail = { identifier_type: "email", identifier_value: "ada@example.com" };
  for (const change of [{}, mail]) await redeemCode(nest, await sentCode(nest, change));
  const user = await nest.signIn("ada@example.com");
  const { proof } = await sentSecret(nest, user, phone("+6591234568"));
  expect((await verify(nest, proof)).status).toBe(200);
  expect([counted("SmsSent"), counted("SmsVerified")]).toEqual([2, 2]);
  const number = { identifier_type: "phone", identifier_value: "+6591234569" };
  await register(nest, { ...number, options: { send_sms: true } });
  await registerFirst(nest, { ...number, identifier_value: "+6591234570" });
  await askForReset(nest, number);
  const ordered = { client_id: SIMPLE, ...number, deliver: true };
  expect((await nest.call(`${V3}create_password_reset`, ordered, { internal: true })).status).toBe(200);
  expect([nest.sns.inbox.length, counted("SmsSent"), counted("SmsVerified")]).toEqual([6, 6, 2]);
  const added = (name: string) => filters.get(name)?.MetricTransformations[0];
  expect(added("SmsSent")).toMatchObject({ MetricName: "SmsUnverified", MetricValue: "1" });
  expect(added("SmsVerified")).toMatchObject({ MetricName: "SmsUnverified", MetricValue: "-1" });
});

test("a call that API Gateway throttles is counted from the access log, and a call that Nest limits is not", () => {
  const { Format } = api.extensions.HttpApiStage.Properties.AccessLogSettings;
  const line = (values: Record<string, string>) =>
    Format.replace(/\$context\.([\w.]+)/g, (_all: string, name: string) => values[name] ?? "-");
  const pattern = filters.get("ApiThrottles")?.FilterPattern ?? "";
  // API Gateway has the message plain and as a quoted string.
  const said = "Too Many Requests";
  const error = { "error.message": said, "error.messageString": JSON.stringify(said) };
  expect(counts(pattern, line({ status: "429", ...error }))).toBe(true);
  expect(counts(pattern, line({ status: "429", "integration.integrationStatus": "200" }))).toBe(false);
  expect(counts(pattern, line({ status: "200", "integration.integrationStatus": "200" }))).toBe(false);
});

test("every filter of deploy/alarms.yml is tested here", () => {
  const tried = [
    "TokenReuse",
    "SignIns",
    "WebhookReplays",
    "WebhookRefusals",
    "WebhookFailures",
    "WebhookErrors",
    "Bounces",
    "Complaints",
    "TrialRefusals",
  ];
  const others = [
    "SmsSent",
    "SmsVerified",
    "MailCeiling",
    "WebhookLag",
    "Disputes",
    "ApiThrottles",
    "RateLimiter",
    "Attention",
  ];
  expect([...filters.keys()].sort()).toEqual([...tried, ...others].sort());
});
