/** Compares the money that Nest returned with the amounts that contract 1.7 requires. */
import type { StripeDouble } from "#stripe_double/stripe_double.ts";
import { ContractViolation, type HistoryRunner } from "#tests/properties/history_runner.ts";
import { type AllowedRejection, type Debt, debtOf } from "#tests/properties/money_oracle.ts";
import type { SubscriptionState } from "#tests/properties/stripe_snapshot.ts";

const sum = (amounts: readonly number[]) => amounts.reduce((total, amount) => total + amount, 0);

/**
 * Checks that Nest returned the required amounts, to the payment method or to the balance as required.
 * @throws ContractViolation
 */
export function checkRefunds(runner: HistoryRunner, stripe: StripeDouble): void {
  const { refunds, balanceTransactions } = stripe.ledger();
  const { subscriptions } = runner.snapshot();
  const counted = refunds.filter(({ status }) => status !== "failed" && status !== "canceled");
  const others = counted.filter(({ id }) => runner.notByNest.has(id));
  const refundedBefore = new Map<string, number>();
  for (const { charge, amount } of others)
    refundedBefore.set(charge ?? "", (refundedBefore.get(charge ?? "") ?? 0) + amount);
  const refundsOf = ({ invoices }: SubscriptionState) => {
    const charges = new Set(invoices.flatMap(({ payments }) => payments.map(({ charge }) => charge)));
    const own = counted.filter(({ id, charge }) => !runner.notByNest.has(id) && charges.has(charge ?? ""));
    return sum(own.map(({ amount }) => amount));
  };
  for (const customer of new Set(subscriptions.map((one) => one.customer))) {
    const owned = subscriptions.filter((one) => one.customer === customer);
    const credits = balanceTransactions.filter(
      (one) => one.customer === customer && one.type === "adjustment" && !runner.notByNest.has(one.id),
    );
    const credited = -sum(credits.map(({ amount }) => amount));
    for (const one of owned) countDebts(runner, one, refundedBefore);
    const accounts = owned.map((one): Account => {
      const rejections = runner.rejections.get(one.id) ?? decidedBeforeItsEnd(runner, one);
      const debts = rejections.map((rejection: AllowedRejection) => debtOf(rejection, one, refundedBefore));
      if (!runner.rejections.has(one.id)) debts.push(NO_DEBT);
      return {
        name: runner.nameOf(one.id),
        refunded: refundsOf(one),
        debts,
      };
    });
    if (combinations(accounts).some((debts) => isSettled(accounts, debts, credited))) continue;
    const lines = accounts.map(
      ({ name, refunded, debts }) => `${name}: refunded ${refunded}, owed ${JSON.stringify(debts)}`,
    );
    throw new ContractViolation(
      `the money of a customer is wrong: credited ${credited}; ${lines.join("; ")}`,
    );
  }
  checkOpenInvoices(runner, subscriptions);
}

/** The rejections that crashed processes may have decided, if the subscription ended before it was rejected. */
function decidedBeforeItsEnd(runner: HistoryRunner, one: SubscriptionState): AllowedRejection[] {
  const { endedAt } = one;
  if (endedAt === null) return [];
  return (runner.decidedRejections.get(one.id) ?? []).map((rejection) => {
    return { ...rejection, loser: { ...one, status: rejection.loser.status }, at: endedAt };
  });
}

function countDebts(
  runner: HistoryRunner,
  one: SubscriptionState,
  refundedBefore: ReadonlyMap<string, number>,
): void {
  for (const rejection of runner.rejections.get(one.id)?.slice(0, 1) ?? []) {
    const { most, to, least } = debtOf(rejection, one, refundedBefore);
    const what = most === 0 ? "nothing" : least < most ? "part, in dispute" : `to the ${to}`;
    runner.count(`owed for a ${rejection.kind} subscription: ${what}`);
  }
}

/** What Nest returned for a subscription, and what it may have to return. */
interface Account {
  name: string;
  refunded: number;
  /** The amounts that contract 1.7 allows, one for each rejection that it allows. */
  debts: Debt[];
}

const NO_DEBT: Debt = { to: "payment method", least: 0, most: 0, credit: 0 };

/** All combinations of one debt of each account. */
function combinations([first, ...rest]: readonly Account[]): Debt[][] {
  if (first === undefined) return [[]];
  const tails = combinations(rest);
  return first.debts.flatMap((debt) => tails.map((tail) => [debt, ...tail]));
}

/** Whether the refunds and the credit of a customer are what a combination of debts requires. */
function isSettled(accounts: readonly Account[], debts: readonly Debt[], credited: number): boolean {
  const refunded = accounts.map((account) => account.refunded);
  const isEachRight = debts.every((debt, index) => {
    const amount = refunded[index] ?? 0;
    if (debt.to === "balance") return amount === 0;
    return amount <= debt.most && amount >= debt.least - debt.credit;
  });
  const total = sum(refunded) + credited;
  return (
    isEachRight &&
    total >= sum(debts.map(({ least }) => least)) &&
    total <= sum(debts.map(({ most }) => most))
  );
}

/** The open invoices of a replaced subscription are voided, so that nobody pays them later. */
function checkOpenInvoices(runner: HistoryRunner, subscriptions: readonly SubscriptionState[]): void {
  for (const { id, customer, invoices } of subscriptions) {
    const rejections = runner.rejections.get(id) ?? [];
    const isReplaced = rejections.length > 0 && rejections.every(({ kind }) => kind === "replaced");
    if (isReplaced && !runner.slowCustomers.has(customer) && invoices.some(({ status }) => status === "open"))
      throw new ContractViolation(`${runner.nameOf(id)} was replaced, but its open invoice is not voided`);
  }
}
