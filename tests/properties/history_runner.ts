import { STRIPE_EVENT_TYPES } from "#core/billing/events/event_types.ts";
import { seededRandom, shuffled } from "#stripe_double/random.ts";
import type { StripeDouble } from "#stripe_double/stripe_double.ts";
import type { DoubleEvent } from "#stripe_double/types.ts";
import { startWorker } from "#tests/callbacks/chaos/worker.ts";
import { judgeAccess } from "#tests/properties/access_oracle.ts";
import {
  type BillingHistory,
  type Currency,
  inWords,
  otherPriceId,
  priceId,
  type Step,
} from "#tests/properties/billing_history.ts";
import { type Amounts, isAboutRejection, statedIn, untrueSentences } from "#tests/properties/mail_oracle.ts";
import { type Defeat, isUnpaidFirst, losersOf } from "#tests/properties/money_oracle.ts";
import { isLiving, type Owned, type Snapshot, takeSnapshot } from "#tests/properties/stripe_snapshot.ts";
import type { TestNest } from "#tests/support/nest.ts";
import type { SentMail } from "#tools/local/ses_double.ts";

/** Longer than an event's lease and a mail's claim. */
const RETRY_SECONDS = 150;
const FINAL_ROUNDS = 20;
const SUBSCRIPTIONS = 3;
const TRIES = 5;
const CRASHED = "crashed";
/** After these results Nest may have sent a mail and not recorded it. */
const INTERRUPTED: readonly unknown[] = ["email_not_sent", "unavailable", CRASHED];
const EVENT_TYPES: readonly string[] = STRIPE_EVENT_TYPES;

/** A broken rule. */
export class ContractViolation extends Error {}

/** Whether the customer can change the price of a subscription: it is paid and renews. */
function isChangeable({ status, isEnding, pause, bills }: Owned): boolean {
  return status === "active" && !isEnding && pause === null && bills.at(-1)?.status === "paid";
}

/** Repeats a call that times out on a busy machine. @throws the error of the last attempt */
async function untilAnswered<Result>(call: () => Promise<Result>): Promise<Result> {
  for (let left = TRIES; ; left--) {
    try {
      return await call();
    } catch (error) {
      if (left <= 1) throw error;
    }
  }
}

