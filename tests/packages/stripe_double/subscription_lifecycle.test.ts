/**
 * The lifecycle of a subscription with Nest and Stripe, from trial to end. Runs against the double, and also against a Stripe
 * sandbox if STRIPE_CONTRACT_KEY is its secret key. Only Stripe's API changes subscriptions. The test reads the result through
 * get_subscription_status and moves Nest's clock together with Stripe's test clock.
 */
import type Stripe from "stripe";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { StripeApi } from "#core/services/stripe.ts";
import { CONTRACT_TARGETS, type ContractAccount } from "#tests/packages/stripe_double/contract_targets.ts";
import { codeIn, linkRequest, startNest, type TestNest, V2 } from "#tests/support/nest.ts";
import { createEventPoller, type EventPoller } from "#tools/local/stripe_account/event_poller.ts";

const HOUR = 3_600;
const DAY = 86_400;
const SECRET = "whsec_of_this_run";
const REMINDER = "Your Beak trial ends soon";

describe.each(CONTRACT_TARGETS)("the lifecycle of a subscription with $name", ({ open, timeoutMs }) => {
  let account: ContractAccount;
  let stripe: Stripe;
  let nest: TestNest;
  let poller: EventPoller;
  beforeAll(async () => {
    account = await open();
    ({ stripe } = account);
  }, timeoutMs);
  afterAll(() => account?.[Symbol.asyncDispose](), timeoutMs);

  const lifecycleTest = (name: string, work: () => Promise<void>) =>
    test(
      name,
      async () => {
        nest = await startNest({
          environment: {
            STRIPE_URL: account.url ?? "",
            STRIPE_SECRET_KEY: account.secretKey,
            STRIPE_WEBHOOK_SECRETS: SECRET,
            STRIPE_PRICE_ID: account.price,
            STRIPE_PRODUCT_IDS: account.product,
          },
        });
        poller = createEventPoller({
          stripe: StripeApi.open(account.secretKey, account.url),
          secret: SECRET,
          signedAt: () => nest.clock.now().getTime(),
          retryDelaysMs: Array(100).fill(0),
          post: async (body, signature) =>
            (await nest.call("/1/webhook/stripe", body, { headers: { "stripe-signature": signature } }))
              .status,
        });
        await work().finally(() => nest.stop());
      },
      timeoutMs,
    );

  const uniqueAddress = () => `lifecycle-${crypto.randomUUID()}@example.com`;
  const statusOf = async (user_id: string) => {
    await nest.verifyAddresses(user_id);
    const { status, body } = await nest.call(`${V2}get_subscription_status`, { user_id }, { internal: true });
    return status === 200 ? body : { status: body.code };
  };
  /** Fetches Stripe's events until a user's status has these fields. */
  const until = (user: string, wanted: { status: string } & Record<string, unknown>) =>
    account.until(`${JSON.stringify(wanted)} for ${user}`, async () => {
      await poller.poll();
      const found = await statusOf(user);
      return Object.entries(wanted).every(([field, value]) => found[field] === value) && found;
    });
  const mailTo = (address: string, subject: string) =>
    nest.ses.inbox.find((mail) => mail.to === address && mail.subject === subject);

  /** Starts a trial as the app does, redeems the mailed link, uses the trial, and returns the user id. */
  const startTrial = async (address: string): Promise<string> => {
    const device = { platform: "mac", beak_id: address, fingerprint: address };
    const body = linkRequest({ identifier_value: address, device });
    await account.until("the trial's link", async () => {
      const { status } = await nest.call(`${V2}create_trial_and_magic_link`, body);
      return status === 204;
    });
    const mail = mailTo(address, "🐦 Start your Beak trial");
    if (!mail) throw new Error("The mail with the trial's link was not sent.");
    const { user_id, access_token } = (await nest.redeem(codeIn(mail))).body;
    await nest.call(`${V2}get_subscription_status`, { user_id }, { bearer: access_token });
    return user_id;
  };
  const addCard = async (customer: string, card: string) => {
    const { id } = await stripe.paymentMethods.attach(card, { customer });
    await stripe.customers.update(customer, { invoice_settings: { default_payment_method: id } });
    return id;
  };

  /**
   * Creates a user whose Stripe customer is on a test clock. Nest never creates customers on test clocks. So the test creates
   * the customer, buys a subscription, cancels it and removes the card. Nest then uses this customer for the user.
   */
  const returningCustomer = async () => {
    const address = uniqueAddress();
    const clock = await account.startClock();
    const { id: customer } = await stripe.customers.create({ email: address, test_clock: clock.id });
    const card = await addCard(customer, "pm_card_visa");
    const bought = await stripe.subscriptions.create({ customer, items: [{ price: account.price }] });
    const { user_id } = await nest.signIn(address);
    await until(user_id, { status: "active" });
    await stripe.subscriptions.cancel(bought.id);
    await until(user_id, { status: "no_active_subscription" });
    await stripe.paymentMethods.detach(card);
    const moveTo = async (time: number) => {
      await account.advance(clock.id, time);
      nest.clock.advance(time - Math.floor(nest.clock.now().getTime() / 1000));
    };
    return { address, user: user_id, customer, moveTo };
  };
  const activeSubscriptionOf = async (customer: string): Promise<Stripe.Subscription> => {
    const { data } = await stripe.subscriptions.list({ customer });
    const [subscription] = data;
    if (!subscription || data.length > 1) throw new Error(`Expected 1 subscription, found ${data.length}.`);
    return subscription;
  };
  const periodEnd = async (customer: string) =>
    (await activeSubscriptionOf(customer)).items.data[0]?.current_period_end ?? Number.NaN;

  lifecycleTest("a trial without a card sends a reminder, ends, and can't be started again", async () => {
    const { address, user, customer, moveTo } = await returningCustomer();
    expect(await startTrial(address)).toBe(user);
    await until(user, { status: "trialing" });
    const trial = await activeSubscriptionOf(customer);
    const end = trial.trial_end ?? Number.NaN;
    await moveTo(end - 3 * DAY + HOUR);
    await account.until("the reminder", async () => {
      await poller.poll();
      return mailTo(address, REMINDER);
    });
    expect(await statusOf(user)).toMatchObject({ status: "trialing" });
    await moveTo(end + 2 * HOUR);
    await until(user, { status: "no_active_subscription" });
    const device = { platform: "mac", beak_id: address, fingerprint: address };
    const again = linkRequest({ identifier_value: address, device });
    const refused = await nest.call(`${V2}create_trial_and_magic_link`, again);
    expect(refused.body.code).toBe("trial_already_used");
    const mails = nest.ses.inbox.filter((mail) => mail.to === address && mail.subject === REMINDER);
    expect(mails).toHaveLength(1);
  });

  lifecycleTest(
    "a trial with a card becomes active, renews, goes past_due, recovers, and ends with its period",
    async () => {
      const { address, user, customer, moveTo } = await returningCustomer();
      await startTrial(address);
      const trial = await until(user, { status: "trialing" });
      await addCard(customer, "pm_card_visa");
      // Stripe keeps an invoice as a draft for an hour before it collects the payment.
      await moveTo((await periodEnd(customer)) + 3 * HOUR);
      const first = await until(user, { status: "active" });
      expect(first.end_date > trial.end_date).toBe(true);
      const paid = await stripe.invoices.list({
        subscription: (await activeSubscriptionOf(customer)).id,
        status: "paid",
      });
      expect(Math.max(...paid.data.map(({ amount_paid }) => amount_paid))).toBe(499);

      await moveTo((await periodEnd(customer)) + 3 * HOUR);
      const iso = async () => new Date((await periodEnd(customer)) * 1000).toISOString();
      const renewed = await until(user, { status: "active", end_date: await iso() });
      expect(renewed.end_date > first.end_date).toBe(true);

      await addCard(customer, "pm_card_chargeCustomerFail");
      await moveTo((await periodEnd(customer)) + 3 * HOUR);
      await until(user, { status: "past_due" });
      await addCard(customer, "pm_card_visa");
      const { id } = await activeSubscriptionOf(customer);
      const [open] = (await stripe.invoices.list({ subscription: id, status: "open" })).data;
      await stripe.invoices.pay(open?.id ?? "");
      await until(user, { status: "active", cancel_type: null });

      await stripe.subscriptions.update(id, { cancel_at_period_end: true });
      const leaving = await until(user, { status: "active", cancel_type: "period_end" });
      expect(leaving.cancel_at).toBe(leaving.end_date);
      await moveTo((await periodEnd(customer)) + 2 * HOUR);
      await until(user, { status: "no_active_subscription" });
    },
  );

  lifecycleTest(
    "a new user's trial, with a customer that Nest creates, ends when Stripe ends it",
    async () => {
      const address = uniqueAddress();
      const user = await startTrial(address);
      const made = await account.until("the customer", async () => {
        const { data } = await stripe.customers.list({ email: address });
        return data[0];
      });
      account.deleteLater(() => stripe.customers.del(made.id));
      await until(user, { status: "trialing", cancel_type: null });
      const trial = await activeSubscriptionOf(made.id);
      expect(trial.metadata).toMatchObject({ user_id: user });
      await account.until("the welcome", async () => {
        await poller.poll();
        return mailTo(address, "Your Beak Trial has begun!");
      });
      await stripe.subscriptions.update(trial.id, { trial_end: "now" });
      await until(user, { status: "no_active_subscription" });
    },
  );
});
