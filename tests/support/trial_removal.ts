import { type RemovalOutcome, removeUnredeemedTrials } from "#core/billing/trials/remove_unredeemed.ts";
import type { OpenCore } from "#core/core.ts";
import { billing, stripe } from "#core/parts.ts";
import { findPerson } from "#core/personal_data/find_person.ts";
import { eraseAccount } from "#core/personal_data/personal_data.ts";
import { PersonalDocuments } from "#core/repositories/personal_documents.ts";
import type { TestNest } from "#tests/support/nest.ts";

/** Runs the job that removes unredeemed trials, without a time limit. @param open what the job uses, such as a core that crashes */
export function removeTrials(nest: TestNest, open: OpenCore = nest.gateway): Promise<RemovalOutcome> {
  const core = { ...open.core, stripe: open.part(stripe), billing: open.part(billing) };
  return removeUnredeemedTrials(core, Number.POSITIVE_INFINITY);
}

/** Time passes, and the database removes expired links and counters, which have a real clock in tests. */
export async function pass(nest: TestNest, seconds: number): Promise<void> {
  await nest.passTime(seconds);
  for (const name of ["authorizations", "limit-windows"])
    await nest.collection(name).deleteMany({ purgeAt: { $lt: nest.clock.now() } });
}

/** Erases the person that an operator names, as `users erase` does. */
export async function erasePerson(nest: TestNest, subject: string): Promise<void> {
  const { core, mongo } = nest.gateway;
  const accounts = {
    ...core,
    stripe: nest.gateway.part(stripe),
    personalDocuments: new PersonalDocuments(mongo.database),
  };
  await eraseAccount(accounts, await findPerson(accounts, subject));
}
