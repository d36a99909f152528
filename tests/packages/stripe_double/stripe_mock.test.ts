/** Nest's requests, and the double's answers to them, beside Stripe's own stand-in. */
import Stripe from "stripe";
import { beforeAll, describe, expect, test } from "vitest";
import type { RecordedRequest } from "#stripe_double/traffic.ts";
import { KNOWN_DIFFERENCES } from "#tests/packages/stripe_double/known_differences.ts";
import { recordNestRequests } from "#tests/packages/stripe_double/nest_requests.ts";
import { STRIPE_MOCK_VERSION, type StripeMock, startStripeMock } from "#tests/support/stripe_mock.ts";
import { compareShapes, encodeForm, type ShapeDifference } from "#tests/support/stripe_mock_compare.ts";
import { requestShape, requestsMadeIn } from "#tests/support/stripe_schema/sdk_calls.ts";
import { operationOf } from "#tests/support/stripe_schema/traffic_schema_check.ts";
import { onPath } from "#tools/machine/child_process.ts";

/** Commands are run and code is read. */
const PATIENCE_MS = 300_000;
const PAGE = "../../../docs/stripe_differences.md";

/** The SDK asks for a further page by itself. */
const shapeOf = (request: RecordedRequest) => {
  const names = Object.keys(request.params).filter((name) => name !== "starting_after");
  return requestShape(operationOf(request) ?? "", names);
};

/** Of each kind of request the one whose answer says most. */
let requests: Map<string, RecordedRequest>;
beforeAll(async () => {
  requests = new Map();
  const length = (request?: RecordedRequest) => (request ? JSON.stringify(request.answer).length : 0);
  for (const request of await recordNestRequests()) {
    const shape = shapeOf(request);
    if (length(request) > length(requests.get(shape))) requests.set(shape, request);
  }
}, PATIENCE_MS);

test(
  "every kind of request that Nest's code can make to Stripe is made here",
  () => {
    expect([...requests.keys()].sort()).toEqual(
      requestsMadeIn(["src/**/*.ts", "tools/{operator,stage}/**/*.ts"]),
    );
  },
  PATIENCE_MS,
);

const NONE: StripeMock = { url: "", apiVersion: "", stop: async () => undefined };
const started = await startStripeMock();
if ("missing" in started) {
  if (process.env.CI && onPath("go")) throw new Error(`No stripe-mock: ${started.missing}`);
  console.log(`stripe-mock is skipped: ${started.missing}`);
}

describe.skipIf("missing" in started)("stripe-mock", () => {
  const { url, apiVersion, stop } = "missing" in started ? NONE : started;
  const answers = new Map<string, { status: number; body: unknown }>();
  beforeAll(async () => {
    for (const [shape, request] of requests) answers.set(shape, await replay(request));
    return stop;
  });

  async function replay({ method, path, params }: RecordedRequest) {
    // An endpoint is asked for the SDK's version, which it does not know yet.
    const form = encodeForm({ ...params, ...(params.api_version && { api_version: apiVersion }) });
    const response = await fetch(method === "POST" ? url + path : `${url}${path}?${form}`, {
      method,
      headers: { authorization: "Bearer sk_test_mock", "stripe-version": Stripe.API_VERSION },
      ...(method === "POST" && { body: form }),
    });
    return { status: response.status, body: await response.json() };
  }

  test("takes every one of Nest's requests", () => {
    const refused = [...answers].filter(([, { status }]) => status !== 200);
    expect(refused).toEqual([]);
    expect(answers.size).toBe(requests.size);
  });

  test("refuses what no Stripe takes, so that its consent means something", async () => {
    const request = { ...(requests.values().next().value as RecordedRequest), params: { colour: "red" } };
    expect((await replay({ ...request, method: "POST", path: "/v1/customers" })).status).toBe(400);
  });

  test("answers with the fields that the double has, but for differences that have a reason", async () => {
    const differences = new Map<string, ShapeDifference>();
    for (const [shape, { answer }] of requests) {
      for (const difference of compareShapes(answer, answers.get(shape)?.body)) {
        differences.set(difference.field, difference);
      }
    }
    expect([...differences.keys()].sort()).toEqual(Object.keys(KNOWN_DIFFERENCES).sort());
    await expect(page([...differences.values()])).toMatchFileSnapshot(PAGE);
  });

  function page(differences: ShapeDifference[]): string {
    const rows = differences
      .sort((one, other) => (one.field < other.field ? -1 : 1))
      .map(({ field, onlyIn }) => `| \`${field}\` | ${onlyIn} | ${KNOWN_DIFFERENCES[field]} |`);
    const { pathname } = new URL(import.meta.url);
    const source = pathname.slice(pathname.indexOf("tests/"));
    return `<!-- Made by \`${source}\`, which also says when it is stale. To write it anew: npx vitest run ${source} -u -->

# How our Stripe double differs from stripe-mock

[stripe-mock](https://github.com/stripe/stripe-mock) ${STRIPE_MOCK_VERSION} is Stripe's own stand-in. It knows no state, but
every parameter and field of API version \`${apiVersion}\`; our double and the SDK speak \`${Stripe.API_VERSION}\`. What this
proves and what it can't: [decision 13](decisions/0013_fidelity_of_the_stripe_double.md).

## Requests

Each kind of request that Nest's code can make, by operation and parameters. stripe-mock takes all of them. (A webhook
endpoint is asked for its \`api_version\` there instead of the SDK's.)

${[...requests.keys()]
  .sort()
  .map((shape) => `- \`${shape}\``)
  .join("\n")}

## Fields of the answers

Of each answer both have the same fields, wherever both have an object of the same kind there, but for the following.
(stripe-mock's event is always about a plan, so what our events are about is not compared by way of them.)

| Field | Only in | Why |
| --- | --- | --- |
${rows.join("\n")}
`;
  }
});
