import { afterEach, beforeEach, expect, test } from "vitest";
import type { OpenCore } from "#core/core.ts";
import { stripe } from "#core/parts.ts";
import { findPerson } from "#core/personal_data/find_person.ts";
import { eraseAccount } from "#core/personal_data/personal_data.ts";
import { PersonalDocuments } from "#core/repositories/personal_documents.ts";
import { serveRpc } from "#entry/rpc.ts";
import { handler as createCheckoutSession } from "#methods/2026-12-01/subscription/create_checkout_session.ts";
import { handler as deleteUser } from "#methods/2026-12-01/users/delete_user.ts";
import { runCli } from "#tests/support/cli.ts";
import { type IoOperation, interceptIo } from "#tests/support/io_interceptor.ts";
import { lambdaContext, toMethodEvent } from "#tests/support/lambda_event.ts";
import { type TestNest, V2 } from "#tests/support/nest.ts";
import {
  CANCEL,
  type Shopper,
  SUCCESS,
  sessionIn,
  signInShopper,
  startShop,
  V3,
} from "#tests/support/plans.ts";

const ADA = "ada@example.com";
const LIST = "GET /v1/checkout/sessions";
const EXPIRE = "POST /v1/checkout/sessions/";
const NAMES = ["checkouts", "identifiers", "provider-mappings", "sessions", "users"];

let nest: TestNest;
let ada: Shopper;
beforeEach(async () => {
  nest = await startShop();
  ada = await signInShopper(nest);
});
afterEach(() => nest.stop());

const statuses = () => nest.stripe.checkoutSessions().map(({ status }) => status);
const living = () => nest.stripe.subscriptions().filter(({ status }) => status !== "canceled");

/** Erases Ada as `users erase` does. @param open what the erasure uses, such as a core that is interrupted */
async function erase(open: OpenCore = nest.gateway): Promise<void> {
  const accounts = {
    ...open.core,
    stripe: open.part(stripe),
    personalDocuments: new PersonalDocuments(nest.gateway.mongo.database),
  };
  await eraseAccount(accounts, await findPerson(accounts, ADA));
}

async function expectErased(): Promise<void> {
  for (const name of NAMES) expect(await nest.collection(name).countDocuments(), name).toBe(0);
  await nest.collection("stripe-events").deleteMany({});
  // Rows of the audit log stay. They name the user by id only.
  expect(await nest.dump({ without: "audit_logs" })).not.toContain(ada.userId);
}

/** A core that does `work` once, when `isAt` holds, before or after that operation. */
function interrupt(
  isAt: (operation: IoOperation, count: number) => boolean,
  when: "before" | "after",
  work: () => Promise<unknown>,
) {
  const counts = new Map<string, number>();
  let hasRun = false;
  return interceptIo(nest.gateway, async (operation, go) => {
    const count = (counts.get(operation.name) ?? 0) + 1;
    counts.set(operation.name, count);
    const isNow = !hasRun && isAt(operation, count);
    hasRun ||= isNow;
    if (isNow && when === "before") await work();
    const result = await go();
    if (isNow && when === "after") await work();
    return result;
  });
}

test("an erasure closes the person's checkout page, so that nobody can pay on it", async () => {
  const { body } = await ada.checkout("pro");
  await erase();
  expect(statuses()).toEqual(["expired"]);
  expect(() => nest.stripe.payCheckout(sessionIn(body.url))).toThrow("status of `expired`");
  await expectErased();
});

test("an erasure closes a page whose creation Stripe answered too late", async () => {
  // The SDK sends a request again whose connection was cut.
  nest.stripe.fault({ calls: 2, kind: "lost", on: "POST /v1/checkout/sessions" });
  expect((await ada.checkout("pro")).body.code).toBe("stripe_error");
  expect(statuses()).toEqual(["open"]);
  await erase();
  expect(statuses()).toEqual(["expired"]);
});

test("an erasure leaves pages alone that Nest did not create", async () => {
  await ada.checkout("pro");
  const [own] = nest.stripe.checkoutSessions();
  const form = {
    mode: "subscription",
    customer: String(own?.customer),
    "line_items[0][price]": "price_pro",
    success_url: SUCCESS,
  };
  const authorization = `Bearer ${nest.stripe.secretKey}`;
  const url = `${nest.stripe.url}/v1/checkout/sessions`;
  await fetch(url, { method: "POST", headers: { authorization }, body: new URLSearchParams(form) });
  await erase();
  expect(statuses()).toEqual(["expired", "open"]);
});

test.each([
  [LIST, "error"],
  [LIST, "rate_limited"],
  [LIST, "lost"],
  [EXPIRE, "error"],
  [EXPIRE, "error_after"],
  [EXPIRE, "lost"],
] as const)(
  "an erasure during which %s fails with %s keeps everything, and a repeat completes it",
  async (on, kind) => {
    await ada.checkout("pro");
    const before = await nest.dump();
    nest.stripe.fault({ calls: kind === "lost" ? 2 : 1, kind, on });
    await expect(erase()).rejects.toMatchObject({ code: "stripe_error" });
    expect(await nest.dump()).toBe(before);
    await erase();
    expect(statuses()).toEqual(["expired"]);
    await expectErased();
  },
);

test("an erasure is refused when a purchase is paid whose event has not arrived", async () => {
  const { body } = await ada.checkout("pro");
  const bought = nest.stripe.payCheckout(sessionIn(body.url)) ?? "";
  const before = await nest.dump();
  await expect(erase()).rejects.toMatchObject({
    code: "already_subscribed",
    detail: expect.stringContaining(bought),
  });
  expect(await nest.dump()).toBe(before);
  nest.stripe.cancelSubscription(bought);
  await nest.deliverEvents();
  await erase();
  await expectErased();
});

