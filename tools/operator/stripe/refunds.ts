import type { Command } from "commander";
import { formatMoney } from "#core/messages/formats.ts";
import { type AccountCore, findUserId } from "#core/personal_data/find_person.ts";
import type { MoneyReturn, Subscription } from "#core/repositories/subscriptions.ts";
import { withAccounts } from "#tools/operator/with_accounts.ts";
import { act, examples, readTime } from "#tools/terminal/command.ts";
import { table } from "#tools/terminal/table.ts";

interface RefundOptions {
  failed?: boolean;
  since?: string;
}

/** A refund or credit that Nest made, or must make. */
interface ListedRefund extends Omit<MoneyReturn, "attempts" | "isLate"> {
  userId: string;
  stpSubscriptionId: string;
}

/** `stripe refunds`: what Nest refunded and credited for subscriptions that it rejected. */
export function refunds(stripe: Command): void {
  const command = stripe
    .command("refunds")
    .argument("[user]", "a user id, email address or phone number; default: every user")
    .option("--failed", "only those that failed, which a person must make in Stripe's Dashboard")
    .option("--since <time>", "only those planned since this time")
    .description(
      "lists refunds and credits for duplicate and replaced subscriptions, pending ones included, the newest first",
    );
  examples(command, [
    "stripe refunds",
    "stripe refunds user_2Jx...",
    "stripe refunds --failed --since 2026-12-01 --json",
  ]);
  act(command, (terminal, user: string | undefined, { failed = false, since }: RefundOptions) => {
    const from = since === undefined ? "" : readTime(since).toISOString();
    return withAccounts(terminal, async (core) => {
      const all = await listRefunds(core, user);
      const found = all
        .filter(({ status, plannedAt }) => plannedAt >= from && (!failed || status === "failed"))
        .sort((one, other) => other.plannedAt.localeCompare(one.plannedAt));
      const head = ["planned", "user", "amount", "to", "status", "id", "payment", "failure"];
      terminal.show(found, found.length > 0 ? table(found.map(rowOf), head) : "There are no such refunds.");
    });
  });
}

async function listRefunds(core: AccountCore, user: string | undefined): Promise<ListedRefund[]> {
  const found: ListedRefund[] = [];
  for await (const subscription of await subscriptionsOf(core, user)) found.push(...refundsOf(subscription));
  return found;
}

async function subscriptionsOf(
  core: AccountCore,
  user: string | undefined,
): Promise<AsyncIterable<Subscription> | Subscription[]> {
  if (user === undefined) return core.subscriptions.all();
  return core.subscriptions.listByUser(await findUserId(core, user));
}

/** A return of 0 says only that nothing of a payment is returned. */
function refundsOf({ userId, stpSubscriptionId, returns = {} }: Subscription): ListedRefund[] {
  return Object.values(returns)
    .filter(({ amount }) => amount > 0)
    .map(({ attempts: _attempts, isLate: _isLate, ...more }) => ({ userId, stpSubscriptionId, ...more }));
}

function rowOf({ plannedAt, userId, amount, currency, to, status, id, source, failure }: ListedRefund) {
  const where = to === "balance" ? "balance" : "payment method";
  return [
    ...[plannedAt, userId, formatMoney({ amount, currency }), where, status],
    ...[id ?? "-", source, failure ?? ""],
  ];
}
