import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { CHALLENGE, MAC, REDIRECT, V1, V2 } from "#tests/support/nest.ts";

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack[Symbol.asyncDispose]());
beforeEach(async () => {
  await stack.stripe.settled();
  stack.stripe.reset();
  stack.ses.clear();
});

const device = (id: string) => ({ platform: "mac", beak_id: id, fingerprint: `of ${id}` });
const link = (address: string) => ({
  client_id: MAC,
  redirect_uri: REDIRECT,
  state: "s",
  code_challenge_method: "S256",
  code_challenge: CHALLENGE,
  identifier_type: "email",
  identifier_value: address,
});
const startTrial = async (address: string, id: string) => {
  const { status } = await stack.ask("POST", `${V2}create_trial_and_magic_link`, {
    ...link(address),
    device: device(id),
  });
  expect(status).toBe(204);
  await stack.stripe.settled();
};
const userOf = async (identifierValue: string) =>
  String((await stack.database.collection("identifiers").findOne({ identifierValue }))?.userId);
const advance = (days: number) => stack.ask("POST", "/dev/stripe/clock", { advance_days: days });

describe("POST /dev/trial", () => {
  const ask = (address: unknown, id: string) =>
    stack.ask("POST", "/dev/trial", { address, device: device(id) });

  test("answers as a trial request would, and starts no trial", async () => {
    expect((await ask("Ann@example.com", "one")).body).toEqual({ verdict: "available" });
    expect(stack.stripe.subscriptions()).toEqual([]);
    await startTrial("ann@example.com", "one");
    // The trial is open until a link is redeemed, so the same request would join it.
    expect((await ask("ann@example.com", "one")).body).toEqual({ verdict: "available" });
    expect((await ask("bob@example.com", "one")).body).toEqual({ verdict: "trial_already_used" });
    await stack.ask("POST", "/dev/stripe/subscriptions", { email: "cid@example.com" });
    await stack.stripe.settled();
    expect((await ask("cid@example.com", "three")).body).toEqual({ verdict: "already_subscribed" });
  });

  test("rejects an address that is none", async () => {
    expect(await ask("no address", "four")).toMatchObject({ status: 400, body: { code: "invalid_email" } });
  });
});

describe("GET /dev/users/:id/timeline", () => {
  const read = async (address: string) =>
    (await stack.ask("GET", `/dev/users/${await userOf(address)}/timeline`)).body;

  test("returns each status with its times, and what happened, by the clock of the double", async () => {
    const began = stack.stripe.now();
    await startTrial("dan@example.com", "five");
    const [trial] = stack.stripe.subscriptions();
    stack.stripe.attachCard(trial?.customer ?? "");
    await advance(14);
    stack.stripe.attachCard(trial?.customer ?? "", { declines: true });
    await advance(31);
    await stack.ask("POST", `${V1}send_magic_link`, link("dan@example.com"));
    await stack.ask("POST", "/dev/stripe/subscriptions", { email: "other@example.com" });
    await stack.stripe.settled();

    const { subscriptions, moments } = await read("dan@example.com");
    expect(subscriptions).toHaveLength(1);
    const [{ id, product, spans, until }] = subscriptions;
    const price = { amount: 499, currency: "gbp", interval: "month" };
    expect({ id, product }).toEqual({ id: trial?.id, product: "Beak" });
    expect(spans).toEqual([
      { status: "trialing", price, from: expect.any(String), to: spans[1].from },
      { status: "active", price, from: expect.any(String), to: spans[2].from },
      { status: "past_due", price, from: expect.any(String), to: null },
    ]);
    expect(until > spans[2].from).toBe(true);
    const days = (Date.parse(spans[1].from) / 1000 - began) / 86_400;
    expect(Math.round(days)).toBe(14);
    const found = (wanted: object) =>
      moments.filter((moment: object) => JSON.stringify({ ...moment, ...wanted }) === JSON.stringify(moment));
    expect(found({ kind: "payment", is_paid: true })).toHaveLength(1);
    expect(found({ kind: "payment", is_paid: false }).length).toBeGreaterThan(0);
    const mails = found({ kind: "email" });
    expect(mails.at(0).at < spans[1].from && mails.at(-1).at >= spans[2].from).toBe(true);
    const times = moments.map(({ at }: { at: string }) => at);
    expect(times).toEqual([...times].sort());
  });

  test("shows a refund to the card and a credit to the balance", async () => {
    await stack.ask("POST", `${V1}send_magic_link`, link("eve@example.com"));
    const { body: made } = await stack.ask("POST", "/dev/stripe/subscriptions", { email: "Eve@example.com" });
    const refund = await stack.ask("POST", `/dev/stripe/customers/${made.customer}/refund`);
    expect(refund).toMatchObject({ status: 200, body: { amount: 499, currency: "gbp" } });
    const again = await stack.ask("POST", `/dev/stripe/customers/${made.customer}/refund`);
    expect(again).toMatchObject({ status: 404, body: { code: "not_found" } });
    stack.stripe.credit(made.customer, 120, "gbp");
    await stack.stripe.settled();
    const { moments } = await read("eve@example.com");
    const refunds = moments.filter(({ kind }: { kind: string }) => kind === "refund");
    expect(refunds.map(({ amount, to }: { amount: number; to: string }) => [amount, to])).toEqual([
      [499, "card"],
      [120, "balance"],
    ]);
  });

  test("answers not_found for an unknown user", async () => {
    expect(await stack.ask("GET", "/dev/users/user_unknown/timeline")).toMatchObject({ status: 404 });
  });
});
