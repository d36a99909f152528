import { expect, test } from "vitest";
import {
  customerWithCard,
  errorOf,
  startDoubleWithSdk,
  typesOf,
} from "#tests/packages/stripe_double/double_with_sdk.ts";

test("refunds a subscription through its invoice's payment, up to the paid amount", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const { id } = double.createSubscription({ email: "amy@example.com", card: { fingerprint: "f1" } });
  const subscription = await stripe.subscriptions.retrieve(id, { expand: ["latest_invoice.payments"] });
  const { latest_invoice: invoice } = subscription;
  if (invoice === null || typeof invoice === "string") throw new Error("The invoice is not expanded.");
  expect(invoice.parent?.subscription_details?.subscription).toBe(id);
  const [payment] = invoice.payments?.data ?? [];
  expect(payment).toMatchObject({ status: "paid", amount_paid: 499 });
  const intent = String(payment?.payment.payment_intent);
  expect(await errorOf(stripe.refunds.create({ payment_intent: intent, amount: 500 }))).toMatchObject({
    param: "amount",
  });
  const part = await stripe.refunds.create({ payment_intent: intent, amount: 99 });
  const rest = await stripe.refunds.create({ payment_intent: intent }, { idempotencyKey: "refund" });
  expect([part.amount, rest.amount, rest.status]).toEqual([99, 400, "succeeded"]);
  const again = await stripe.refunds.create({ payment_intent: intent }, { idempotencyKey: "refund" });
  expect(again.id).toBe(rest.id);
  expect(await errorOf(stripe.refunds.create({ payment_intent: intent }))).toMatchObject({
    statusCode: 400,
    code: "charge_already_refunded",
  });
  const paid = await stripe.paymentIntents.retrieve(intent, { expand: ["latest_charge"] });
  expect(paid).toMatchObject({
    status: "succeeded",
    amount_received: 499,
    latest_charge: {
      refunded: true,
      amount_refunded: 499,
      payment_method_details: { card: { fingerprint: "f1" } },
    },
  });
  expect((await stripe.refunds.list({ payment_intent: intent })).data).toHaveLength(2);
  expect(typesOf(double, "charge.refunded")).toHaveLength(2);
});

test("rejects a refund without a charge and a refund of a failed payment", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe } = running;
  expect((await errorOf(stripe.refunds.create({}))).statusCode).toBe(400);
  expect(await errorOf(stripe.refunds.create({ charge: "ch_no" }))).toMatchObject({
    code: "resource_missing",
    param: "charge",
  });
  await stripe.subscriptions.create(await customerWithCard(running, { declines: true }));
  const [failed] = (await stripe.charges.list()).data;
  expect(failed).toMatchObject({ status: "failed", failure_code: "card_declined" });
  const intent = String(failed?.payment_intent);
  expect(await errorOf(stripe.refunds.create({ payment_intent: intent }))).toMatchObject({
    code: "payment_intent_unexpected_state",
  });
});

test("settles and refunds a processing payment after its subscription was canceled", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const { id } = await stripe.subscriptions.create(await customerWithCard(running, { processes: true }));
  const { latest_invoice: invoice, status } = await stripe.subscriptions.retrieve(id);
  expect(status).toBe("active");
  const [payment] = (await stripe.invoicePayments.list({ invoice: String(invoice) })).data;
  expect(payment?.status).toBe("open");
  const intent = String(payment?.payment.payment_intent);
  expect((await stripe.paymentIntents.retrieve(intent)).status).toBe("processing");
  await stripe.subscriptions.cancel(id);
  expect((await errorOf(stripe.refunds.create({ payment_intent: intent }))).statusCode).toBe(400);
  double.settlePayment(id, "succeeded");
  expect((await stripe.subscriptions.retrieve(id)).status).toBe("canceled");
  expect((await stripe.refunds.create({ payment_intent: intent })).amount).toBe(499);
  expect(typesOf(double, "payment_intent")).toEqual([
    "payment_intent.created",
    "payment_intent.processing",
    "payment_intent.succeeded",
  ]);
});

test("makes a subscription past_due when its processing payment fails", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const { id } = await stripe.subscriptions.create(await customerWithCard(running, { processes: true }));
  double.settlePayment(id, "failed");
  expect((await stripe.subscriptions.retrieve(id)).status).toBe("past_due");
});

test("links a dispute to its subscription, and rejects a refund of a lost dispute's charge", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const { id } = double.createSubscription({ email: "amy@example.com" });
  const dispute = double.dispute(id);
  double.reviewDispute(dispute.id);
  double.closeDispute(dispute.id, "lost");
  expect(typesOf(double, "charge.dispute")).toEqual([
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
  ]);
  expect(await stripe.disputes.retrieve(dispute.id)).toMatchObject({ status: "lost", amount: 499 });
  const intent = String(dispute.payment_intent);
  const payments = await stripe.invoicePayments.list({
    payment: { type: "payment_intent", payment_intent: intent },
    expand: ["data.invoice"],
  });
  expect(payments.data[0]?.invoice).toMatchObject({
    parent: { subscription_details: { subscription: id } },
  });
  expect((await errorOf(stripe.refunds.create({ payment_intent: intent }))).code).toBe("charge_disputed");
});

