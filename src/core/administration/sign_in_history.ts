import { listBlocks, mailBlocks, type SignInBlock } from "#core/administration/sign_in_blocks.ts";
import { DAY, plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { pausedUntil } from "#core/rate_limits/paused.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { Password } from "#core/repositories/passwords.ts";
import type { User } from "#core/repositories/users.ts";
import { listSignInEvents, type SignInEvent } from "#core/sessions/sign_in_history.ts";
import { parseAddress } from "#core/users/address.ts";

type HistoryCore = Pick<
  Core,
  | "auditLogs"
  | "authorizations"
  | "clock"
  | "limitWindows"
  | "mailEvents"
  | "mfaChallenges"
  | "sessions"
  | "verifications"
> & { rateLimiter: RateLimiter };

/** Failed sign-ins are listed as long as links and sessions. */
const FAILURES_LISTED_SECONDS = 30 * DAY;

/** A user whose history is asked for. */
interface Subject {
  user: User;
  /** All of the user's. */
  identifiers: readonly Identifier[];
  password: Password | null;
}

/** What is asked for: a user, or an address or number that no user has. */
export type HistorySubject = Subject | { user: null; address: string };

/**
 * Reads the user of an address or number as `readSubject` does. A person who registers has no user until they verify the address.
 * @param typed an email address, or a phone number with its plus sign
 * @throws NestError invalid_email
 */
export async function readOwner(
  core: Pick<Core, "identifiers" | "passwords" | "users">,
  typed: string,
): Promise<HistorySubject> {
  const type = typed.includes("@") ? "email" : "phone";
  // Support staff copy numbers from lists of Nest, so that nothing else has to be parsed.
  const address = type === "email" ? parseAddress(typed).identity : typed.replaceAll(/[^+\d]/g, "");
  const identifier = await core.identifiers.findActive(type, address);
  return identifier ? readSubject(core, identifier.userId) : { user: null, address };
}

/** Reads a user with their addresses and password, in one round trip. @throws NestError user_not_found */
export async function readSubject(
  core: Pick<Core, "identifiers" | "passwords" | "users">,
  userId: string,
): Promise<Subject> {
  const [user, identifiers, password] = await Promise.all([
    core.users.find(userId),
    core.identifiers.listByUser(userId),
    core.passwords.findByUser(userId),
  ]);
  if (!user) throw new NestError("user_not_found");
  return { user, identifiers, password };
}

/**
 * Lists what happened to a user's links, codes, sessions and mails and why sign-ins failed, the newest first, and what keeps the user
 * from signing in now. Of an address that the user removed, nothing is listed: it may belong to another user now.
 * @param limit the most events, and the most documents of each kind that are read
 */
export async function readSignInHistory(
  core: HistoryCore,
  subject: HistorySubject,
  limit: number,
): Promise<{ events: SignInEvent[]; blocks: SignInBlock[] }> {
  if (subject.user === null) return readMessages(core, subject.address, limit);
  const { user, identifiers } = subject;
  const active = identifiers.filter(({ removedAt }) => removedAt === null);
  const addresses = active.map(({ identifierValue }) => identifierValue);
  const now = core.clock.now();
  const from = plusSeconds(now, -FAILURES_LISTED_SECONDS).toISOString();
  const failures = { userId: user._id, action: "user.sign_in_failed", from } as const;
  const [sent, sessions, mfaChallenges, auditLogs, pauses] = await Promise.all([
    listSent(core, addresses, limit),
    core.sessions.listByUser(user._id, limit),
    core.mfaChallenges.listNewest(user._id, limit),
    core.auditLogs.list(failures, limit),
    Promise.all(active.map((identifier) => readPause(core, identifier))),
  ]);
  // The audit log has its own method. It needs another capability, so that only the failures are listed here.
  const others = { auditLogs, identifiers: [], recoveryCodes: [], refreshTokens: [] };
  const { disabledAt } = user;
  const events = listSignInEvents(core, { ...sent, ...others, sessions, mfaChallenges, disabledAt });
  const blocks = listBlocks({ ...subject, mailEvents: sent.mailEvents, pauses }, now);
  return { events: events.slice(0, limit), blocks };
}

/** Lists what was sent to an address that no user has. */
async function readMessages(core: HistoryCore, address: string, limit: number) {
  const sent = await listSent(core, [address], limit);
  const others = {
    ...{ auditLogs: [], identifiers: [], mfaChallenges: [], recoveryCodes: [], refreshTokens: [] },
    sessions: [],
  };
  const events = listSignInEvents(core, { ...sent, ...others });
  const claimed = { _id: address, identifierValue: address, removedAt: null };
  const blocks = mailBlocks({ identifiers: [claimed], mailEvents: sent.mailEvents }, core.clock.now());
  return { events: events.slice(0, limit), blocks };
}

/** Lists the links and codes that were sent to addresses and numbers, and the mails that were returned. */
async function listSent(core: HistoryCore, addresses: readonly string[], limit: number) {
  const [authorizations, verifications, mailEvents] = await Promise.all([
    core.authorizations.listNewestOf(addresses, limit),
    core.verifications.listNewestOf(addresses, limit),
    core.mailEvents.listByIdentifiers(addresses, limit),
  ]);
  return { authorizations, verifications, mailEvents };
}

async function readPause(core: Pick<HistoryCore, "limitWindows" | "rateLimiter">, identifier: Identifier) {
  const subject = ["password_failures_per_identifier_and_network", identifier.identifierValue] as const;
  return { identifier, until: await pausedUntil(core, subject) };
}
