import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isReminderDue, reminderOf } from "#core/billing/subscriptions/reminder.ts";
import { DAY } from "#core/clock.ts";
import type { DoubleEvent } from "#stripe_double/types.ts";
import { codeIn, linkRequest, startNest, type TestNest, V2 } from "#tests/support/nest.ts";

const ADA = "ada@example.com";
const REMINDER = "Your Beak trial ends soon";

describe("whether the end of a trial is announced", () => {
  const now = new Date("2026-12-09T12:00:00.000Z");
  const inDays = (days: number) => new Date(now.getTime() + days * DAY * 1000).toISOString();
  const sent = (days: number, isOmitted?: true) => ({
    ...{ claimedAt: inDays(days), sentAt: inDays(days) },
    ...(isOmitted && { isOmitted }),
  });

  test.each<[string, Parameters<typeof isReminderDue>[0], boolean]>([
    ["three days before its end", { endsAt: inDays(3), mails: { welcome: sent(-11) } }, true],
    ["on its last day", { endsAt: inDays(0.1), mails: { welcome: sent(-13) } }, true],
    ["a month before its end, which was moved", { endsAt: inDays(33), mails: { welcome: sent(-11) } }, false],
    ["an hour after the welcome", { endsAt: inDays(2), mails: { welcome: sent(-1 / 24) } }, false],
    ["over a day after the welcome", { endsAt: inDays(0.9), mails: { welcome: sent(-1.1) } }, true],
    ["after a welcome that was omitted", { endsAt: inDays(2), mails: { welcome: sent(0, true) } }, true],
    ["without a welcome", { endsAt: inDays(2), mails: {} }, true],
    [
      "after a reminder of an earlier release for this end",
      { endsAt: inDays(2), mails: { trialWillEnd: sent(-1) } },
      false,
    ],
    [
      "after a reminder of an earlier release for another end",
      { endsAt: inDays(2), mails: { trialWillEnd: sent(-20) } },
      true,
    ],
  ])("%s", (_name, subscription, isDue) => {
    expect(isReminderDue(subscription, now)).toBe(isDue);
  });

  test("is marked with the day of the end", () => {
    expect(reminderOf("2026-12-12T23:59:59.000Z")).toBe("trialWillEnd-2026-12-12");
  });
});

describe("reminders", () => {
  let nest: TestNest;
  beforeEach(async () => {
    nest = await startNest();
  });
  afterEach(() => nest.stop());
  const now = () => Math.floor(nest.clock.now().getTime() / 1000);
  const reminders = () => nest.ses.inbox.filter(({ subject }) => subject === REMINDER);
  const announce = () =>
    nest.stripe
      .events()
      .findLast(({ type }) => type === "customer.subscription.trial_will_end") as DoubleEvent;
  /** Moves the end of a trial as an operator does in the Dashboard. */
  const moveEnd = async (id: string, end: number) => {
    nest.stripe.updateSubscription(id, { trial_end: end });
    await nest.deliverEvents();
  };

  test("announce the new end of a trial that was extended after its reminder", async () => {
    const { id, customer } = nest.stripe.createSubscription({ email: ADA, trialDays: 14 });
    nest.stripe.attachCard(customer);
    await nest.deliverEvents();
    await nest.passTime(11.5 * DAY);
    expect(reminders()).toHaveLength(1);
    await moveEnd(id, now() + 33 * DAY);
    expect(reminders()).toHaveLength(1);
    await nest.passTime(30.5 * DAY);
    expect(reminders()).toHaveLength(2);
    const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", timeZone: "UTC" });
    expect(reminders()[1]?.text).toContain(day.format(new Date((now() + 2.5 * DAY) * 1000)));
  });

  test("announce a day once, however often the end moves and the event arrives", async () => {
    const { id } = nest.stripe.createSubscription({ email: ADA, trialDays: 14 });
    await nest.deliverEvents();
    await nest.passTime(11.5 * DAY);
    const [first] = nest.stripe.subscriptions();
    const end = first?.trial_end ?? 0;
    for (const moved of [end + DAY, end, end + DAY, end]) {
      await moveEnd(id, moved);
      expect(
        (await nest.webhook({ ...announce(), id: `evt_${crypto.randomUUID().replaceAll("-", "")}` })).status,
      ).toBe(200);
    }
    expect(reminders()).toHaveLength(2);
  });

  test("are sent again after SES failed, and keep the marks of other days", async () => {
    const { id } = nest.stripe.createSubscription({ email: ADA, trialDays: 14 });
    await nest.deliverEvents();
    await nest.passTime(11.5 * DAY);
    const end = nest.stripe.subscriptions()[0]?.trial_end ?? 0;
    await moveEnd(id, end + DAY);
    nest.ses.fault({ calls: 1, kind: "error" });
    const again = { ...announce(), id: "evt_again" };
    expect((await nest.webhook(again)).body.code).toBe("email_not_sent");
    expect((await nest.webhook(again)).status).toBe(200);
    expect(reminders()).toHaveLength(2);
    await moveEnd(id, end);
    expect((await nest.webhook({ ...again, id: "evt_back" })).status).toBe(200);
    expect(reminders()).toHaveLength(2);
  });

  test("are not sent together with the welcome of a short trial", async () => {
    const other = await startNest({ beside: nest, environment: { TRIAL_DAYS: "2" } });
    const asked = await other.call(
      `${V2}create_trial_and_magic_link`,
      linkRequest({ identifier_value: ADA }),
    );
    expect(asked.status).toBe(204);
    const { body } = await other.redeem(codeIn(other.lastMail(ADA)));
    // A trial that nobody used is not announced either.
    const { user_id, access_token } = body;
    const used = await other.call(`${V2}get_subscription_status`, { user_id }, { bearer: access_token });
    expect(used.body).toMatchObject({ status: "trialing" });
    nest.stripe.advance(0);
    await other.deliverEvents();
    expect(nest.stripe.events().map(({ type }) => type)).toContain("customer.subscription.trial_will_end");
    expect(nest.mailSubjects()).toContain("Your Beak Trial has begun!");
    expect(reminders()).toEqual([]);
    await other.stop();
  });
});
