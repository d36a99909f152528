import { looksAt } from "#tests/model/billing_plans.ts";
import { act, broken, deliverAll, type Model } from "#tests/model/commands.ts";
import { callsWith, listsSessionsOf, refreshesHeld } from "#tests/model/session_plans.ts";
import { asksFor, redeemsLink } from "#tests/model/sign_in_plans.ts";
import { PEOPLE, type State } from "#tests/model/state.ts";
import type { World } from "#tests/model/world.ts";

/** Looks at all that a history has led to: what every token does, and what the database and Stripe hold. */
export async function audit(model: Model, world: World): Promise<void> {
  world.told.push("At the end:");
  await deliverAll(model, world);
  const [state] = model.states as [State];
  for (const person of state.verified) await act(model, world, [looksAt(person)]);
  for (const name of Object.keys(state.accessTokens)) await act(model, world, [callsWith(name)]);
  for (const name of Object.keys(state.sessions)) await act(model, world, [refreshesHeld(name)]);
  for (const person of PEOPLE) await signInAnew(model, world, person);
  await auditDatabase(model, world);
}

/** Whoever has a machine that signed them in before gets in again, whatever strangers did. */
async function signInAnew(model: Model, world: World, person: (typeof PEOPLE)[number]): Promise<void> {
  const [machine] = model.states[0]?.knownMachines[person] ?? [];
  if (machine === undefined) return;
  await act(model, world, [asksFor(person, machine)]);
  const link = String(model.count);
  await act(model, world, [redeemsLink(link)]);
  const session = String(model.count);
  if (model.states.some(({ sessions }) => !sessions[session]?.isStanding))
    throw broken(world, `${person} can't sign in on ${machine}`);
  await act(model, world, [listsSessionsOf(session)]);
}

async function auditDatabase(model: Model, world: World): Promise<void> {
  const [state] = model.states as [State];
  for (const person of PEOPLE) {
    const address = world.addressOf(person);
    const of = { identifierValue: address };
    const identifiers = await world.nest.collection("identifiers").find(of).toArray();
    if (identifiers.length > 1) throw broken(world, `${person} has two identifiers`);
    const isVerified = identifiers.some(({ verifiedAt }) => verifiedAt !== null);
    if (isVerified !== state.verified.includes(person))
      throw broken(world, `${person}'s address is ${isVerified ? "" : "not "}verified`);
    const trials = await world.nest.collection("trials").find(of).toArray();
    if (trials.length !== (state.trials[person] ? 1 : 0))
      throw broken(world, `${person} has ${trials.length} trials`);
    for (const { _id, beakIds } of trials) {
      const made = world.nest.stripe
        .customers()
        .filter((one) => !one.deleted && one.metadata.trial_id === _id);
      if (made.length > 1) throw broken(world, `${person}'s trial has ${made.length} customers`);
      if ((beakIds as string[]).length !== state.trials[person]?.machines.length)
        throw broken(world, `${person}'s trial has the machines ${beakIds}`);
    }
  }
}
