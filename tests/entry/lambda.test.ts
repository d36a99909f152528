import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { publicHalves } from "#core/keys/signing_keys.ts";
import { MAC, startNest, type TestNest, V1 } from "#tests/support/nest.ts";
import { runProgram } from "#tests/support/program.ts";
import { startSsmDouble } from "#tests/support/ssm_double.ts";
import { localEnvironment } from "#tools/local/secrets.ts";

/**
 * A program that loads a function, as Lambda does, and invokes it a given number of times. A response is late if the
 * desktop app would have timed out.
 */
const INVOKE = `
  const { handler } = await import(process.argv[1]);
  const [method, path, body, times] = process.argv.slice(2);
  const event = { rawPath: path, headers: {}, body, requestContext: { http: { method, path, sourceIp: "203.0.113.1" } } };
  for (let call = 1; call <= Number(times); call++) {
    let is_late = false;
    const timer = setTimeout(() => { is_late = true; }, 5_000);
    const answer = await handler(event, { awsRequestId: "r-" + call }).catch(({ message }) => ({ threw: message }));
    clearTimeout(timer);
    console.log(JSON.stringify({ ...answer, is_late }));
  }
  process.exit();
`;

/** Runs INVOKE in its own process. @returns every line it printed, the responses included */
async function invoke(
  module: string,
  environment: Record<string, string>,
  call: Call = ["POST", "/health", "", 1],
): Promise<Line[]> {
  const args = ["-e", INVOKE, module, ...call.map(String)];
  const { status, printed } = await runProgram("--input-type=module", args, environment).ended;
  expect({ status, printed }).toEqual({ status: 0, printed: expect.stringMatching(/^\{/) });
  return printed
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}
// biome-ignore lint/suspicious/noExplicitAny: a line of any shape
type Line = any;
type Call = readonly [method: string, path: string, body: string, times: number];

test.each([
  ["a method", "#methods/2021-10-06/get_user.ts"],
  ["the webhook", "#callbacks/stripe_webhook.ts"],
  ["the JWKS", "#entry/jwks.ts"],
  ["$default", "#entry/unmatched.ts"],
])("%s without its variables responds in the error shape and logs their names", async (_name, module) => {
  for (const runtime of ["", "127.0.0.1:9001"]) {
    const lines = await invoke(module, { AWS_LAMBDA_RUNTIME_API: runtime, STAGE: "", MONGODB_URI: "" });
    expect(lines[0]).toMatchObject({ level: "error", event: "function_not_opened" });
    expect(lines[0].why).toContain("STAGE");
    expect(lines[1]).toMatchObject({
      statusCode: 500,
      headers: {
        "content-type": "application/json",
        "request-id": "r-1",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "strict-transport-security": "max-age=63072000; includeSubDomains",
        vary: "origin",
      },
    });
    expect(JSON.parse(lines[1].body)).toEqual({ code: "unknown", meta: { request_id: "r-1" } });
  }
});

test.each([
  "#callbacks/ses_events.ts",
  "#jobs/deliver_webhooks.ts",
  "#jobs/move_events.ts",
  "#jobs/remove_unredeemed_trials.ts",
])("the event function %s without its variables fails, so that Lambda retries the event", async (module) => {
  const lines = await invoke(module, { STAGE: "", MONGODB_URI: "" });
  expect(lines).toMatchObject([
    { event: "function_not_opened", why: expect.stringContaining("MONGODB_URI") },
    { threw: "the function could not be opened" },
  ]);
});

describe("a function whose secrets are SSM parameters", () => {
  const MODULE = "#methods/2020-12-14/list_news_items.ts";
  let nest: TestNest;
  let values: Record<string, string>;
  beforeAll(async () => {
    nest = await startNest();
    values = localEnvironment(nest.secrets, {
      issuer: "https://nest.test",
      mongoUri: nest.mongoUri,
      sesUrl: nest.ses.url,
      stripe: nest.stripe,
    });
  });
  afterAll(() => nest.stop());

  const SECRETS = ["MONGODB_URI", "SIGNING_KEYS", "INTERNAL_KEYS"];
  const parameters = () => ({
    ...Object.fromEntries(SECRETS.map((name) => [`/nest/${name}`, values[name] ?? ""])),
    "/nest/SIGNING_KEYS": JSON.stringify(publicHalves(nest.secrets.signingKeys)),
  });
  const environment = (ssmUrl: string, change: Record<string, string> = {}) => ({
    STAGE: "nonprod",
    ISSUER: "https://nest.test",
    AWS_LAMBDA_RUNTIME_API: "127.0.0.1:9001",
    AWS_ENDPOINT_URL_SSM: ssmUrl,
    ...Object.fromEntries(
      SECRETS.flatMap((name) => [
        [name, ""],
        [`${name}_PARAMETER`, `/nest/${name}`],
      ]),
    ),
    ...change,
  });
  const news = (times: number) => ["POST", `${V1}list_news_items`, `{"client_id":"${MAC}"}`, times] as const;
  const answers = (lines: Line[]) => lines.filter((line) => "statusCode" in line);
  const refusals = (lines: Line[]) => lines.filter(({ event }) => event === "function_not_opened");

  test("reads all of them once, in one SSM call", async () => {
    await using ssm = await startSsmDouble(parameters());
    const lines = await invoke(MODULE, environment(ssm.url), news(3));
    expect(answers(lines)).toMatchObject([200, 200, 200].map((statusCode) => ({ statusCode, body: "[]" })));
    expect(ssm.asked).toEqual([expect.arrayContaining(SECRETS.map((name) => `/nest/${name}`))]);
  });

  test("returns unavailable in time while SSM hangs, and succeeds once SSM responds", async () => {
    await using ssm = await startSsmDouble(parameters());
    // One line for the attempt at module load, one for the first call's own attempt.
    ssm.fault("hang", "hang");
    const lines = await invoke(MODULE, environment(ssm.url), news(2));
    const [first, second] = answers(lines);
    expect(first).toMatchObject({
      statusCode: 503,
      headers: { "retry-after": "1" },
      body: '{"code":"unavailable"}',
      is_late: false,
    });
    expect(second).toMatchObject({ statusCode: 200 });
    expect(refusals(lines)).toMatchObject([{ why: "SSM: TimeoutError" }, { why: "SSM: TimeoutError" }]);
  });

  test("retries an attempt that Lambda froze at module load, so that the first call succeeds", async () => {
    await using ssm = await startSsmDouble(parameters());
    ssm.fault("denied");
    const lines = await invoke(MODULE, environment(ssm.url), news(1));
    expect(answers(lines)).toMatchObject([{ statusCode: 200 }]);
  });

  test("logs the names of missing and invalid variables and no value", async () => {
    await using ssm = await startSsmDouble({ ...parameters(), "/nest/INTERNAL_KEYS": "hunter2" });
    const lines = await invoke(
      MODULE,
      environment(ssm.url, { MONGODB_URI_PARAMETER: "/nest/other" }),
      news(2),
    );
    expect(answers(lines)).toMatchObject([{ statusCode: 500 }, { statusCode: 500 }]);
    expect(refusals(lines)).toHaveLength(1);
    expect(refusals(lines)[0].why).toMatch(/MONGODB_URI.*INTERNAL_KEYS|INTERNAL_KEYS.*MONGODB_URI/);
    expect(JSON.stringify(lines)).not.toContain("hunter2");
    // Only a deployment changes variables, so the function does not try again.
    expect(ssm.asked).toHaveLength(1);
  });
});
