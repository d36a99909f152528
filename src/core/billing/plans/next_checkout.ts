import { DAY, HOUR, plusSeconds } from "#core/clock.ts";
import { derivedIdOf } from "#core/ids.ts";
import type { Checkout } from "#core/repositories/checkouts.ts";
import { purgeAfter } from "#core/retention.ts";
import { hashSecret } from "#core/secrets.ts";

/** How long a session can be paid. Stripe allows at most 24 hours, counted by its own clock. */
export const SESSION_SECONDS = 23 * HOUR;
/** A session with less time than this is replaced, because Stripe creates none for less than 30 minutes. */
const SHORTEST_SECONDS = HOUR;
/** How many sessions a user can create within a day. */
export const SESSIONS_PER_DAY = 20;

/** The plan that a person wants to buy, and the URLs to return to. */
export interface Order {
  userId: string;
  planId: string;
  priceId: string;
  successUrl: string;
  cancelUrl: string;
}

/** What to do with a request for a checkout. */
export type CheckoutStep =
  /** The call uses the attempt that an earlier call began. */
  | { action: "join"; checkout: Checkout }
  /** A new attempt begins. */
  | { action: "begin"; checkout: Checkout }
  /** The user created too many sessions within a day. */
  | { action: "refuse"; retryAfterSeconds: number };

/**
 * Decides what a request for a checkout does with the user's last checkout.
 * @param known the user's checkout, or null
 * @param isOver whether the session of `known` was paid or has expired
 */
export function nextCheckout(order: Order, known: Checkout | null, now: Date, isOver = false): CheckoutStep {
  const hash = hashOf(order);
  const isYoung = known !== null && expiryOf(known) > plusSeconds(now, SHORTEST_SECONDS);
  if (known && isYoung && known.order === hash && !isOver) return { action: "join", checkout: known };
  const counted = countOf(known, now);
  if (counted.countedSessions > SESSIONS_PER_DAY) {
    const end = plusSeconds(new Date(counted.countedSince), DAY);
    return { action: "refuse", retryAfterSeconds: Math.ceil((end.getTime() - now.getTime()) / 1000) };
  }
  const nowText = now.toISOString();
  const checkout: Checkout = {
    _id: derivedIdOf(order.userId, "checkout"),
    userId: order.userId,
    order: hash,
    attempt: (known?.attempt ?? 0) + 1,
    startedAt: nowText,
    sessionId: null,
    replacedSessionId: isOver ? null : (known?.sessionId ?? known?.replacedSessionId ?? null),
    customerAttempt: known?.customerAttempt ?? 1,
    ...counted,
    createdAt: known?.createdAt ?? nowText,
    updatedAt: known ? nowText : null,
    purgeAt: purgeAfter(now),
  };
  return { action: "begin", checkout };
}

function hashOf({ priceId, successUrl, cancelUrl }: Order): string {
  return hashSecret(JSON.stringify([priceId, successUrl, cancelUrl]));
}

/** Counts the sessions of the day, including the session that is about to be created. */
function countOf(known: Checkout | null, now: Date): Pick<Checkout, "countedSince" | "countedSessions"> {
  const isSameDay = known !== null && plusSeconds(new Date(known.countedSince), DAY) > now;
  if (!isSameDay) return { countedSince: now.toISOString(), countedSessions: 1 };
  return { countedSince: known.countedSince, countedSessions: known.countedSessions + 1 };
}

/** When the session of an attempt can't be paid anymore, in whole seconds as Stripe's times. */
export function expiryOf({ startedAt }: Pick<Checkout, "startedAt">): Date {
  const started = Math.floor(Date.parse(startedAt) / 1000);
  return new Date((started + SESSION_SECONDS) * 1000);
}
