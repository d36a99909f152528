/** Compares the money that Nest returned with the amounts of contract 1.7. */
import type { StripeDouble } from "#stripe_double/stripe_double.ts";
import { ContractViolation, type HistoryRunner } from "#tests/properties/history_runner.ts";
import { type Debt, type Defeat, debtOf } from "#tests/properties/money_oracle.ts";
import type { Owned } from "#tests/properties/stripe_snapshot.ts";

const sum = (amounts: readonly number[]) => amounts.reduce((total, amount) => total + amount, 0);

/**
 * Checks that Nest returned exactly what it owes, to the right payment method or balance.
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
  const refundsOf = ({ bills }: Owned) => {
    const charges = new Set(bills.flatMap(({ payments }) => payments.map(({ charge }) => charge)));
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
      const defeats = runner.defeats.get(one.id) ?? decidedBeforeItsEnd(runner, one);
      const debts = defeats.map((defeat: Defeat) => debtOf(defeat, one, refundedBefore));
      if (!runner.defeats.has(one.id)) debts.push(NOTHING);
      return {
        name: runner.nameOf(one.id),
        refunded: refundsOf(one),
        debts,
      };
    });
    if (combinations(accounts).some((debts) => isPaid(accounts, debts, credited))) continue;
    const lines = accounts.map(
      ({ name, refunded, debts }) => `${name}: refunded ${refunded}, owed ${JSON.stringify(debts)}`,
    );
    throw new ContractViolation(
      `the money of a customer is wrong: credited ${credited}; ${lines.join("; ")}`,
    );
  }
  checkOpenInvoices(runner, subscriptions);
}

/** The decisions of crashed processes about a subscription that ended before it was rejected. */
function decidedBeforeItsEnd(runner: HistoryRunner, one: Owned): Defeat[] {
  const { endedAt } = one;
  if (endedAt === null) return [];
  return (runner.decided.get(one.id) ?? []).map((defeat) => {
    return { ...defeat, loser: { ...one, status: defeat.loser.status }, at: endedAt };
  });
}

function countDebts(runner: HistoryRunner, one: Owned, refundedBefore: ReadonlyMap<string, number>): void {
  for (const defeat of runner.defeats.get(one.id)?.slice(0, 1) ?? []) {
    const { most, to, least } = debtOf(defeat, one, refundedBefore);
    const what = most === 0 ? "nothing" : least < most ? "part, in dispute" : `to the ${to}`;
    runner.count(`owed for a ${defeat.kind} subscription: ${what}`);
  }
}

interface Account {
  name: string;
  refunded: number;
  /** The debts that contract 1.7 allows. */
  debts: Debt[];
}

const NOTHING: Debt = { to: "payment method", least: 0, most: 0, credit: 0 };

/** Every choice of one debt for each account. */
function combinations([first, ...rest]: readonly Account[]): Debt[][] {
  if (first === undefined) return [[]];
  const tails = combinations(rest);
  return first.debts.flatMap((debt) => tails.map((tail) => [debt, ...tail]));
}

function isPaid(accounts: readonly Account[], debts: readonly Debt[], credited: number): boolean {
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
function checkOpenInvoices(runner: HistoryRunner, subscriptions: readonly Owned[]): void {
  for (const { id, customer, bills } of subscriptions) {
    const defeats = runner.defeats.get(id) ?? [];
    const isReplaced = defeats.length > 0 && defeats.every(({ kind }) => kind === "replaced");
    if (isReplaced && !runner.slow.has(customer) && bills.some(({ status }) => status === "open"))
      throw new ContractViolation(`${runner.nameOf(id)} was replaced, but its open invoice is not voided`);
  }
}
