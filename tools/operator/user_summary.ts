import type { MoneyMovement } from "#core/billing/payments/movements.ts";
import { findAccess } from "#core/billing/subscriptions/subscription.ts";
import { formatMoney } from "#core/messages/formats.ts";
import type { Password } from "#core/repositories/passwords.ts";
import type { Account } from "#core/repositories/personal_documents.ts";
import { FAILED_PASSWORDS_LIMIT } from "#core/repositories/refused_because.ts";
import type { Role } from "#core/repositories/roles.ts";
import type { MoneyReturn, Subscription } from "#core/repositories/subscriptions.ts";
import type { Trial } from "#core/repositories/trials.ts";
import type { User } from "#core/repositories/users.ts";
import { rolesOf } from "#core/roles/rights.ts";
import { describeMovement } from "#tools/operator/user_payments.ts";
import { table } from "#tools/terminal/table.ts";

/**
 * Describes a user's stored data, payments and refunds in lines for the terminal.
 * @param movements the payments, refunds and balance changes at Stripe; or the reason why they were not read
 * @param ownRoles the app's own platform roles
 */
export function describeUser(
  account: Account,
  movements: readonly MoneyMovement[] | string,
  now: Date,
  ownRoles: readonly Role[],
): string[] {
  const { users, identifiers, passwords, sessions, marketingConsents, subscriptions, trials } = account;
  const access = findAccess(subscriptions, now);
  const active = sessions.filter(({ revokedAt, expiresAt }) => !revokedAt && expiresAt > now.toISOString());
  return table([
    ...users.flatMap((user) => describeOwner(user, ownRoles)),
    ...identifiers.map(({ identifierValue, verifiedAt, removedAt }) => [
      "address",
      `${identifierValue} (${removedAt ? `removed ${removedAt}` : verifiedAt ? `verified ${verifiedAt}` : "not verified"})`,
    ]),
    ["password", describePassword(passwords[0])],
    ...describeFactors(account),
    ...account.oauthIdentities
      .filter(({ removedAt }) => removedAt === null)
      .map(({ provider, email, linkedAt }) => [
        "linked account",
        `${provider}${email === null ? "" : `, ${email}`}, since ${linkedAt}`,
      ]),
    ["consent", marketingConsents[0]?.level ?? "not given"],
    ["subscription", access ? `${access.subscription.status} until ${access.endsAt}` : "none usable"],
    ...subscriptions.flatMap(describeSubscription).map((line) => ["", line]),
    ["trial", trials.map(describeTrial).join(", ") || "none"],
    ["sessions", `${active.length} active, ${sessions.length - active.length} ended`],
    ...describeMoney(movements),
  ]);
}

function describeOwner(user: User, ownRoles: readonly Role[]): [string, string][] {
  const roles = rolesOf(user, ownRoles).map(({ key }) => key);
  return [
    ["user", user._id],
    ["since", user.createdAt],
    ...(user.disabledAt ? [["disabled", `since ${user.disabledAt}`] satisfies [string, string]] : []),
    ["roles", roles.join(", ")],
  ];
}

function describePassword(password: Password | undefined): string {
  if (password === undefined) return "none";
  const { failedCount } = password;
  if (failedCount >= FAILED_PASSWORDS_LIMIT) return "locked, until the user resets it";
  return failedCount === 0 ? "set" : `set, ${failedCount} wrong since the last right one`;
}

/** The second factors that sign-ins require, and the recovery codes that are left. */
function describeFactors({ mfaFactors, recoveryCodes }: Account): [string, string][] {
  const active = mfaFactors.filter(({ status }) => status === "active");
  if (active.length === 0) return [["second factors", "none"]];
  const left = recoveryCodes.flatMap(({ open }) => open).length;
  return [
    ...active.map(({ _id, factorType, name, lastUsedAt }): [string, string] => [
      "second factor",
      `${_id} ${factorType}${name === null ? "" : ` (${name})`}, ${lastUsedAt ? `last used ${lastUsedAt}` : "not used"}`,
    ]),
    ["recovery codes", `${left} left`],
  ];
}

function describeTrial({ _id, redeemedAt, usedAt }: Trial): string {
  // Earlier releases did not store the first use.
  const use = usedAt ? `used since ${usedAt}` : usedAt === null ? "not used" : "use not recorded";
  return `${_id} (${redeemedAt ? "redeemed" : "open"}, ${use})`;
}

/** A subscription, and below it what its rejection refunds or credits. */
function describeSubscription({ stpSubscriptionId, status, ...more }: Subscription): string[] {
  const paused = more.pausedCollection ? `, payments are paused (${more.pausedCollection})` : "";
  const { rejectedAt, rejection, returns = {} } = more;
  const kept = rejection ? ` as ${rejection.kind}, ${rejection.keptId ?? "none"} is kept` : "";
  const rejected = rejectedAt ? `, rejected ${rejectedAt}${kept}` : "";
  const money = Object.values(returns).filter(({ amount }) => amount > 0);
  return [`${stpSubscriptionId} ${status}${paused}${rejected}`, ...money.map(describeReturn)];
}

function describeReturn({ to, amount, currency, source, status, ...more }: MoneyReturn): string {
  const what = to === "balance" ? "credit to the balance" : `refund of ${source}`;
  const details = [status, more.returnedAt, more.id, more.failure].filter((detail) => detail !== null);
  return `  ${formatMoney({ amount, currency })} ${what}: ${details.join("  ")}`;
}

function describeMoney(movements: readonly MoneyMovement[] | string): [string, string][] {
  if (typeof movements === "string") return [["payments", movements]];
  return movements.length === 0 ? [["payments", "none"]] : movements.map(describeMovement);
}
