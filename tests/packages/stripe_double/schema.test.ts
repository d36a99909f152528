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

/** The traffic of some work, in the order in which they ended. */
async function exchangesOf(work: () => Promise<unknown>): Promise<TrafficRecord[]> {
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

/** A call whose answer has customer, invoice and its payments in it. */
async function richCall(): Promise<Call & { request: { answer: Json } }> {
  await using running = await startDoubleWithSdk();
  const { id } = running.double.createSubscription({ email: "amy@example.com" });
  const [call] = await exchangesOf(() =>
    running.stripe.subscriptions.retrieve(id, { expand: ["customer", "latest_invoice.payments"] }),
  );
  if (call?.kind !== "call") throw new Error("no call was seen");
  return call as Call & { request: { answer: Json } };
}

// biome-ignore lint/suspicious/noExplicitAny: answers of any shape, to be spoilt
type Json = any;
const NAME = "GET /v1/subscriptions/:id, answer 200";

test("a good exchange has no faults, whatever was expanded in it", async () => {
  expect(await schemaErrors([await richCall()])).toEqual([]);
});

test("without any required field of an object or of those inside it, an answer is not Stripe's", async () => {
  const call = await richCall();
  const places: string[][] = [[], ["items", "data", "0"], ["items", "data", "0", "price"], ["customer"]];
  places.push(["latest_invoice"], ["latest_invoice", "payments", "data", "0"], ["cancellation_details"]);
  const unnoticed = [];
  for (const place of places) {
    const object = place.reduce((node, step) => node[step], call.request.answer);
    for (const field of Object.keys(object)) {
      const spoilt = structuredClone(call);
      delete place.reduce((node, step) => node[step], spoilt.request.answer)[field];
      const path = [...place, field].join(".");
      if (!(await schemaErrors([spoilt])).join().includes(`: ${path} must have`)) unnoticed.push(path);
    }
  }
  // What the SDK calls optional.
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
  expect(unnoticed).toEqual(
    Object.entries(optional).flatMap(([place, fields]) => fields.map((field) => place + field)),
  );
});

test.each([
  [
    "a field that the SDK does not know",
    (answer: Json) => Object.assign(answer.items.data[0], { colour: 1 }),
    "items.data.0.colour",
  ],
  [
    "a status that the SDK does not name",
    (answer: Json) => Object.assign(answer, { status: "asleep" }),
    "status",
  ],
  [
    "an amount as a number where it is a decimal",
    (answer: Json) => Object.assign(answer.items.data[0].price, { unit_amount_decimal: 499 }),
    "items.data.0.price.unit_amount_decimal",
  ],
  [
    "an object where nobody asked for it",
    (answer: Json) => Object.assign(answer, { schedule: answer.customer }),
    "schedule",
  ],
  [
    "an id where the object was asked for",
    (answer: Json) => Object.assign(answer, { customer: "cus_1" }),
    "customer",
  ],
  [
    "null where there is never none",
    (answer: Json) => Object.assign(answer.latest_invoice, { currency: null }),
    "latest_invoice.currency",
  ],
  ["a moment as text", (answer: Json) => Object.assign(answer, { created: "2026-01-01" }), "created"],
] as const)("%s is named with its place", async (_what, spoil, place) => {
  const call = await richCall();
  spoil(call.request.answer);
  expect(await schemaErrors([call])).toEqual([expect.stringContaining(`${NAME}: ${place} `)]);
});

test("an event is held against its type's object, what it was before included", async () => {
  await using running = await startDoubleWithSdk();
  const { double } = running;
  const { id } = double.createSubscription({ email: "amy@example.com" });
  double.updateSubscription(id, { cancel_at_period_end: true });
  const events = double.events();
  const asExchange = (event: object): TrafficRecord => ({
    kind: "event",
    body: JSON.stringify(event),
    forced: new Map(),
  });
  expect(await schemaErrors(events.map(asExchange))).toEqual([]);
  const spoil = async (type: string, change: (event: Json) => void) => {
    const event = structuredClone(events.find((each) => each.type === type)) as Json;
    change(event);
    return (await schemaErrors([asExchange(event)])).join("\n");
  };
  const updated = "customer.subscription.updated";
  expect(await spoil(updated, ({ data }) => delete data.object.trial_end)).toContain("data.object.trial_end");
  expect(await spoil(updated, ({ data }) => (data.previous_attributes.colour = 1))).toContain(
    "data.previous_attributes.colour",
  );
  expect(await spoil(updated, (event) => (event.type = "invoice.paid"))).toContain("data.object");
  expect(await spoil(updated, (event) => (event.type = "no.such"))).toContain("event no.such: type ");
  expect(await spoil(updated, (event) => delete event.pending_webhooks)).toContain("pending_webhooks");
});

test("a request's parameters are held against the SDK's, and the test that made a bad one fails", async () => {
  await using running = await startDoubleWithSdk();
  const unknown = { email: "amy@example.com", colour: "red" } as object;
  await errorOf(running.stripe.customers.create(unknown));
  await expect(requireValidTraffic()).rejects.toThrow("POST /v1/customers, parameters: colour ");
  await requireValidTraffic();
});

test("what is wrong on purpose is said to be, and must be wrong", async () => {
  await using running = await startDoubleWithSdk();
  const { customers } = running.stripe;
  await expectInvalidTraffic(() => errorOf(customers.create({ colour: "red" } as object)));
  await expect(expectInvalidTraffic(() => customers.list())).rejects.toThrow(
    "Nothing here was wrong on purpose",
  );
});

test("what a control forced on an object is no fault of the double's, anything else in it is", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const { id } = double.createSubscription({ email: "amy@example.com" });
  double.updateSubscription(id, { fields: { status: "asleep" } });
  const seen = await exchangesOf(() => stripe.subscriptions.retrieve(id));
  expect(await schemaErrors(seen)).toEqual([]);
  (seen[0] as Json).request.answer.created = "now";
  expect(await schemaErrors(seen)).toEqual([expect.stringContaining("created")]);
});

test("the double takes no parameter that the SDK does not know", async () => {
  for (const { method, path, schema } of stripeRoutes({ base: "", returnUrl: null })) {
    const names = Object.keys((schema as Json).def.shape);
    const faults = await schemaErrors(
      names.map((name) => call(method, path.replace(":id", "x_1"), { [name]: {} })),
    );
    expect(faults.filter((fault) => fault.includes("additional properties"))).toEqual([]);
  }
  const probe = await schemaErrors([call("GET", "/v1/customers", { colour: {} })]);
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

test("the double of a program that a test runs is watched too", async () => {
  const program = runProgram("tests/support/invalid_stripe_request.ts");
  expect(await program.ended).toMatchObject({ status: 0 });
  await expect(requireValidTraffic()).rejects.toThrow("POST /v1/customers, parameters: colour ");
});