test("an erasure is refused when the page is paid while it is being closed", async () => {
  const { body } = await ada.checkout("pro");
  const pay = async () => nest.stripe.payCheckout(sessionIn(body.url));
  const open = interrupt(({ name }, count) => name === "StripeApi.request" && count === 1, "after", pay);
  await expect(erase(open)).rejects.toMatchObject({ code: "already_subscribed" });
  expect(statuses()).toEqual(["complete"]);
  await nest.deliverEvents();
  expect((await ada.status()).body).toMatchObject({ status: "active", plan: "pro" });
  expect(living()).toHaveLength(1);
});

/** Asks for a checkout with a core that is interrupted. */
async function askWith(open: OpenCore) {
  const body = JSON.stringify({ plan: "pro", success_url: SUCCESS, cancel_url: CANCEL });
  const authorization = `bearer ${ada.bearer}`;
  const event = toMethodEvent(`${V3}create_checkout_session`, body, { authorization });
  const reply = await serveRpc(createCheckoutSession.declaration, open)(event, lambdaContext());
  return JSON.parse(String((reply as { body: string }).body));
}

/** The first request creates the customer, the second one the page. */
const isCreation = ({ name }: IoOperation, count: number) => name === "StripeApi.request" && count === 2;

test.each([
  ["CheckoutRepository.begin", "before"],
  ["CheckoutRepository.begin", "after"],
  ["ProviderMappingRepository.insert", "before"],
  ["ProviderMappingRepository.insert", "after"],
  ["the creation of the page", "after"],
  ["CheckoutRepository.recordSession", "after"],
] as const)("leaves nothing and no open page of a person who is erased %s, %s", async (place, when) => {
  const isAt = place === "the creation of the page" ? isCreation : ({ name }: IoOperation) => name === place;
  const answer = await askWith(interrupt(isAt, when, () => erase()));
  // The call may have read its session just before the erasure began. Then it returns the page that the erasure closed.
  if (place !== "CheckoutRepository.recordSession") expect(answer).toMatchObject({ code: "unauthorized" });
  expect(statuses().filter((status) => status === "open")).toEqual([]);
  await expectErased();
});

test("leaves nothing of a person who is erased before Stripe refuses the page", async () => {
  nest.stripe.fault({ calls: 1, kind: "error", on: "POST /v1/checkout/sessions" });
  const open = interrupt(
    ({ name }) => name === "ProviderMappingRepository.insert",
    "before",
    () => erase(),
  );
  expect(await askWith(open)).toMatchObject({ code: "stripe_error" });
  expect(statuses()).toEqual([]);
  await expectErased();
});

test("a call whose user signs out meanwhile returns no page, and another sign-in gets one", async () => {
  const signOut = async () => {
    const { body } = await nest.call(`${V2}list_sessions`, { user_id: ada.userId }, { bearer: ada.bearer });
    await ada.call("revoke_session", { user_id: ada.userId, session_id: body[0].id });
  };
  const open = interrupt(isCreation, "after", signOut);
  expect(await askWith(open)).toMatchObject({ code: "unauthorized" });
  expect(statuses()).toEqual(["expired"]);
  const again = await signInShopper(nest);
  expect((await again.checkout("pro")).status).toBe(200);
  expect(statuses()).toEqual(["expired", "open"]);
});

test("`users erase` needs Stripe's key for a person who began a checkout, and for nobody else", async () => {
  await signInShopper(nest, "bob@example.com");
  await ada.checkout("pro");
  const run = (who: string, more = {}) =>
    runCli(["users", "erase", who, "--yes"], { MONGODB_URI: nest.mongoUri, ...more });
  expect(await run("bob@example.com")).toMatchObject({ status: 0 });
  expect(await run(ADA)).toMatchObject({
    status: 1,
    printed: expect.stringContaining("STRIPE_SECRET_KEY"),
  });
  expect(statuses()).toEqual(["open"]);
  const { STRIPE_SECRET_KEY = "", STRIPE_URL = "" } = nest.environment;
  expect(await run(ADA, { STRIPE_SECRET_KEY, STRIPE_URL })).toMatchObject({ status: 0 });
  expect(statuses()).toEqual(["expired"]);
});

test("a deletion during which its user pays on a new page completes, and raises an alarm", async () => {
  const open = interrupt(
    ({ name }) => name === "UserRepository.markDeleted",
    "before",
    async () => {
      const { body } = await ada.checkout("pro");
      nest.stripe.payCheckout(sessionIn(body.url));
    },
  );
  const authorization = `bearer ${ada.bearer}`;
  const event = toMethodEvent(`${V3}delete_user`, "{}", { authorization });
  const reply = await serveRpc(deleteUser.declaration, open)(event, lambdaContext());
  expect(reply).toMatchObject({ statusCode: 200 });
  const lines = nest.logLines.map((line) => JSON.parse(line));
  expect(lines.filter((line) => line.event === "deleted_user_pays")).toMatchObject([
    { level: "error", alarm: true, user_id: ada.userId },
  ]);
  expect(await nest.collection("users").findOne({ _id: ada.userId as never })).toMatchObject({
    status: "deleted",
  });
  expect(living()).toHaveLength(1);
});

test("a deletion closes the page that its user opens meanwhile", async () => {
  const open = interrupt(
    ({ name }) => name === "UserRepository.markDeleted",
    "before",
    () => ada.checkout("pro"),
  );
  const event = toMethodEvent(`${V3}delete_user`, "{}", { authorization: `bearer ${ada.bearer}` });
  const reply = await serveRpc(deleteUser.declaration, open)(event, lambdaContext());
  expect(reply).toMatchObject({ statusCode: 200 });
  expect(statuses()).toEqual(["expired"]);
});
