import { plusSeconds } from "#core/clock.ts";
import { SUPPRESSED_SECONDS } from "#core/messages/mail_events.ts";
import { ownPassword } from "#core/passwords/acceptable_password.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { MailEvent } from "#core/repositories/mail_events.ts";
import type { Password } from "#core/repositories/passwords.ts";
import { FAILED_PASSWORDS_LIMIT } from "#core/repositories/refused_because.ts";
import type { User } from "#core/repositories/users.ts";

/** What keeps a user from signing in, for programs. */
export const BLOCK_CODES = [
  "user_disabled",
  "user_deleted",
  "password_locked",
  "passwords_paused",
  "mail_suppressed",
] as const;

/** Something that keeps a user from signing in now, in words for support staff. */
export interface SignInBlock {
  code: (typeof BLOCK_CODES)[number];
  /** Id of the user, or of the identifier that it is about. */
  about: string;
  /** When it ends by itself, ISO; null: never. */
  until: string | null;
  what: string;
}

/** What is read about a user to find blocks. */
export interface Blockable {
  user: User;
  /** All of the user's. */
  identifiers: readonly Identifier[];
  password: Password | null;
  mailEvents: readonly MailEvent[];
  /** When the pause after wrong passwords ends, by identifier; null: there is no pause. */
  pauses: readonly { identifier: Identifier; until: Date | null }[];
}

/** The blocks that a status of the user causes. They never end by themselves. */
const STATUS_BLOCKS = {
  deleted: { code: "user_deleted", what: "the user was deleted; a sign-in creates another user" },
  disabled: {
    code: "user_disabled",
    what: "the user is disabled: no password, link or code signs the user in, although messages are still sent",
  },
} as const;

/** Lists what keeps a user from signing in, without I/O. A deleted or disabled user has that block only. */
export function listBlocks({ user, ...read }: Blockable, now: Date): SignInBlock[] {
  const { _id: about, status } = user;
  if (status !== undefined) return [{ ...STATUS_BLOCKS[status], about, until: null }];
  return [...passwordBlocks(about, read), ...mailBlocks(read, now)];
}

function passwordBlocks(
  about: string,
  { identifiers, password, pauses }: Pick<Blockable, "identifiers" | "password" | "pauses">,
): SignInBlock[] {
  const own = ownPassword(identifiers, password);
  if (own === null) return [];
  if (own.failedCount >= FAILED_PASSWORDS_LIMIT)
    return [
      {
        ...{ code: "password_locked", about, until: null },
        what: `the password is locked after ${FAILED_PASSWORDS_LIMIT} wrong ones, until the user sets a new one; links and codes still work`,
      },
    ];
  return pauses.flatMap(({ identifier, until }) =>
    until === null
      ? []
      : [
          {
            ...{ code: "passwords_paused" as const, about: identifier._id, until: until.toISOString() },
            what: "after many wrong passwords, no password is accepted for a while from the network or device that sent them; links and codes still work",
          },
        ],
  );
}

interface Mailed {
  identifiers: readonly Pick<Identifier, "_id" | "identifierValue" | "removedAt">[];
  mailEvents: readonly MailEvent[];
}

/** Lists the addresses to which no mail is sent, because a mail was returned for good in the last day. Without I/O. */
export function mailBlocks({ identifiers, mailEvents }: Mailed, now: Date): SignInBlock[] {
  return identifiers
    .filter(({ removedAt }) => removedAt === null)
    .flatMap(({ _id, identifierValue }) => {
      const ends = mailEvents
        .filter((event) => event.isPermanent && event.identifierValues.includes(identifierValue))
        .map(({ occurredAt }) => plusSeconds(new Date(occurredAt), SUPPRESSED_SECONDS))
        .filter((end) => end > now);
      if (ends.length === 0) return [];
      const until = new Date(Math.max(...ends.map(Number))).toISOString();
      const what = "the mail server of the address refused a mail, so no mail is sent to it for a day";
      return [{ code: "mail_suppressed" as const, about: _id, until, what }];
    });
}
