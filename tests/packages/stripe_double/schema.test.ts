import { expect, test } from "vitest";
import { stripeRoutes } from "#stripe_double/stripe_routes.ts";
import { type TrafficRecord, traffic } from "#stripe_double/traffic.ts";
import { errorOf, startDoubleWithSdk } from "#tests/packages/stripe_double/double_with_sdk.ts";
import { runProgram } from "#tests/support/program.ts";
import {
  expectInvalidTraffic,
  requireValidTraffic,
  schemaErrors,
} from "#tests/support/stripe_traffic_check.ts";

type Call = Extract<TrafficRecord, { kind: "call" }>;

/** The traffic of some work, in the order in which requests ended. */
async function trafficOf(work: () => Promise<unknown>): Promise<TrafficRecord[]> {
  const seen: TrafficRecord[] = [];
  const see = (message: unknown) => void seen.push(structuredClone(message) as TrafficRecord);
  traffic.subscribe(see);
  try {
    await work();
  } finally {
    traffic.unsubscribe(see);
  }
  return seen;
}

/** A request whose response contains the customer, the invoice and its payments. */
async function expandedCall(): Promise<Call & { request: { answer: Json } }> {
  await using running = await startDoubleWithSdk();
  const { id } = running.double.createSubscription({ email: "amy@example.com" });
  const [call] = await trafficOf(() =>
    running.stripe.subscriptions.retrieve(id, { expand: ["customer", "latest_invoice.payments"] }),
  );
  if (call?.kind !== "call") throw new Error("No request was recorded.");
  return call as Call & { request: { answer: Json } };
}

// biome-ignore lint/suspicious/noExplicitAny: the tests damage responses of any shape
type Json = any;
const NAME = "GET /v1/subscriptions/:id, answer 200";

test("accepts a valid response with expanded references", async () => {
  expect(await schemaErrors([await expandedCall()])).toEqual([]);
});

test("reports each required field that is missing in a response or in an object inside it", async () => {
  const call = await expandedCall();
  const places: string[][] = [[], ["items", "data", "0"], ["items", "data", "0", "price"], ["customer"]];
  places.push(["latest_invoice"], ["latest_invoice", "payments", "data", "0"], ["cancellation_details"]);
  const unreported = [];
  for (const place of places) {
    const object = place.reduce((node, step) => node[step], call.request.answer);
    for (const field of Object.keys(object)) {
      const damaged = structuredClone(call);
      delete place.reduce((node, step) => node[step], damaged.request.answer)[field];
      const path = [...place, field].join(".");
      if (!(await schemaErrors([damaged])).join().includes(`: ${path} must have`)) unreported.push(path);
    }
  }
  // The fields that are optional in the SDK's types.
  const optional = {
    "": ["default_tax_rates"],
    "items.data.0.": ["quantity"],
    "customer.": [
      "address",
      "currency",
      "customer_account",
      "delinquent",
      "discount",
      "invoice_prefix",
      "name",
      "next_invoice_sequence",
      "phone",
      "preferred_locales",
      "tax_exempt",
      "test_clock",
    ],
    "latest_invoice.": [
      "amount_paid_off_stripe",
      "auto_advance",
      "customer_tax_ids",
      "hosted_invoice_url",
      "invoice_pdf",
      "payments",
    ],
  };
  expect(unreported).toEqual(
    Object.entries(optional).flatMap(([place, fields]) => fields.map((field) => place + field)),
  );
});

test.each([
  [
    "a field that is unknown to the SDK",
    (answer: Json) => Object.assign(answer.items.data[0], { color: 1 }),
    "items.data.0.color",
  ],
  [
    "a status that is unknown to the SDK",
    (answer: Json) => Object.assign(answer, { status: "asleep" }),
    "status",
  ],
  [
    "a decimal amount that is a number",
    (answer: Json) => Object.assign(answer.items.data[0].price, { unit_amount_decimal: 499 }),
    "items.data.0.price.unit_amount_decimal",
  ],
  [
    "an object that the request did not expand",
    (answer: Json) => Object.assign(answer, { schedule: answer.customer }),
    "schedule",
  ],
  [
    "an id that the request expanded",
    (answer: Json) => Object.assign(answer, { customer: "cus_1" }),
    "customer",
  ],
  [
    "null in a field that is never null",
    (answer: Json) => Object.assign(answer.latest_invoice, { currency: null }),
    "latest_invoice.currency",
  ],
  ["a time that is a string", (answer: Json) => Object.assign(answer, { created: "2026-01-01" }), "created"],
] as const)("reports %s with its path", async (_what, damage, place) => {
  const call = await expandedCall();
  damage(call.request.answer);
  expect(await schemaErrors([call])).toEqual([expect.stringContaining(`${NAME}: ${place} `)]);
});