/** Runs one history on one Nest and its own double of Stripe. */
export class HistoryRunner {
  /** A log of the history's steps so far and of Nest's actions. */
  readonly log: string[] = [];
  /** Every subscription that Nest canceled, with the defeats that contract 1.7 allows for it. */
  readonly defeats = new Map<string, Defeat[]>();
  /** The defeats that a crashed process may have decided and not applied. */
  readonly decided = new Map<string, Defeat[]>();
  /** Ids of refunds and balance transactions that are not Nest's. */
  readonly notByNest = new Set<string>();
  /** How often each kind of check was made in all histories. */
  readonly counts: Map<string, number>;
  /** Customers with a card whose payments are slow. */
  readonly slow = new Set<string>();
  readonly #nest: TestNest;
  readonly #stripe: StripeDouble;
  readonly #address: string;
  readonly #ip: string;
  readonly #currency: Currency;
  readonly #delivered = new Set<string>();
  readonly #heard = new Set<string>();
  /** Subscriptions whose event crashed the process and was not accepted since: Nest may have stored nothing of them. */
  readonly #crashed = new Set<string>();
  /** Mails whose response was too late on a busy machine. Nest sends them again (contract 1.3). */
  readonly #unconfirmed = new Set<string>();
  /** By subscription, when it was changed to our product, in Unix seconds. */
  readonly #changedToOurs = new Map<string, number>();
  /** Changed subscriptions with an earlier event that Nest got only after the change. */
  readonly #unclear = new Set<string>();
  /** What all mails so far state. */
  #stated: Amounts = { refunded: 0, credited: 0 };
  #isVerified = false;

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
      this.log.push(inWords(step));
      await this.#take(step);
    }
    this.log.push("every event is delivered");
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

  async #take(step: Step): Promise<void> {
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
      case "break the next request":
        return this.#stripe.fault({ calls: 1, kind: step.kind, on: step.on });
      default:
        return this.#actOn(step);
    }
  }

  #buy({ price, by, card }: Pick<Extract<Step, { does: "buy" }>, "by" | "card"> & { price: string }): void {
    const all = this.#stripe.subscriptions();
    if (all.filter(({ metadata }) => metadata.trial_id === undefined).length >= SUBSCRIPTIONS) return;
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
    if (card === "slow") this.slow.add(bought);
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
    await untilAnswered(() => this.#nest.signIn(this.#address, { device }, options));
    this.#isVerified = true;
  }

  async #readStatus(): Promise<string | null> {
    const userId = await this.#nest.findUserId(this.#address);
    if (userId === null) return null;
    const before = this.snapshot();
    const isSettled = this.#pending().length === 0;
    const status = await this.#observe("the status", () => untilAnswered(() => this.#statusOf(userId)));
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
    this.#note(what === false ? "nothing happens" : `to ${this.nameOf(one.id)}`);
  }

  /** @returns false if the step is not possible now */
  #applyTo(one: Owned, step: Extract<Step, { of: number }>): unknown {
    const stripe = this.#stripe;
    if (step.does === "dispute") return this.#dispute(one, step.outcome);
    if (step.does === "settle a slow payment") {
      return (
        this.slow.has(one.customer) && stripe.settlePayment(one.id, step.isPaid ? "succeeded" : "failed")
      );
    }
    if (!isLiving(one)) return false;
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
        return !this.slow.has(one.customer) && stripe.payOutOfBand(one.id);
      case "void the open invoice":
        return !this.slow.has(one.customer) && stripe.voidOpenInvoice(one.id);
      case "cancel at the end of the period":
        return stripe.updateSubscription(one.id, { cancel_at_period_end: true });
      case "cancel in":
        return stripe.updateSubscription(one.id, { cancel_at: stripe.now() + step.days * 86_400 });
      case "withdraw the cancellation":
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
      case "collect again":
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

  /** As the customer does in the billing portal. */
  #changeInterval({ id, item, interval }: Owned): boolean {
    const price = priceId(this.#currency, interval === "year" ? "monthly" : "yearly");
    this.#nest.clock.advance(1);
    this.#stripe.updateSubscription(id, { items: [{ id: item, price }] });
    return true;
  }

  #changeToOurs({ id, item }: Owned): boolean {
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

  #dispute(one: Owned, outcome: "open" | "won" | "lost"): boolean {
    const payments = one.bills.flatMap((bill) => bill.payments);
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

  #refundPart(one: Owned, percent: number): boolean {
    const payment = one.bills
      .flatMap((bill) => bill.payments)
      .findLast(({ paid, refunded }) => paid > refunded);
    if (!payment || !["none", "won"].includes(payment.dispute)) return false;
    const { paid, refunded, charge } = payment;
    const amount = Math.min(paid - refunded, this.#roundUp(((paid - refunded) * percent) / 100));
    // A refusal that waits is for a refund of Nest.
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

  /** Delivers events as Stripe retries them. @throws ContractViolation if some never succeed */
  async #deliverAll(): Promise<void> {
    for (let round = 0; round < FINAL_ROUNDS; round++) {
      const events = this.#pending();
      if (events.length === 0) return this.#checkCharging();
      for (const event of events) await this.#post(event, false);
      if (round > 1) {
        // An update waits an hour for the event of the creation, which may never come.
        this.#nest.clock.advance(round > 5 ? 3600 : RETRY_SECONDS);
        this.#stripe.advance(0);
      }
    }
    throw new ContractViolation(`events never succeeded: ${this.#pending().map(({ type }) => type)}`);
  }

  async #post(event: DoubleEvent, isTwice: boolean): Promise<void> {
    const { id = "", object } = event.data.object as { id?: string; object: string };
    if (object === "subscription") this.#heard.add(id);
    const codes = await this.#observe(event.type, () =>
      Promise.all(Array.from({ length: isTwice ? 2 : 1 }, () => this.#nest.deliver(event))),
    );
    if (codes.includes("200")) {
      this.#delivered.add(event.id);
      this.#crashed.delete(id);
    }
    const failures = codes.filter((code) => code !== "200");
    if (failures.length > 0) this.#note(`${event.type} of ${this.nameOf(id)}: ${failures}`);
    if (failures.includes("unknown"))
      throw new ContractViolation(`${event.type} fails with an unexpected error`);
  }

  /** Delivers an event to a process that crashes. Stripe delivers it again later. */
  async #crash({ at, when }: Extract<Step, { does: "crash at the next event" }>): Promise<void> {
    const event = this.#pending().find(({ type }) => type.startsWith("customer.subscription."));
    if (event === undefined) return this.#note("nothing happens");
    const { id } = event.data.object as { id: string };
    this.#heard.add(id);
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
    if (status === "200") {
      this.#delivered.add(event.id);
      this.#crashed.delete(id);
    }
    // The process may have stored a decision that it did not apply.
    const losers = before.subscriptions.filter((one) => isLiving(one) && one.isOurs);
    for (const loser of losers) {
      const defeats = this.#defeatsOf(loser, before);
      this.decided.set(loser.id, [...(this.decided.get(loser.id) ?? []), ...defeats]);
    }
  }

  /** Makes a call to Nest and notes which subscriptions Nest cancels in it. */
  async #observe<Result>(what: string, call: () => Promise<Result>): Promise<Result> {
    const before = this.snapshot();
    const mailsBefore = this.#nest.ses.inbox.length;
    const result = await call();
    const canceled: Owned[] = [];
    const after = new Map(this.#stripe.subscriptions().map((one) => [one.id, one]));
    for (const loser of before.subscriptions) {
      const { status } = after.get(loser.id) ?? loser;
      if (!isLiving(loser) || isLiving({ status })) continue;
      this.#noteDefeat(loser, before, what);
      canceled.push(loser);
    }
    const mails = this.#nest.ses.inbox.slice(mailsBefore);
    // The mails about two subscriptions that were bought on one day can have the same text.
    const rejections = mails.filter(({ subject }) => isAboutRejection(subject));
    const hasResent = rejections.length > canceled.length;
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

  /** Checks the mails of a call against Stripe's state now. No mail may state more than Nest has returned so far. */
  #checkMails(mails: readonly SentMail[], canceled: readonly Owned[]): void {
    for (const { subject } of mails) {
      this.#note(`mail: ${subject}`);
      this.count(`mail: ${subject}`);
    }
    const faults = untrueSentences(mails, this.snapshot(), this.#currency);
    const stated = statedIn(mails, this.#currency);
    this.#stated = {
      refunded: this.#stated.refunded + stated.refunded,
      credited: this.#stated.credited + stated.credited,
    };
    const returned = this.#returned();
    if (this.#stated.refunded > returned.refunded || this.#stated.credited > returned.credited)
      faults.push(
        `mails state ${JSON.stringify(this.#stated)}, but Nest returned ${JSON.stringify(returned)}`,
      );
    const isAboutNothing = canceled.length > 0 && canceled.every(({ status }) => status === "incomplete");
    const isWithoutAmount = stated.refunded === 0 && stated.credited === 0;
    if (isAboutNothing && isWithoutAmount && mails.some(({ subject }) => isAboutRejection(subject)))
      faults.push("a mail is about a subscription that had not started and was not paid");
    if (faults.length > 0)
      throw new ContractViolation([faults[0], ...mails.map(({ text }) => text)].join("\n---\n"));
  }

  /** What Nest has returned so far. */
  #returned(): Amounts {
    const { refunds, balanceTransactions } = this.#stripe.ledger();
    const isOwn = ({ id }: { id: string }) => !this.notByNest.has(id);
    const credits = balanceTransactions.filter((one) => one.type === "adjustment" && isOwn(one));
    const sum = (rows: readonly { amount: number }[]) =>
      rows.reduce((total, { amount }) => total + amount, 0);
    return { refunded: sum(refunds.filter(isOwn)), credited: -sum(credits) };
  }

  /** A payment that succeeded late, whose dispute was won, or whose refund failed at first is returned without a mail. */
  #checkMailedAmounts(steps: readonly Step[]): void {
    const returned = this.#returned();
    const isPlain = !steps.some(
      (step) => /dispute|refuse|break|crash/.test(step.does) || (step.does === "buy" && step.card === "slow"),
    );
    if (isPlain && JSON.stringify(returned) !== JSON.stringify(this.#stated))
      throw new ContractViolation(
        `mails state ${JSON.stringify(this.#stated)}, but Nest returned ${JSON.stringify(returned)}`,
      );
  }

  /** The defeats of a subscription that contract 1.7 allows now. */
  #defeatsOf(loser: Owned, before: Snapshot): Defeat[] {
    const living = before.subscriptions.filter((one) => isLiving(one) && one.isOurs);
    const heardOf = living.filter(({ id, isTrial }) => isTrial || this.#heard.has(id));
    const accepted = heardOf.filter(({ id }) => !this.#crashed.has(id));
    // A decision that was applied is final: the losers so far count in their earlier state.
    const lost = [...this.defeats.values()].flatMap(([defeat]) => defeat?.loser ?? []);
    const losses = [accepted, heardOf, living].flatMap((some) =>
      [some, [...some, ...lost]].flatMap((all) => losersOf(all, before).get(loser.id) ?? []),
    );
    return losses.flatMap(({ kind, winner }): Defeat[] => {
      const isWinnerChanged = winner.changedToOursAt !== null;
      const isSameCustomer = winner.customer === loser.customer;
      // Nest can't see when a subscription was changed if an earlier event of it is late.
      const isUnclear = isWinnerChanged && winner.created < loser.created && this.#unclear.has(winner.id);
      const kinds = isUnclear ? (["duplicate", "replaced"] as const) : [kind];
      return kinds.map((each) => ({
        ...{ kind: each, loser, isSameCustomer, isWinnerChanged, at: before.now },
      }));
    });
  }

  #noteDefeat(loser: Owned, before: Snapshot, what: string): void {
    const decided = (this.decided.get(loser.id) ?? []).flatMap((one): Defeat[] => [
      { ...one, loser, at: before.now },
      { ...one, loser: { ...loser, status: one.loser.status }, at: before.now },
    ]);
    const defeats = [...this.#defeatsOf(loser, before), ...decided];
    const distinct = new Map(
      defeats.map((one) => [
        `${one.kind} ${one.isSameCustomer} ${one.isWinnerChanged} ${one.loser.status}`,
        one,
      ]),
    );
    this.defeats.set(loser.id, [...distinct.values()]);
    const isWinnerChanged = defeats.some((one) => one.isWinnerChanged) ? ", by a changed product" : "";
    const kinds = [...new Set(defeats.map(({ kind }) => kind))].join(" or ");
    this.count(`canceled: ${kinds}, ${loser.status}${isWinnerChanged}`);
    this.#note(`Nest cancels ${this.nameOf(loser.id)} at ${what}: ${[...distinct.keys()]}`);
    if (defeats.length === 0)
      throw new ContractViolation(`Nest cancels ${this.nameOf(loser.id)}, which contract 1.7 keeps`);
  }

  #checkCharging(): void {
    const charging = this.snapshot().subscriptions.filter(
      (one) => one.isOurs && ["active", "trialing", "past_due"].includes(one.status) && !isUnpaidFirst(one),
    );
    if (charging.length > 1)
      throw new ContractViolation(
        `${charging.map(({ id, status }) => `${this.nameOf(id)} (${status})`)} charge the person at once`,
      );
  }

  async #checkSettled(): Promise<void> {
    if ((await this.#nest.findUserId(this.#address)) === null) return;
    if (!this.#isVerified) await this.#signIn();
    await this.#deliverAll();
    await this.#readStatus();
    // The status may have moved the end of a trial.
    await this.#deliverAll();
  }
}
