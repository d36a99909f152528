import { STRIPE_EVENT_TYPES } from "#core/billing/events/event_types.ts";
import { seededRandom, shuffled } from "#stripe_double/random.ts";
import type { StripeDouble } from "#stripe_double/stripe_double.ts";
import type { DoubleEvent } from "#stripe_double/types.ts";
import { startWorker } from "#tests/callbacks/chaos/worker.ts";
import { judgeAccess, timesAroundEnd } from "#tests/properties/access_oracle.ts";
import {
  type BillingHistory,
  type Currency,
  describeStep,
  otherPriceId,
  priceId,
  type Step,
} from "#tests/properties/billing_history.ts";
import { type Amounts, isAboutRejection, statedIn, untrueSentences } from "#tests/properties/mail_oracle.ts";
import { type AllowedRejection, isFirstPaymentPending, losersOf } from "#tests/properties/money_oracle.ts";
import {
  isOngoing,
  type Snapshot,
  type SubscriptionState,
  takeSnapshot,
  withEarlier,
} from "#tests/properties/stripe_snapshot.ts";
import type { TestNest } from "#tests/support/nest.ts";
import type { SentMail } from "#tools/local/ses_double.ts";

/** Longer than the lease of an event and the claim of a mail, so a retry can take both over. */
const RETRY_SECONDS = 150;
const FINAL_ROUNDS = 20;
const PURCHASES_LIMIT = 3;
const ATTEMPTS = 5;
const STATUS_CALLS_AROUND_END = 2;
const CRASHED = "crashed";
/** After these results, Nest may have sent a mail without recording it. */
const INTERRUPTED: readonly unknown[] = ["email_not_sent", "unavailable", CRASHED];
const EVENT_TYPES: readonly string[] = STRIPE_EVENT_TYPES;

/** A rule of contract 1.7 that Nest broke. */
export class ContractViolation extends Error {}

/** Whether the customer can change the price of a subscription: it is paid and renews. */
function isChangeable({ status, isEnding, pause, invoices }: SubscriptionState): boolean {
  return status === "active" && !isEnding && pause === null && invoices.at(-1)?.status === "paid";
}

/** Retries a call, because it can time out on a busy machine. @throws the error of the last attempt */
async function withRetries<Result>(call: () => Promise<Result>): Promise<Result> {
  for (let left = ATTEMPTS; ; left--) {
    try {
      return await call();
    } catch (error) {
      if (left <= 1) throw error;
    }
  }
}

/** Runs one history on a Nest with its own Stripe double, and checks each result against contract 1.7. */
export class HistoryRunner {
  /** The steps so far and what Nest did at each. */
  readonly log: string[] = [];
  /** The subscriptions that Nest canceled, by id, each with the rejections that contract 1.7 allows for it. */
  readonly rejections = new Map<string, AllowedRejection[]>();
  /** The rejections that a crashed process may have decided without applying them, by the id of the loser. */
  readonly decidedRejections = new Map<string, AllowedRejection[]>();
  /** Ids of refunds and balance transactions that Nest did not create. */
  readonly notByNest = new Set<string>();
  /** How often each kind of check ran, in all histories. */
  readonly counts: Map<string, number>;
  /** Customers whose payments stay `processing` until a step settles them. */
  readonly slowCustomers = new Set<string>();
  readonly #nest: TestNest;
  readonly #stripe: StripeDouble;
  readonly #address: string;
  readonly #ip: string;
  readonly #currency: Currency;
  /** Ids of events to which Nest responded with 200. */
  readonly #delivered = new Set<string>();
  /** Ids of subscriptions of which an event was sent to Nest. */
  readonly #idsWithEvent = new Set<string>();
  /**
   * Ids of subscriptions of which an event crashed the process, until Nest responds to an event of them with 200. Nest may
   * have stored nothing of them.
   */
  readonly #crashed = new Set<string>();
  /** Texts of mails that Nest may not have recorded. A retry may send them again (contract 1.3). */
  readonly #unconfirmed = new Set<string>();
  /** When each subscription was changed to our product, by its id, in Unix seconds. */
  readonly #changedToOurs = new Map<string, number>();
  /** Ids of subscriptions that had an undelivered event when they were changed to our product. */
  readonly #unclear = new Set<string>();
  /** The sums that all mails so far state. */
  #stated: Amounts = { refunded: 0, credited: 0 };
  #isVerified = false;
  /** Whether the status was read while the person had a user: such a call may use a trial. */
  #wasStatusRead = false;

