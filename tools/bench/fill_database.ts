import type { Case, FilledDatabase } from "#tools/bench/cases.ts";
import type { BenchDatabase, BenchEnvironment } from "#tools/bench/environment.ts";
import { type AtStripe, insertUsers, userOf } from "#tools/bench/users.ts";
import type { IncomingCall } from "#tools/local/gateway.ts";

export const numbers = (count: number) => Array.from({ length: count }, (_, number) => number);

/** Inserts users into an empty database, and their subscriptions into an empty Stripe double. */
export async function fillDatabase(
  { stripe, secrets }: BenchEnvironment,
  place: BenchDatabase,
  count: number,
): Promise<FilledDatabase> {
  const now = new Date();
  stripe.reset();
  const atStripe: AtStripe[] = numbers(count).map((number) =>
    stripe.createSubscription({ email: userOf(number).address }),
  );
  await insertUsers(place.database, count, now, atStripe);
  return { database: place.database, stripe, atStripe, secrets, issuer: place.environment.ISSUER ?? "", now };
}

/** Prepares the calls of every user. */
export async function prepareAll(filled: FilledDatabase, measured: Case): Promise<() => IncomingCall[]> {
  return measured.prepare(filled, numbers(filled.atStripe.length));
}
