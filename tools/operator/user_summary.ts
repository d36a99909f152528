import { findAccess } from "#core/billing/subscriptions/subscription.ts";
import type { Account } from "#core/repositories/personal_documents.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";
import { describeMovement, type MoneyMovement } from "#tools/operator/user_payments.ts";
import { table } from "#tools/terminal/command.ts";

/**
 * Describes a user's stored data and money in lines for the terminal.
 * @param movements the money at Stripe; a text says why it was not read
 */
export function describeUser(
  account: Account,
  movements: readonly MoneyMovement[] | string,
  now: Date,
): string[] {
  const { users, identifiers, sessions, marketingConsents, subscriptions, trials } = account;
  const access = findAccess(subscriptions, now);
  const active = sessions.filter(({ revokedAt, expiresAt }) => !revokedAt && expiresAt > now.toISOString());
  return table([
    ...users.flatMap(({ _id, createdAt }) => [
      ["user", _id],
      ["since", createdAt],
    ]),
    ...identifiers.map(({ identifierValue, verifiedAt, removedAt }) => [
      "address",
      `${identifierValue} (${removedAt ? `removed ${removedAt}` : verifiedAt ? `verified ${verifiedAt}` : "not verified"})`,
    ]),
    ["consent", marketingConsents[0]?.level ?? "not given"],
    ["subscription", access ? `${access.subscription.status} until ${access.endsAt}` : "none usable"],
    ...subscriptions.map((subscription) => ["", describeSubscription(subscription)]),
    [
      "trial",
      trials.map(({ _id, redeemedAt }) => `${_id} (${redeemedAt ? "redeemed" : "open"})`).join(", ") ||
        "none",
    ],
    ["sessions", `${active.length} active, ${sessions.length - active.length} ended`],
    ...describeMoney(movements),
  ]);
}

function describeSubscription({ stpSubscriptionId, status, ...more }: Subscription): string {
  const paused = more.pausedCollection ? `, payments are paused (${more.pausedCollection})` : "";
  return `${stpSubscriptionId} ${status}${paused}${more.rejectedAt ? `, rejected ${more.rejectedAt}` : ""}`;
}

function describeMoney(movements: readonly MoneyMovement[] | string): [string, string][] {
  if (typeof movements === "string") return [["payments", movements]];
  return movements.length === 0 ? [["payments", "none"]] : movements.map(describeMovement);
}
