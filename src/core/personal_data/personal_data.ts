import { hasEnded } from "#core/billing/subscriptions/stripe_state.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { newId } from "#core/ids.ts";
import type { AccessToken } from "#core/repositories/access_tokens.ts";
import type { Authorization } from "#core/repositories/authorizations.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { MailEvent } from "#core/repositories/mail_events.ts";
import type { MarketingConsent } from "#core/repositories/marketing_consents.ts";
import type { ProviderMapping } from "#core/repositories/provider_mappings.ts";
import type { RefreshToken } from "#core/repositories/refresh_tokens.ts";
import type { Session } from "#core/repositories/sessions.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";
import type { Trial } from "#core/repositories/trials.ts";
import type { User } from "#core/repositories/users.ts";
import { parseAddress } from "#core/users/address.ts";

export type AccountCore = Pick<
  Core,
  | "accessTokens"
  | "authorizations"
  | "clock"
  | "identifiers"
  | "mailEvents"
  | "marketingConsents"
  | "providerMappings"
  | "refreshTokens"
  | "sessions"
  | "subscriptions"
  | "trials"
  | "users"
>;

/** Everything that is held about one person, as it is stored. */
export interface Account {
  user: User;
  identifiers: Identifier[];
  sessions: Session[];
  accessTokens: AccessToken[];
  refreshTokens: RefreshToken[];
  authorizations: Authorization[];
  marketingConsent: MarketingConsent | null;
  providerMappings: ProviderMapping[];
  subscriptions: Subscription[];
  trials: Trial[];
  mailEvents: MailEvent[];
}

/**
 * Whom an operator means.
 * @param subject a user's id, or an address in any spelling
 * @returns the user's id
 * @throws NestError not_found, invalid_email
 */
export async function findUserId(
  core: Pick<Core, "identifiers" | "users">,
  subject: string,
): Promise<string> {
  if (!subject.includes("@")) {
    if (await core.users.find(subject)) return subject;
    throw new NestError("not_found", { detail: "no user has this id" });
  }
  const identifier = await core.identifiers.findActive("email", parseAddress(subject).identity);
  if (!identifier) throw new NestError("not_found", { detail: "no user has this address" });
  return identifier.userId;
}

/**
 * Reads everything that is held about a user.
 * @throws NestError not_found
 */
export async function readAccount(core: AccountCore, userId: string): Promise<Account> {
  const [user, identifiers, sessions, marketingConsent, providerMappings, subscriptions, trials] =
    await Promise.all([
      core.users.find(userId),
      core.identifiers.listByUser(userId),
      core.sessions.listByUser(userId),
      core.marketingConsents.findByUser(userId),
      core.providerMappings.listByUser(userId),
      core.subscriptions.listByUser(userId),
      core.trials.listByUser(userId),
    ]);
  if (!user) throw new NestError("not_found", { detail: "no user has this id" });
  const sessionIds = sessions.map(({ _id }) => _id);
  const addresses = await ownAddresses(core, identifiers);
  const [accessTokens, refreshTokens, authorizations, mailEvents] = await Promise.all([
    core.accessTokens.listBySessions(sessionIds),
    core.refreshTokens.listBySessions(sessionIds),
    core.authorizations.listByIdentifiers(addresses),
    core.mailEvents.listByIdentifiers(addresses),
  ]);
  return {
    ...{ user, identifiers, sessions, accessTokens, refreshTokens, authorizations },
    ...{ marketingConsent, providerMappings, subscriptions, trials, mailEvents },
  };
}

/** A person's addresses, without those they gave up that are somebody else's now: so are their links and mails. */
async function ownAddresses(
  core: Pick<Core, "identifiers">,
  identifiers: readonly Identifier[],
): Promise<string[]> {
  const found = await Promise.all(
    identifiers.map(async ({ identifierValue, removedAt, userId }) => {
      const holder = removedAt === null ? null : await core.identifiers.findActive("email", identifierValue);
      return holder === null || holder.userId === userId ? [identifierValue] : [];
    }),
  );
  return found.flat();
}

/**
 * What a person may be given of their account: everything but the hashes and salts that only we can use, and the dates
 * of our own housekeeping.
 */
export function exportAccount(account: Account): unknown {
  const OURS = new Set(["key", "rotation", "purgeAt", "codeChallenge", "version", "mails"]);
  return JSON.parse(JSON.stringify(account, (field, value) => (OURS.has(field) ? undefined : value)));
}

/**
 * Removes a person: everything that names them by now. That their machines have had a trial stays known, without whose it
 * was. Their sessions end first and the user goes last, so that a crash in between is finished by asking again. What
 * Stripe holds is Stripe's.
 * @throws NestError not_found; already_subscribed while a subscription lives: it would go on being paid for; unavailable
 *   while one that was rejected is not given back yet
 */
export async function eraseAccount(core: AccountCore, userId: string): Promise<void> {
  const account = await readAccount(core, userId);
  const { user, identifiers, sessions, trials } = account;
  const isLiving = account.subscriptions.some(
    ({ status, rejectedAt }) => rejectedAt === null && !hasEnded(status),
  );
  if (isLiving)
    throw new NestError("already_subscribed", { detail: "cancel the subscription at Stripe first" });
  // Without its record nobody would know any more that it is to be given back.
  if (account.subscriptions.some(({ rejectedAt, refundedAt }) => rejectedAt !== null && refundedAt === null))
    throw new NestError("unavailable", {
      detail: "a duplicate subscription is not given back yet: work its events again first",
    });
  const now = core.clock.now().toISOString();
  const sessionIds = sessions.map(({ _id }) => _id);
  const addresses = await ownAddresses(core, identifiers);
  await Promise.all(sessionIds.map((id) => core.sessions.revoke(id, "revoked_by_operator", now)));
  await Promise.all([
    core.accessTokens.removeBySessions(sessionIds),
    core.refreshTokens.removeBySessions(sessionIds),
    core.authorizations.removeByIdentifiers(addresses),
    core.mailEvents.removeByIdentifiers(addresses),
    core.marketingConsents.removeByUser(user._id),
    core.providerMappings.removeByUser(user._id),
    core.subscriptions.removeByUser(user._id),
    ...trials.map(({ _id }) => core.trials.anonymise(_id, newId("erasure"), now)),
  ]);
  await core.sessions.removeByUser(user._id);
  await core.identifiers.removeByUser(user._id);
  await core.users.remove(user._id);
}