  constructor(nest: TestNest, { currency }: BillingHistory, number: number, counts: Map<string, number>) {
    this.counts = counts;
    this.#nest = nest;
    this.#stripe = nest.stripe;
    this.#currency = currency;
    this.#address = `history.${number}.${nest.clock.now().getTime().toString(36)}@example.com`;
    this.#ip = `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
  }

  /** @throws ContractViolation if a rule is broken */
  async run(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      this.log.push(describeStep(step));
      await this.#perform(step);
    }
    this.log.push("every remaining event is delivered");
    await this.#deliverAll();
    await this.#checkSettled();
    this.#checkMailedAmounts(steps);
  }

  snapshot(): Snapshot {
    return takeSnapshot(this.#stripe, this.#changedToOurs);
  }

  #note(text: string): void {
    this.log.push(`  ${text}`);
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  /** The name of a subscription in the log of the history. */
  nameOf(id: string): string {
    return `subscription ${this.#stripe.subscriptions().findIndex((one) => one.id === id) + 1}`;
  }

  async #perform(step: Step): Promise<void> {
    switch (step.does) {
      case "buy":
        return this.#buy({ ...step, price: priceId(this.#currency, step.plan) });
      case "buy another product":
        return this.#buy({ price: otherPriceId(this.#currency), by: "the same customer", card: "good" });
      case "start a trial":
        return this.#startTrial();
      case "sign in":
        return this.#signIn();
      case "read the status":
        await this.#readStatus();
        return;
      case "wait":
        this.#nest.clock.advance(step.hours * 3600);
        this.#stripe.advance(0);
        return;
      case "deliver":
        return this.#deliver(step);
      case "crash at the next event":
        return this.#crash(step);
      case "win the dispute":
        return this.#winDispute();
      case "refuse the next refund":
        return this.#stripe.refuseRefunds([step.code]);
      case "make the next request fail":
        return this.#stripe.fault({ calls: 1, kind: step.kind, on: step.on });
      default:
        return this.#actOn(step);
    }
  }

  #buy({ price, by, card }: Pick<Extract<Step, { does: "buy" }>, "by" | "card"> & { price: string }): void {
    const all = this.#stripe.subscriptions();
    if (all.filter(({ metadata }) => metadata.trial_id === undefined).length >= PURCHASES_LIMIT) return;
    this.#nest.clock.advance(1);
    const customer = by === "the same customer" ? all[0]?.customer : undefined;
    const details = { declines: card === "declining", processes: card === "slow" };
    const isNewCard = customer === undefined || card !== "good" || this.#isWithoutCard(customer);
    const {
      id,
      status,
      customer: bought,
    } = this.#stripe.createSubscription({
      email: this.#address,
      ...(customer !== undefined && { customer }),
      price,
      ...(isNewCard && { card: details }),
    });
    if (card === "slow") this.slowCustomers.add(bought);
    this.#note(`${this.nameOf(id)} is ${status}`);
  }

  #isWithoutCard(id: string): boolean {
    const customer = this.#stripe.customers().find((one) => one.id === id);
    return (
      !customer || customer.deleted === true || customer.invoice_settings.default_payment_method === null
    );
  }

  async #startTrial(): Promise<void> {
    if (this.#currency !== "gbp") return;
    this.#nest.clock.advance(1);
    const code = await this.#observe("the trial", () => this.#nest.startTrial(this.#address, this.#ip));
    this.#note(`the answer is ${code}`);
  }

  async #signIn(): Promise<void> {
    const options = { ip: this.#ip };
    const device = { platform: "mac", beak_id: this.#address, fingerprint: this.#address };
    await withRetries(() => this.#nest.signIn(this.#address, { device }, options));
    this.#isVerified = true;
  }

  async #readStatus(): Promise<string | null> {
    const userId = await this.#nest.findUserId(this.#address);
    if (userId === null) return null;
    const before = this.snapshot();
    const isSettled = this.#pending().length === 0;
    this.#wasStatusRead = true;
    const status = await this.#observe("the status", () => withRetries(() => this.#statusOf(userId)));
    this.#note(`the status is ${status}`);
    if (isSettled && this.#isVerified) this.#checkAccess(before, status);
    return status;
  }

  /** @throws Error if a dependency did not respond in time */
  async #statusOf(userId: string): Promise<string> {
    const status = await this.#nest.subscriptionStatus(userId);
    if (["unavailable", "stripe_error", "unknown"].includes(status))
      throw new Error(`the status is ${status}`);
    return status;
  }

  #checkAccess(snapshot: Snapshot, status: string): void {
    const verdict = judgeAccess(snapshot);
    this.count(`access: ${verdict}`);
    const isUsable = status !== "no_active_subscription";
    if (verdict === "usable" && !isUsable)
      throw new ContractViolation("the person has no access although they paid for it");
    if (verdict === "not usable" && isUsable)
      throw new ContractViolation(`the person has access (${status}) beyond what was paid`);
  }

  #actOn(step: Extract<Step, { of: number }>): void {
    const all = this.snapshot().subscriptions;
    const one = all[step.of % Math.max(1, all.length)];
    if (one === undefined) return;
    const what = this.#applyTo(one, step);
    this.#note(what === false ? "not possible now" : `to ${this.nameOf(one.id)}`);
  }

  /** @returns false if the step is not possible now */
  #applyTo(one: SubscriptionState, step: Extract<Step, { of: number }>): unknown {
    const stripe = this.#stripe;
    if (step.does === "dispute") return this.#dispute(one, step.outcome);
    if (step.does === "settle a slow payment") {
      return (
        this.slowCustomers.has(one.customer) &&
        stripe.settlePayment(one.id, step.isPaid ? "succeeded" : "failed")
      );
    }
    if (!isOngoing(one)) return false;
    switch (step.does) {
      case "replace the card":
        return stripe.attachCard(one.customer, { declines: !step.isGood });
      case "let the renewal fail": {
        stripe.attachCard(one.customer, { declines: true });
        this.#nest.clock.advance(Math.max(0, one.end - stripe.now()) + step.hours * 3600);
        return stripe.advance(0);
      }
      case "pay":
        return stripe.pay(one.id) !== null;
      case "pay out of band":
        return !this.slowCustomers.has(one.customer) && stripe.payOutOfBand(one.id);
      case "void the open invoice":
        return !this.slowCustomers.has(one.customer) && stripe.voidOpenInvoice(one.id);
      case "cancel at the end of the period":
        return stripe.updateSubscription(one.id, { cancel_at_period_end: true });
      case "cancel in":
        return stripe.updateSubscription(one.id, { cancel_at: stripe.now() + step.days * 86_400 });
      case "undo the scheduled cancellation":
        return one.isEnding && stripe.updateSubscription(one.id, { cancel_at: "" });
      case "cancel now":
        return stripe.cancelSubscription(one.id);
      case "change the interval":
        return isChangeable(one) && one.isOurs && this.#changeInterval(one);
      case "change to our product":
        return isChangeable(one) && !one.isOurs && this.#changeToOurs(one);
      case "pause collection": {
        const resumesAt = step.days === null ? {} : { resumes_at: stripe.now() + step.days * 86_400 };
        return stripe.updateSubscription(one.id, {
          pause_collection: { behavior: step.behavior, ...resumesAt },
        });
      }
      case "resume collection":
        return one.pause !== null && stripe.updateSubscription(one.id, { pause_collection: "" });
      case "refund a part":
        return this.#refundPart(one, step.percent);
      case "credit": {
        const amount = this.#roundUp((step.percent * 500) / 100);
        this.notByNest.add(stripe.credit(one.customer, amount, this.#currency).id);
        return true;
      }
    }
  }

  /** Changes the price, as the customer does in the billing portal. */
  #changeInterval({ id, item, interval }: SubscriptionState): boolean {
    const price = priceId(this.#currency, interval === "year" ? "monthly" : "yearly");
    this.#nest.clock.advance(1);
    this.#stripe.updateSubscription(id, { items: [{ id: item, price }] });
    return true;
  }

  #changeToOurs({ id, item }: SubscriptionState): boolean {
    this.#nest.clock.advance(1);
    const isLate = this.#pending().some(({ data }) => (data.object as { id?: string }).id === id);
    if (isLate) this.#unclear.add(id);
    this.#changedToOurs.set(id, this.#stripe.now());
    this.#stripe.updateSubscription(id, { items: [{ id: item, price: priceId(this.#currency, "monthly") }] });
    return true;
  }

  #roundUp(amount: number): number {
    const smallest = this.#currency === "kwd" ? 10 : 1;
    return Math.ceil(amount / smallest) * smallest;
  }

  #dispute(one: SubscriptionState, outcome: "open" | "won" | "lost"): boolean {
    const payments = one.invoices.flatMap((invoice) => invoice.payments);
    const last = payments.at(-1);
    if (last === undefined || last.dispute !== "none" || last.refunded > 0) return false;
    const { id } = this.#stripe.dispute(one.id);
    if (outcome !== "open") this.#stripe.closeDispute(id, outcome);
    return true;
  }

  #winDispute(): void {
    const open = this.#stripe.ledger().disputes.find(({ status }) => status === "needs_response");
    if (open) this.#stripe.closeDispute(open.id, "won");
  }

  #refundPart(one: SubscriptionState, percent: number): boolean {
    const payment = one.invoices
      .flatMap((invoice) => invoice.payments)
      .findLast(({ paid, refunded }) => paid > refunded);
    if (!payment || !["none", "won"].includes(payment.dispute)) return false;
    const { paid, refunded, charge } = payment;
    const amount = Math.min(paid - refunded, this.#roundUp(((paid - refunded) * percent) / 100));
    // A pending refusal is meant for a refund by Nest, so it is dropped here.
    this.#stripe.refuseRefunds([]);
    this.notByNest.add(this.#stripe.refund({ charge, amount }).id);
    return true;
  }

  #pending(): DoubleEvent[] {
    return this.#stripe
      .events()
      .filter(({ id, type }) => EVENT_TYPES.includes(type) && !this.#delivered.has(id));
  }

  async #deliver({ seed, share, isTwice }: Extract<Step, { does: "deliver" }>): Promise<void> {
    const random = seededRandom(seed);
    const events = shuffled(this.#pending(), random);
    const some = share === "all" ? events : events.slice(0, Math.ceil(events.length / 2));
    for (const event of some) await this.#post(event, isTwice);
    if (this.#pending().length === 0) this.#checkCharging();
  }

  /** Delivers events until each succeeded, as Stripe does. @throws ContractViolation if an event never succeeds */
  async #deliverAll(): Promise<void> {
    for (let round = 0; round < FINAL_ROUNDS; round++) {
      const events = this.#pending();
      if (events.length === 0) return this.#checkCharging();
      for (const event of events) await this.#post(event, false);
      if (round > 1) {
        // Nest processes an update without the event of the creation only after an hour.
        this.#nest.clock.advance(round > 5 ? 3600 : RETRY_SECONDS);
        this.#stripe.advance(0);
      }
    }
    throw new ContractViolation(`events never succeeded: ${this.#pending().map(({ type }) => type)}`);
  }

  async #post(event: DoubleEvent, isTwice: boolean): Promise<void> {
    const { id = "", object } = event.data.object as { id?: string; object: string };
    if (object === "subscription") this.#idsWithEvent.add(id);
    const codes = await this.#observe(event.type, () =>
      Promise.all(Array.from({ length: isTwice ? 2 : 1 }, () => this.#nest.deliver(event))),
    );
    if (codes.includes("200")) this.#recordDelivery(event);
    const failures = codes.filter((code) => code !== "200");
    if (failures.length > 0) this.#note(`${event.type} of ${this.nameOf(id)}: ${failures}`);
    if (failures.includes("unknown"))
      throw new ContractViolation(`${event.type} fails with an unexpected error`);
  }

  #recordDelivery({ id, data }: DoubleEvent): void {
    this.#delivered.add(id);
    this.#crashed.delete((data.object as { id: string }).id);
  }

  /** Delivers an event to a process that crashes. The event is delivered again later. */
  async #crash({ at, when }: Extract<Step, { does: "crash at the next event" }>): Promise<void> {
    const event = this.#pending().find(({ type }) => type.startsWith("customer.subscription."));
    if (event === undefined) return this.#note("not possible now");
    const { id } = event.data.object as { id: string };
    this.#idsWithEvent.add(id);
    this.#crashed.add(id);
    const before = this.snapshot();
    const status = await this.#observe(`a crash at ${event.type}`, async () => {
      const worker = startWorker(this.#nest, { at, when });
      const { body, header } = this.#stripe.signedEvent(event);
      const answer = await worker.post(body, header);
      await worker.close();
      return answer === null ? CRASHED : String(answer);
    });
    this.#note(`${event.type}: ${status}`);
    this.count(`crash: ${status === CRASHED}`);
    if (status === "200") this.#recordDelivery(event);
    // The process may have stored a decision without applying it.
    const losers = before.subscriptions.filter((one) => isOngoing(one) && one.isOurs);
    for (const loser of losers) {
      const rejections = this.#allowedRejectionsOf(loser, before);
      this.decidedRejections.set(loser.id, [...(this.decidedRejections.get(loser.id) ?? []), ...rejections]);
    }
  }

  /** Makes a call to Nest, and checks the mails that it sends and the subscriptions that it cancels. */
  async #observe<Result>(what: string, call: () => Promise<Result>): Promise<Result> {
    const before = this.snapshot();
    const mailsBefore = this.#nest.ses.inbox.length;
    const result = await call();
    const canceled: SubscriptionState[] = [];
    const after = new Map(this.#stripe.subscriptions().map((one) => [one.id, one]));
    for (const loser of before.subscriptions) {
      const { status } = after.get(loser.id) ?? loser;
      if (!isOngoing(loser) || isOngoing({ status })) continue;
      this.#recordRejection(loser, before, what);
      canceled.push(loser);
    }
    const mails = this.#nest.ses.inbox.slice(mailsBefore);
    // A mail about a rejection is sent again only if there are more of these mails than cancellations: the mails about two
    // subscriptions that were bought on the same day can have the same text.
    const rejectionMails = mails.filter(({ subject }) => isAboutRejection(subject));
    const hasResent = rejectionMails.length > canceled.length;
    const isResent = ({ subject, text }: SentMail) =>
      (hasResent || !isAboutRejection(subject)) && this.#unconfirmed.delete(text);
    this.#checkMails(
      mails.filter((mail) => !isResent(mail)),
      canceled,
    );
    const codes: readonly unknown[] = [result].flat();
    // A call responds with 200 only after its mails are recorded.
    if (!codes.includes("200") && codes.some((code) => INTERRUPTED.includes(code)))
      for (const { text } of mails) this.#unconfirmed.add(text);
    return result;
  }

  /** Checks the mails of a call against the current state at Stripe. Mails may not state more than Nest has returned. */
  #checkMails(mails: readonly SentMail[], canceled: readonly SubscriptionState[]): void {
    for (const { subject } of mails) {
      this.#note(`mail: ${subject}`);
      this.count(`mail: ${subject}`);
    }
    const now = this.snapshot();
    // If a call cancels several subscriptions, the mail about one can name another as kept, which the call cancels later.
    const earlier = canceled.length < 2 ? [] : canceled.map((one) => withEarlier(now, one));
    const errors = untrueSentences(mails, [now, ...earlier], {
      currency: this.#currency,
      isTrialUnused: !this.#wasStatusRead,
    });
    const stated = statedIn(mails, this.#currency);
    this.#stated = {
      refunded: this.#stated.refunded + stated.refunded,
      credited: this.#stated.credited + stated.credited,
    };
    const returned = this.#returned();
    if (this.#stated.refunded > returned.refunded || this.#stated.credited > returned.credited)
      errors.push(
        `mails state ${JSON.stringify(this.#stated)}, but Nest returned ${JSON.stringify(returned)}`,
      );
    const isOnlyIncomplete = canceled.length > 0 && canceled.every(({ status }) => status === "incomplete");
    const isWithoutAmount = stated.refunded === 0 && stated.credited === 0;
    if (isOnlyIncomplete && isWithoutAmount && mails.some(({ subject }) => isAboutRejection(subject)))
      errors.push("a mail is about a subscription that was incomplete and never paid");
    if (errors.length > 0)
      throw new ContractViolation([errors[0], ...mails.map(({ text }) => text)].join("\n---\n"));
  }

  /** The sums that Nest has refunded and credited so far. */
  #returned(): Amounts {
    const { refunds, balanceTransactions } = this.#stripe.ledger();
    const isOwn = ({ id }: { id: string }) => !this.notByNest.has(id);
    const credits = balanceTransactions.filter((one) => one.type === "adjustment" && isOwn(one));
    const sum = (rows: readonly { amount: number }[]) =>
      rows.reduce((total, { amount }) => total + amount, 0);
    return { refunded: sum(refunds.filter(isOwn)), credited: -sum(credits) };
  }

  /**
   * Checks that mails state every returned amount. A payment is returned without a mail if it is settled late, its dispute is
   * won, or its refund fails at first. Histories with such steps are not checked.
   */
  #checkMailedAmounts(steps: readonly Step[]): void {
    const returned = this.#returned();
    const isPlain = !steps.some(
      (step) =>
        /dispute|refuse|request fail|crash/.test(step.does) || (step.does === "buy" && step.card === "slow"),
    );
    if (isPlain && JSON.stringify(returned) !== JSON.stringify(this.#stated))
      throw new ContractViolation(
        `mails state ${JSON.stringify(this.#stated)}, but Nest returned ${JSON.stringify(returned)}`,
      );
  }

  /** The rejections of a subscription that contract 1.7 allows now. */
  #allowedRejectionsOf(loser: SubscriptionState, before: Snapshot): AllowedRejection[] {
    const ongoing = before.subscriptions.filter((one) => isOngoing(one) && one.isOurs);
    const withEvent = ongoing.filter(({ id, isTrial }) => isTrial || this.#idsWithEvent.has(id));
    const accepted = withEvent.filter(({ id }) => !this.#crashed.has(id));
    // A decision that was applied is final, so canceled losers are compared too, in their state before the cancellation.
    const lost = [...this.rejections.values()].flatMap(([rejection]) => rejection?.loser ?? []);
    const losses = [accepted, withEvent, ongoing].flatMap((some) =>
      [some, [...some, ...lost]].flatMap((all) => losersOf(all, before).get(loser.id) ?? []),
    );
    return losses.flatMap(({ kind, winner }): AllowedRejection[] => {
      const isWinnerChanged = winner.changedToOursAt !== null;
      const isSameCustomer = winner.customer === loser.customer;
      // Nest can't know when a subscription was changed if it had not processed an earlier event of it.
      const isUnclear = isWinnerChanged && winner.created < loser.created && this.#unclear.has(winner.id);
      const kinds = isUnclear ? (["duplicate", "replaced"] as const) : [kind];
      return kinds.map((each) => ({
        ...{ kind: each, loser, isSameCustomer, isWinnerChanged, at: before.now },
      }));
    });
  }

  #recordRejection(loser: SubscriptionState, before: Snapshot, what: string): void {
    const decided = (this.decidedRejections.get(loser.id) ?? []).flatMap((one): AllowedRejection[] => [
      { ...one, loser, at: before.now },
      { ...one, loser: { ...loser, status: one.loser.status }, at: before.now },
    ]);
    const rejections = [...this.#allowedRejectionsOf(loser, before), ...decided];
    const distinct = new Map(
      rejections.map((one) => [
        `${one.kind} ${one.isSameCustomer} ${one.isWinnerChanged} ${one.loser.status}`,
        one,
      ]),
    );
    this.rejections.set(loser.id, [...distinct.values()]);
    const isWinnerChanged = rejections.some((one) => one.isWinnerChanged) ? ", by a changed product" : "";
    const kinds = [...new Set(rejections.map(({ kind }) => kind))].join(" or ");
    this.count(`canceled: ${kinds}, ${loser.status}${isWinnerChanged}`);
    this.#note(`Nest cancels ${this.nameOf(loser.id)} at ${what}: ${[...distinct.keys()]}`);
    if (rejections.length === 0)
      throw new ContractViolation(`Nest cancels ${this.nameOf(loser.id)}, which contract 1.7 keeps`);
  }

  #checkCharging(): void {
    const charging = this.snapshot().subscriptions.filter(
      (one) =>
        one.isOurs && ["active", "trialing", "past_due"].includes(one.status) && !isFirstPaymentPending(one),
    );
    if (charging.length > 1)
      throw new ContractViolation(
        `${charging.map(({ id, status }) => `${this.nameOf(id)} (${status})`)} charge the person at the same time`,
      );
  }

  async #checkSettled(): Promise<void> {
    if ((await this.#nest.findUserId(this.#address)) === null) return;
    if (!this.#isVerified) await this.#signIn();
    await this.#deliverAll();
    await this.#readStatus();
    // The first status call of a trial moves its end, which creates another event.
    await this.#deliverAll();
    await this.#readStatusAroundEnd();
  }

  /** Reads the status shortly before and after access ends, where a wrong end shows. */
  async #readStatusAroundEnd(): Promise<void> {
    for (let call = 0; call < STATUS_CALLS_AROUND_END; call++) {
      const [next] = timesAroundEnd(this.snapshot());
      if (next === undefined) return;
      this.log.push("time passes until shortly before or after access ends");
      this.#nest.clock.advance(next - this.#stripe.now());
      this.#stripe.advance(0);
      await this.#deliverAll();
      this.count(`status near the end of access: ${judgeAccess(this.snapshot())}`);
      await this.#readStatus();
    }
  }
}
