import type { Caller } from "#core/call.ts";
import {
  ACCOUNT_CAPABILITIES,
  type AccountCapability,
  PLATFORM_CAPABILITIES,
  type PlatformCapability,
} from "#core/capabilities.ts";
import { NestError } from "#core/errors.ts";
import { hasCapability, isWithheld } from "#core/roles/rights.ts";
import type { NeededRights } from "#core/sessions/caller_rights.ts";
import { requireFresh } from "#core/sessions/freshness.ts";
import type { Access } from "#entry/declaration.ts";

/** The parts of an access policy. */
interface Policy {
  who: "public" | "own_user" | "fresh_own_user" | "user" | "internal" | "fresh" | null;
  capability: PlatformCapability | null;
  /** Whether the caller must be a member of an account, and with which capability; null: as any member. */
  account: { capability: AccountCapability | null } | null;
}

const WHO: readonly (string | null)[] = ["public", "own_user", "fresh_own_user", "user", "internal"];
/** Is no caller by itself: it adds the age of the sign-in to a capability. */
const FRESH = "fresh";

/** Reads an access policy. @throws Error for a text that is none, so that a method without a policy is not served */
export function policyOf(access: Access): Policy {
  const parts = String(access).split("|");
  const capability = PLATFORM_CAPABILITIES.find((one) => parts.at(-1) === `cap:${one}`) ?? null;
  if (capability !== null) parts.pop();
  const ofAccount = ACCOUNT_CAPABILITIES.find((one) => parts.at(-1) === `acct:${one}`) ?? null;
  const account = ofAccount !== null || access === "acct" ? { capability: ofAccount } : null;
  if (account !== null) parts.pop();
  const [who = null, ...rest] = parts;
  const isAlone = capability !== null || account !== null;
  const isKnown =
    rest.length === 0 &&
    (who === "own_user" || capability === null || account === null) &&
    (WHO.includes(who) || (who === null && isAlone) || (who === FRESH && capability !== null));
  if (!isKnown) throw new Error(`The access "${access}" is unknown. Use one of src/entry/declaration.ts.`);
  return { who, capability, account } as Policy;
}

/** What must be read of the caller's rights. */
export function neededRights(access: Access): NeededRights {
  const { capability, account } = policyOf(access);
  return { platform: capability !== null, account: account !== null };
}

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
  const { who, capability, account } = policyOf(access);
  const isAllowed =
    who === "public" ||
    (caller.kind === "internal" && who !== "user" && (account === null || capability !== null)) ||
    (caller.kind === "user" &&
      (capability !== null ||
        account !== null ||
        who === "user" ||
        (who !== "internal" && isOwn(caller, request))));
  if (!isAllowed) throw new NestError("access_denied");
}

/**
 * Checks the capability and the age of the sign-in that a policy requires. Somebody else's id gets the same error whether or not
 * it exists; so does the id of an account.
 * @param caller with its rights and the time of its sign-in
 * @throws NestError account_not_found, access_denied; reauthentication_required if the sign-in is too old, or lacks the second factor
 *   that a client of the app requires of users with a platform role
 */
export function requireRights(access: Access, caller: Caller, request: unknown, now: Date): void {
  const { who, capability, account } = policyOf(access);
  const isForOwn = who !== null && who !== FRESH && isOwn(caller, request);
  if (account !== null && capability !== null) {
    if (!hasCapability(caller, capability)) requireMemberOrOwn({ account, capability }, caller, request);
    return;
  }
  if (account !== null) requireMember(account, caller, isForOwn);
  if (capability !== null && !isForOwn && !hasCapability(caller, capability))
    throw refusalOf(caller, capability);
  if (who === FRESH || (who === "fresh_own_user" && (isForOwn || capability === null)))
    requireFresh(caller, now);
}

/** @throws NestError account_not_found, access_denied */
function requireMember(
  { capability }: NonNullable<Policy["account"]>,
  caller: Caller,
  isForOwn: boolean,
): void {
  const standing = caller.kind === "user" ? caller.account : undefined;
  if (!standing) throw new NestError("account_not_found");
  if (capability !== null && !isForOwn && !standing.capabilities.includes(capability))
    throw new NestError("access_denied");
}

/** The error for a caller without a capability. Users whose session only lacks a second factor learn that it does. */
const refusalOf = (caller: Caller, capability: PlatformCapability): NestError =>
  new NestError(isWithheld(caller, capability) ? "reauthentication_required" : "access_denied");

/**
 * A request that names an account is about the account, unless it names its caller too. A request that names nothing is about
 * everything that its caller may see, so it is refused while a capability is withheld.
 * @throws as `requireRights`
 */
function requireMemberOrOwn(
  { account, capability }: { account: NonNullable<Policy["account"]>; capability: PlatformCapability },
  caller: Caller,
  request: unknown,
): void {
  const { user_id: userId, account_id: accountId } = request as { user_id?: unknown; account_id?: unknown };
  const isUnnamed = userId === undefined && accountId === undefined;
  if (isOwn(caller, request) && (userId !== undefined || (isUnnamed && !isWithheld(caller, capability))))
    return;
  if (accountId === undefined || (isWithheld(caller, capability) && !isMember(account, caller)))
    throw refusalOf(caller, capability);
  requireMember(account, caller, false);
}

const isMember = ({ capability }: NonNullable<Policy["account"]>, caller: Caller): boolean =>
  caller.kind === "user" &&
  caller.account !== undefined &&
  (capability === null || caller.account.capabilities.includes(capability));
