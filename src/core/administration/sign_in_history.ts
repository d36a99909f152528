import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import { listSignInEvents, type SignInEvent } from "#core/sessions/sign_in_history.ts";

type HistoryCore = Pick<
  Core,
  "authorizations" | "clock" | "identifiers" | "mailEvents" | "sessions" | "users" | "verifications"
>;

/** Reads a user and their addresses, in one round trip. @throws NestError user_not_found */
export async function readSubject(
  core: Pick<HistoryCore, "identifiers" | "users">,
  userId: string,
): Promise<Identifier[]> {
  const [user, identifiers] = await Promise.all([
    core.users.find(userId),
    core.identifiers.listByUser(userId),
  ]);
  if (!user) throw new NestError("user_not_found");
  return identifiers;
}

/**
 * Lists what happened to a user's links, codes, sessions and mails, the newest first. Of an address that the user removed, nothing is
 * listed: it may belong to another user now.
 * @param limit the most events, and the most documents of each kind that are read
 */
export async function readSignInHistory(
  core: HistoryCore,
  userId: string,
  identifiers: readonly Identifier[],
  limit: number,
): Promise<SignInEvent[]> {
  const addresses = identifiers
    .filter(({ removedAt }) => removedAt === null)
    .map(({ identifierValue }) => identifierValue);
  const [authorizations, verifications, mailEvents, sessions] = await Promise.all([
    core.authorizations.listNewestOf(addresses, limit),
    core.verifications.listNewestOf(addresses, limit),
    core.mailEvents.listByIdentifiers(addresses, limit),
    core.sessions.listByUser(userId, limit),
  ]);
  const documents = { authorizations, verifications, mailEvents, sessions };
  // The audit log has its own method.
  const others = { auditLogs: [], identifiers: [], refreshTokens: [] };
  return listSignInEvents(core, { ...documents, ...others }).slice(0, limit);
}
