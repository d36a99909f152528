import { SignJWT } from "jose";
import { type Access, isDisputed } from "#core/billing/subscriptions/subscription.ts";
import type { Caller } from "#core/call.ts";
import { DAY, plusSeconds } from "#core/clock.ts";
import { newId } from "#core/ids.ts";
import type { TokenMint } from "#core/sessions/access_token.ts";

/** Differs from the type of access tokens, `at+jwt`, so that an entitlement is never accepted as one. */
const ENTITLEMENT_TYPE = "entitlement+jwt";
/** The longest lifetime of an entitlement (contract 1.3). */
export const LONGEST_SECONDS = 14 * DAY;

/** The claims about the plan. Versions before 2026-12-01 have none. */
export interface EntitledPlan {
  /** The id of the plan; null if it is not known. */
  plan: string | null;
  features: readonly string[];
}

/**
 * Signs a statement that lets the app work offline. It is valid until its `exp` and cannot be revoked (contract 1.3).
 * @returns the JWS; null for an internal caller, which has no client, and while a payment is disputed
 */
export async function mintEntitlement(
  core: TokenMint,
  { subscription, usableUntil }: Access,
  caller: Caller,
  { now, plan }: { now: Date; plan?: EntitledPlan },
): Promise<string | null> {
  if (caller.kind !== "user" || isDisputed(subscription)) return null;
  const expiresAt = Math.min(usableUntil.getTime(), plusSeconds(now, LONGEST_SECONDS).getTime());
  const { kid, key } = await core.signer.key();
  return new SignJWT({ sid: caller.sessionId, status: subscription.status, ...plan })
    .setProtectedHeader({ alg: "ES256", typ: ENTITLEMENT_TYPE, kid })
    .setIssuer(core.issuer)
    .setSubject(caller.userId)
    .setAudience(caller.clientId)
    .setIssuedAt(Math.floor(now.getTime() / 1000))
    .setExpirationTime(Math.floor(expiresAt / 1000))
    .setJti(newId("entitlement"))
    .sign(key);
}
