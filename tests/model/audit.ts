import { looksAt } from "#tests/model/billing_plans.ts";
import { act, broken, deliverAll, type Model } from "#tests/model/commands.ts";
import { callsWith, listsSessionsOf, refreshesHeld } from "#tests/model/session_plans.ts";
import { asksFor, redeemsLink } from "#tests/model/sign_in_plans.ts";
import { PEOPLE, type State } from "#tests/model/state.ts";
import type { SystemUnderTest } from "#tests/model/system.ts";

/** Checks the final state of a history: every token, the database and Stripe. */
export async function audit(model: Model, system: SystemUnderTest): Promise<void> {
  system.history.push("At the end:");
  await deliverAll(model, system);
  const [state] = model.states as [State];
  for (const person of state.verified) await act(model, system, [looksAt(person)]);
  for (const name of Object.keys(state.accessTokens)) await act(model, system, [callsWith(name)]);
  for (const name of Object.keys(state.sessions)) await act(model, system, [refreshesHeld(name)]);
  for (const person of PEOPLE) await signInAnew(model, system, person);
  await auditDatabase(model, system);
}

/** Checks that each person can sign in again on a known device, whatever strangers did. */
async function signInAnew(
  model: Model,
  system: SystemUnderTest,
  person: (typeof PEOPLE)[number],
): Promise<void> {
  const [machine] = model.states[0]?.knownMachines[person] ?? [];
  if (machine === undefined) return;
  await act(model, system, [asksFor(person, machine)]);
  const link = String(model.count);
  await act(model, system, [redeemsLink(link)]);
  const session = String(model.count);
  if (model.states.some(({ sessions }) => !sessions[session]?.isStanding))
    throw broken(system, `${person} can't sign in on ${machine}`);
  await act(model, system, [listsSessionsOf(session)]);
}

async function auditDatabase(model: Model, system: SystemUnderTest): Promise<void> {
  const [state] = model.states as [State];
  for (const person of PEOPLE) {
    const address = system.addressOf(person);
    const of = { identifierValue: address };
    const identifiers = await system.nest.collection("identifiers").find(of).toArray();
    if (identifiers.length > 1) throw broken(system, `${person} has two identifiers`);
    const isVerified = identifiers.some(({ verifiedAt }) => verifiedAt !== null);
    if (isVerified !== state.verified.includes(person))
      throw broken(system, `${person}'s address is ${isVerified ? "" : "not "}verified`);
    const trials = await system.nest.collection("trials").find(of).toArray();
    if (trials.length !== (state.trials[person] ? 1 : 0))
      throw broken(system, `${person} has ${trials.length} trials`);
    for (const { _id, beakIds } of trials) {
      const made = system.nest.stripe
        .customers()
        .filter((one) => !one.deleted && one.metadata.trial_id === _id);
      if (made.length > 1) throw broken(system, `${person}'s trial has ${made.length} customers`);
      if ((beakIds as string[]).length !== state.trials[person]?.machines.length)
        throw broken(system, `${person}'s trial has the devices ${beakIds}`);
    }
  }
}
