import type { Caller } from "#core/call.ts";
import { PLATFORM_CAPABILITIES, type PlatformCapability } from "#core/capabilities.ts";
import { NestError } from "#core/errors.ts";
import { hasCapability } from "#core/roles/rights.ts";
import { requireFresh } from "#core/sessions/freshness.ts";
import type { Access } from "#entry/declaration.ts";

/** The parts of an access policy. */
interface Policy {
  who: "public" | "own_user" | "fresh_own_user" | "user" | "internal" | null;
  capability: PlatformCapability | null;
}

const WHO: readonly (string | null)[] = ["public", "own_user", "fresh_own_user", "user", "internal"];

/** Reads an access policy. @throws Error for a text that is none, so that a method without a policy is not served */
export function policyOf(access: Access): Policy {
  const parts = String(access).split("|");
  const capability = PLATFORM_CAPABILITIES.find((one) => parts.at(-1) === `cap:${one}`) ?? null;
  const [who = null, ...rest] = capability === null ? parts : parts.slice(0, -1);
  const isKnown = rest.length === 0 && (WHO.includes(who) || (who === null && capability !== null));
  if (!isKnown) throw new Error(`The access "${access}" is unknown. Use one of src/entry/declaration.ts.`);
  return { who, capability } as Policy;
}

/** Whether the capabilities of the caller must be read. */
export const needsRights = (access: Access): boolean => policyOf(access).capability !== null;

function isOwn(caller: Caller, request: unknown): boolean {
  const { user_id: named } = request as { user_id?: unknown };
  return caller.kind === "user" && [caller.userId, undefined].includes(named as never);
}

/**
 * Checks a caller against a method's access policy, as far as the credential and the request decide it. `requireRights` checks
 * the rest once the session was read.
 * @throws NestError access_denied
 */
export function requireAccess(access: Access, caller: Caller, request: unknown): void {
  const { who, capability } = policyOf(access);
  const isAllowed =
    who === "public" ||
    (caller.kind === "internal" && who !== "user") ||
    (caller.kind === "user" &&
      (capability !== null || who === "user" || (who !== "internal" && isOwn(caller, request))));
  if (!isAllowed) throw new NestError("access_denied");
}

/**
 * Checks the capability and the age of the sign-in that a policy requires. Somebody else's id gets the same error whether or not
 * it exists.
 * @param caller with its rights and the time of its sign-in
 * @throws NestError access_denied, reauthentication_required
 */
export function requireRights(access: Access, caller: Caller, request: unknown, now: Date): void {
  const { who, capability } = policyOf(access);
  const isForOwn = who !== null && isOwn(caller, request);
  if (capability !== null && !isForOwn && !hasCapability(caller, capability))
    throw new NestError("access_denied");
  if (who === "fresh_own_user" && (isForOwn || capability === null)) requireFresh(caller, now);
}
