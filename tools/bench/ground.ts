import type { Case, Ground } from "#tools/bench/cases.ts";
import { type AtStripe, insertPeople, personOf } from "#tools/bench/people.ts";
import type { BenchDatabase, Surroundings } from "#tools/bench/surroundings.ts";
import type { IncomingCall } from "#tools/local/gateway.ts";

export const numbers = (count: number) => Array.from({ length: count }, (_, number) => number);

/** Puts people into an empty database and into a Stripe that knows nobody else. */
export async function fillGround(
  { stripe, secrets }: Surroundings,
  place: BenchDatabase,
  count: number,
): Promise<Ground> {
  const now = new Date();
  stripe.reset();
  const atStripe: AtStripe[] = numbers(count).map((number) =>
    stripe.createSubscription({ email: personOf(number).address }),
  );
  await insertPeople(place.database, count, now, atStripe);
  return { database: place.database, stripe, atStripe, secrets, issuer: place.environment.ISSUER ?? "", now };
}

/** The calls of everybody there. */
export async function prepareAll(ground: Ground, measured: Case): Promise<() => IncomingCall[]> {
  return measured.prepare(ground, numbers(ground.atStripe.length));
}
