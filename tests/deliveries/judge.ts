import type { WebhookDelivery } from "#core/repositories/webhook_deliveries.ts";
import { type Arrival, type Kind, REACHED } from "#tests/deliveries/receivers.ts";

/** A delivery, and what its receiver saw of it. */
export interface Judged {
  kind: Kind;
  delivery: Pick<WebhookDelivery, "_id" | "attempts" | "status" | "tries">;
  /** The requests with its message, the oldest first. */
  arrivals: readonly Arrival[];
}

/** Attempts whose answer was lost: they began, and no run recorded how they ended. */
export const lostOf = ({ tries, attempts }: Judged["delivery"]) => tries - attempts.length;

/**
 * What is wrong with a delivery after the run, without I/O. Only an attempt of the killed process may have lost its answer, and
 * only then may a receiver that accepted a message get it again.
 * @param killedAt epoch milliseconds
 * @returns sentences; none if the delivery keeps every promise
 */
export function judge({ kind, delivery, arrivals }: Judged, killedAt: number): string[] {
  const lost = lostOf(delivery);
  const accepted = arrivals.filter(({ status }) => status === 204);
  const recorded = delivery.attempts.filter(({ error }) => error === null).length;
  const isReached = REACHED.includes(kind);
  const rules: [isBroken: boolean, says: string][] = [
    [isReached && delivery.status !== "succeeded", `is ${delivery.status}`],
    [isReached && accepted.length === 0, "did not arrive"],
    [isReached && recorded !== 1, `has ${recorded} successes`],
    [isReached && lost > 1, `lost ${lost} answers`],
    [accepted.length > 1 + lost, `was accepted ${accepted.length} times, and ${lost} answers were lost`],
    [accepted.length > 1 && (accepted[0]?.at ?? 0) > killedAt, "was accepted after the kill, and sent again"],
    [arrivals.length > delivery.tries, `arrived ${arrivals.length} times in ${delivery.tries} attempts`],
    [!isReached && delivery.status === "succeeded", "succeeded"],
    [!isReached && accepted.length > 0, "was accepted"],
  ];
  return rules.filter(([isBroken]) => isBroken).map(([, says]) => `${kind} ${delivery._id} ${says}`);
}