test("lists and detaches cards, and keeps a card's fingerprint across customers", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const one = double.createSubscription({ email: "amy@example.com", card: { fingerprint: "same" } });
  const other = double.createSubscription({ email: "bob@example.com", card: { fingerprint: "same" } });
  for (const { customer } of [one, other]) {
    const [method] = (await stripe.paymentMethods.list({ customer, type: "card" })).data;
    expect(method?.card?.fingerprint).toBe("same");
    expect((await stripe.paymentMethods.retrieve(method?.id ?? "")).customer).toBe(customer);
  }
  const { customer } = one;
  const attached = await stripe.paymentMethods.attach("pm_card_visa", { customer });
  await stripe.customers.update(customer, { invoice_settings: { default_payment_method: attached.id } });
  expect(await stripe.customers.retrieve(customer)).toMatchObject({
    invoice_settings: { default_payment_method: attached.id },
  });
  await stripe.paymentMethods.detach(attached.id);
  expect(await stripe.customers.retrieve(customer)).toMatchObject({
    invoice_settings: { default_payment_method: null },
  });
});

test.each([
  ["jpy", 1500, 1],
  ["kwd", 4990, 10],
] as const)("charges and refunds %s in its smallest unit", async (currency, unit_amount, smallest) => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const recurring = { interval: "month" } as const;
  const { id: price } = await stripe.prices.create({
    product: "prod_default",
    currency,
    unit_amount,
    recurring,
  });
  double.createSubscription({ email: "amy@example.com", price });
  const [charge] = (await stripe.charges.list()).data;
  expect(charge).toMatchObject({ amount: unit_amount, currency });
  const refund = (amount: number) => stripe.refunds.create({ charge: charge?.id ?? "", amount });
  expect((await refund(smallest)).amount).toBe(smallest);
  if (smallest === 10) expect((await errorOf(refund(15))).param).toBe("amount");
});

test("refuses refunds with the reasons of the control, then refunds", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  double.createSubscription({ email: "amy@example.com" });
  const charge = (await stripe.charges.list()).data[0]?.id ?? "";
  double.refuseRefunds(["balance_insufficient", "charge_expired_for_refund"]);
  for (const code of ["balance_insufficient", "charge_expired_for_refund"]) {
    expect(await errorOf(stripe.refunds.create({ charge }))).toMatchObject({ statusCode: 400, code });
  }
  expect((await stripe.refunds.create({ charge })).status).toBe("succeeded");
});

test("fails a refund later, after which the charge can be refunded again", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  double.createSubscription({ email: "amy@example.com" });
  const charge = (await stripe.charges.list()).data[0]?.id ?? "";
  const { id } = await stripe.refunds.create({ charge });
  double.failRefund(id);
  expect(await stripe.refunds.retrieve(id)).toMatchObject({ status: "failed", failure_reason: "declined" });
  expect(await stripe.charges.retrieve(charge)).toMatchObject({ amount_refunded: 0, refunded: false });
  expect(typesOf(double).slice(-3)).toEqual(["refund.updated", "charge.refund.updated", "refund.failed"]);
  expect((await stripe.refunds.create({ charge })).amount).toBe(499);
});

test("refunds the charge of a won dispute", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const { id } = double.createSubscription({ email: "amy@example.com" });
  const dispute = double.dispute(id);
  expect((await errorOf(stripe.refunds.create({ charge: String(dispute.charge) }))).code).toBe(
    "charge_disputed",
  );
  double.closeDispute(dispute.id, "won");
  expect((await stripe.refunds.create({ charge: String(dispute.charge) })).status).toBe("succeeded");
});

test("cancels the subscriptions and removes the cards of a deleted customer", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const { id, customer } = double.createSubscription({ email: "amy@example.com" });
  await stripe.customers.del(customer);
  expect(await stripe.customers.retrieve(customer)).toMatchObject({ deleted: true });
  expect((await stripe.subscriptions.retrieve(id)).status).toBe("canceled");
  expect((await errorOf(stripe.paymentMethods.list({ customer }))).code).toBe("resource_missing");
  expect((await stripe.subscriptions.list({ customer, status: "all" })).data).toHaveLength(1);
});

test("sells several subscriptions to one customer", async () => {
  await using running = await startDoubleWithSdk();
  const { double, stripe } = running;
  const { customer } = double.createSubscription({ email: "amy@example.com" });
  double.createSubscription({ email: null, customer });
  expect((await stripe.subscriptions.list({ customer, status: "active" })).data).toHaveLength(2);
  expect((await stripe.paymentMethods.list({ customer })).data).toHaveLength(1);
});

test("does what an operator does in the dashboard: refund, credit, void, pay out of band", async () => {
  await using running = await startDoubleWithSdk();
  const { stripe, double } = running;
  const { id, customer } = double.createSubscription({ email: "amy@example.com" });
  const [charge] = double.ledger().charges;
  expect(double.refund({ charge: charge?.id, amount: 100 }).amount).toBe(100);
  double.credit(customer, 50, "gbp");
  expect(await stripe.customers.retrieve(customer)).toMatchObject({ balance: -50 });
  expect(double.voidOpenInvoice(id)).toBe(false);
  for (const settle of [double.voidOpenInvoice, double.payOutOfBand]) {
    const overdue = double.createSubscription({ email: "bob@example.com", status: "past_due" });
    expect(settle(overdue.id)).toBe(true);
    expect((await stripe.subscriptions.retrieve(overdue.id)).status).toBe("active");
  }
});
