import type { Case, FilledDatabase } from "#tools/bench/cases.ts";
import type { BenchDatabase, BenchEnvironment } from "#tools/bench/environment.ts";
import { type AtStripe, insertUsers, userOf } from "#tools/bench/users.ts";
import type { IncomingCall } from "#tools/local/gateway.ts";

export const numbers = (count: number) => Array.from({ length: count }, (_, number) => number);

/** The IP address of a user, in the block for benchmarks (RFC 2544). */
export const ipOf = (number: number) => `198.18.${number >> 8}.${number & 0xff}`;

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

/** Prepares the calls of every user, each from the network of its user unless the case has one network. */
export async function prepareAll(filled: FilledDatabase, measured: Case): Promise<() => IncomingCall[]> {
  const prepared = await measured.prepare(filled, numbers(filled.atStripe.length));
  if (measured.isFromOneNetwork) return prepared;
  return () => prepared().map((call, number) => ({ ...call, ip: ipOf(number) }));
}
