import { expect, test } from "vitest";
import {
  DAY,
  errorOf,
  PRICE,
  startDoubleWithSdk,
  typesOf,
} from "#tests/packages/stripe_double/double_with_sdk.ts";

const START = Date.UTC(2027, 0, 31, 12) / 1000;
const trial = { items: [{ price: PRICE }], trial_period_days: 14 };

test("advances only customers on the test clock, and with the account's clock only the others", async () => {
  await using running = await startDoubleWithSdk({ now: () => START * 1000 });
  const { stripe, double } = running;
  const clock = await stripe.testHelpers.testClocks.create({ frozen_time: START + 100 * DAY });
  const on = await stripe.customers.create({ email: "on@example.com", test_clock: clock.id });
  const off = await stripe.customers.create({ email: "off@example.com" });
  const ahead = await stripe.subscriptions.create({ customer: on.id, ...trial });
  const here = await stripe.subscriptions.create({ customer: off.id, ...trial });
  expect([on.created, ahead.created, ahead.trial_end]).toEqual([
    START + 100 * DAY,
    START + 100 * DAY,
    START + 114 * DAY,
  ]);
  expect(ahead.test_clock).toBe(clock.id);
  expect({ created: here.created, trial_end: here.trial_end, test_clock: here.test_clock }).toEqual({
    created: START,
    trial_end: START + 14 * DAY,
    test_clock: null,
  });

  const status = async (id: string) => (await stripe.subscriptions.retrieve(id)).status;
  double.attachCard(on.id);
  double.attachCard(off.id);
  await stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: START + 115 * DAY });
  expect([await status(ahead.id), await status(here.id)]).toEqual(["active", "trialing"]);
  double.advance({ days: 15 });
  expect([await status(ahead.id), await status(here.id)]).toEqual(["active", "active"]);
  const period = (await stripe.subscriptions.retrieve(ahead.id)).items.data[0];
  expect(period?.current_period_start).toBe(START + 114 * DAY);
});

test("creates charges and refunds at the account's time for a customer on a test clock", async () => {
  await using running = await startDoubleWithSdk({ now: () => START * 1000 });
  const { stripe, double } = running;
  const clock = await stripe.testHelpers.testClocks.create({ frozen_time: START + 100 * DAY });
  const { id: customer } = await stripe.customers.create({ test_clock: clock.id });
  double.attachCard(customer);
  const { id } = await stripe.subscriptions.create({ customer, items: [{ price: PRICE }] });
  const [invoice] = (await stripe.invoices.list({ subscription: id })).data;
  const [charge] = (await stripe.charges.list({ customer })).data;
  expect({ invoice: invoice?.created, charge: charge?.created }).toEqual({
    invoice: START + 100 * DAY,
    charge: START,
  });
  const refund = await stripe.refunds.create({ charge: charge?.id ?? "" });
  expect(refund.created).toBe(START);
});

test("returns a clock with status advancing, then ready, and emits an event for each change", async () => {
  await using running = await startDoubleWithSdk({ now: () => START * 1000 });
  const { testClocks } = running.stripe.testHelpers;
  const clock = await testClocks.create({ frozen_time: START, name: "renewal" });
  const target = START + 10 * DAY;
  expect(await testClocks.advance(clock.id, { frozen_time: target })).toMatchObject({
    status: "advancing",
    frozen_time: START,
    status_details: { advancing: { target_frozen_time: target } },
  });
  expect(await testClocks.retrieve(clock.id)).toMatchObject({ status: "ready", frozen_time: target });
  expect((await testClocks.list()).data).toHaveLength(1);
  await testClocks.del(clock.id);
  expect(typesOf(running.double, "test_helpers")).toEqual(
    ["created", "advancing", "ready", "deleted"].map((what) => `test_helpers.test_clock.${what}`),
  );
  const lost = await errorOf(running.stripe.customers.create({ test_clock: clock.id }));
  expect(lost).toMatchObject({ code: "resource_missing", param: "test_clock" });
});

test("lists customers and subscriptions on a test clock only if the clock or the customer is named", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const clock = await stripe.testHelpers.testClocks.create({ frozen_time: START });
  const { id: customer } = await stripe.customers.create({ test_clock: clock.id });
  const on = await stripe.subscriptions.create({ customer, ...trial });
  const off = double.createSubscription({ email: "off@example.com" });
  const ids = async (params: object) => (await stripe.subscriptions.list(params)).data.map(({ id }) => id);
  expect(await ids({})).toEqual([off.id]);
  expect(await ids({ test_clock: clock.id })).toEqual([on.id]);
  expect(await ids({ customer })).toEqual([on.id]);
  expect((await stripe.customers.list()).data.map(({ id }) => id)).toEqual([off.customer]);
  expect((await stripe.customers.list({ test_clock: clock.id })).data.map(({ id }) => id)).toEqual([
    customer,
  ]);
});
