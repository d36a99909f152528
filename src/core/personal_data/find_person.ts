import type { Clock } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { type Person, readReferences } from "#core/personal_data/references.ts";
import type { Repositories } from "#core/repositories/all.ts";
import { type IdentifierType, identifierTypeOf } from "#core/repositories/identifiers.ts";
import type { PersonalDocuments } from "#core/repositories/personal_documents.ts";
import { parseAddress } from "#core/users/address.ts";
import { parsePhone } from "#core/users/phone.ts";

/** The dependencies of work on users' accounts: the database, and no key. */
export interface AccountCore extends Repositories {
  app: Pick<Core["app"], "auditDays">;
  clock: Clock;
  personalDocuments: PersonalDocuments;
}

/**
 * Finds the user that an operator names.
 * @param subject a user's id, an email address, or a phone number with a plus sign, in any spelling
 * @returns the user's id
 * @throws NestError not_found, invalid_email, invalid_identifier
 */
export async function findUserId(
  core: Pick<Core, "identifiers" | "users">,
  subject: string,
): Promise<string> {
  const named = readSubject(subject);
  if (named.type === "id") {
    if (await core.users.find(subject)) return subject;
    throw new NestError("not_found", { detail: "no user has this id" });
  }
  const identifier = await core.identifiers.findActive(named.type, named.identity);
  if (!identifier) throw new NestError("not_found", { detail: "no user has this address" });
  return identifier.userId;
}

/** @throws NestError invalid_email, invalid_identifier */
function readSubject(subject: string): { type: "id" } | { type: IdentifierType; identity: string } {
  if (subject.includes("@")) return { type: "email", identity: parseAddress(subject).identity };
  if (subject.trim().startsWith("+")) return { type: "phone", identity: parsePhone(subject).identity };
  return { type: "id" };
}

/**
 * Finds the person that an operator names. The person may have no user: somebody typed the address for a link or a
 * trial, and its owner never signed in.
 * @param subject a user's id, an email address, or a phone number with a plus sign, in any spelling
 * @throws NestError not_found, invalid_email, invalid_identifier
 */
export async function findPerson(core: AccountCore, subject: string): Promise<Person> {
  const named = readSubject(subject);
  if (named.type === "id") return { userId: await findUserId(core, subject), addresses: [] };
  const { identity } = named;
  const person = { userId: await findUserOfAddress(core, identity), addresses: [identity] };
  const found = await core.personalDocuments.list(await readReferences(core, person));
  if (Object.values(found).some((documents) => documents.length > 0)) return person;
  throw new NestError("not_found", { detail: "no user and no other document has this address" });
}

/** Returns the user of an address, or the user of its trial if that user has no address of their own; else null. */
async function findUserOfAddress(core: AccountCore, identity: string): Promise<string | null> {
  const identifier = await core.identifiers.findActive(identifierTypeOf(identity), identity);
  if (identifier) return identifier.userId;
  const [ofAddress, removal] = await Promise.all([
    core.trials.findByAddress(identity),
    core.trials.findRemovalOf(identity),
  ]);
  // A trial that is being removed names its user only in `removal`.
  const trial = ofAddress ?? removal;
  if (!trial) return null;
  const identifiers = await core.identifiers.listByUser(trial.userId);
  return identifiers.some(({ removedAt }) => removedAt === null) ? null : trial.userId;
}