test("checks the object and the previous attributes of an event against its type", async () => {
  await using running = await startDoubleWithSdk();
  const { double } = running;
  const { id } = double.createSubscription({ email: "amy@example.com" });
  double.updateSubscription(id, { cancel_at_period_end: true });
  const events = double.events();
  const asRecord = (event: object): TrafficRecord => ({
    kind: "event",
    body: JSON.stringify(event),
    forced: new Map(),
  });
  expect(await schemaErrors(events.map(asRecord))).toEqual([]);
  const damage = async (type: string, change: (event: Json) => void) => {
    const event = structuredClone(events.find((each) => each.type === type)) as Json;
    change(event);
    return (await schemaErrors([asRecord(event)])).join("\n");
  };
  const updated = "customer.subscription.updated";
  expect(await damage(updated, ({ data }) => delete data.object.trial_end)).toContain(
    "data.object.trial_end",
  );
  expect(await damage(updated, ({ data }) => (data.previous_attributes.color = 1))).toContain(
    "data.previous_attributes.color",
  );
  expect(await damage(updated, (event) => (event.type = "invoice.paid"))).toContain("data.object");
  expect(await damage(updated, (event) => (event.type = "no.such"))).toContain("event no.such: type ");
  expect(await damage(updated, (event) => delete event.pending_webhooks)).toContain("pending_webhooks");
});

test("fails the test that sends a parameter unknown to the SDK", async () => {
  await using running = await startDoubleWithSdk();
  const unknown = { email: "amy@example.com", color: "red" } as object;
  await errorOf(running.stripe.customers.create(unknown));
  await expect(requireValidTraffic()).rejects.toThrow("POST /v1/customers, parameters: color ");
  await requireValidTraffic();
});

test("accepts invalid traffic in expectInvalidTraffic, and fails if all traffic in it is valid", async () => {
  await using running = await startDoubleWithSdk();
  const { customers } = running.stripe;
  await expectInvalidTraffic(() => errorOf(customers.create({ color: "red" } as object)));
  await expect(expectInvalidTraffic(() => customers.list())).rejects.toThrow("All traffic is valid");
});

test("ignores fields that a control overwrote, and checks the other fields of the object", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const { id } = double.createSubscription({ email: "amy@example.com" });
  double.updateSubscription(id, { fields: { status: "asleep" } });
  const seen = await trafficOf(() => stripe.subscriptions.retrieve(id));
  expect(await schemaErrors(seen)).toEqual([]);
  (seen[0] as Json).request.answer.created = "now";
  expect(await schemaErrors(seen)).toEqual([expect.stringContaining("created")]);
});

test("accepts no parameter that is unknown to the SDK", async () => {
  for (const { method, path, schema } of stripeRoutes({ base: "", returnUrl: null })) {
    const names = Object.keys((schema as Json).def.shape);
    const faults = await schemaErrors(
      names.map((name) => call(method, path.replace(":id", "x_1"), { [name]: {} })),
    );
    expect(faults.filter((fault) => fault.includes("additional properties"))).toEqual([]);
  }
  const probe = await schemaErrors([call("GET", "/v1/customers", { color: {} })]);
  expect(probe.join()).toContain("additional properties");
});

function call(method: string, path: string, params: Json): TrafficRecord {
  const request = {
    id: "req_1",
    method,
    path,
    params,
    idempotencyKey: null,
    status: null,
    isReplay: false,
    answer: null,
  };
  return { kind: "call", request, forced: new Map() };
}

test("checks the traffic of doubles in programs that a test runs", async () => {
  const program = runProgram("tests/support/invalid_stripe_request.ts");
  expect(await program.ended).toMatchObject({ status: 0 });
  await expect(requireValidTraffic()).rejects.toThrow("POST /v1/customers, parameters: color ");
});
