import type { AccountRights, Rights } from "#core/capabilities.ts";
import { NestError } from "#core/errors.ts";
import type { Version } from "#core/versions.ts";

/** The facts of one call in addition to its body. */
export interface Call {
  requestId: string;
  /** The caller's IP address as API Gateway saw it, never from a forwarded header. */
  ip: string;
  userAgent: string | null;
  /** The date under which the method was called. Absent outside of methods. */
  version?: Version;
  /**
   * Does work once the call has succeeded, before the response is sent: what must not be done if the caller gets an error
   * and repeats the call. A failure of the work is logged. Absent outside of methods: see `afterSuccess`.
   */
  onSuccess?: (work: () => Promise<void>) => void;
}

/** Does work once a call has succeeded; outside of methods, at once. @throws outside of methods, what the work throws */
export async function afterSuccess(
  { onSuccess }: Pick<Call, "onSuccess">,
  work: () => Promise<void>,
): Promise<void> {
  if (onSuccess) onSuccess(work);
  else await work();
}

/** The caller, after its credential was verified. */
export type Caller =
  | { kind: "anonymous" }
  | { kind: "internal"; key: { name: string; methods?: readonly string[] | undefined } }
  | {
      kind: "user";
      userId: string;
      clientId: string;
      sessionId: string;
      /** When the user signed in, ISO. Known once the session was checked. */
      authTime?: string;
      /** How the user signed in. Known once the session was checked. */
      amr?: readonly string[];
      /** The account that the user chose for the session. Absent: the user's default account. */
      accountId?: string;
      /** What the user's roles allow. Read for methods that need a capability only. */
      rights?: Rights;
      /** The rights that the session lacks until it has the second factor that the app requires for them. `rights` is absent then. */
      withheld?: Rights;
      /** What the user may do in the account that the call is about. Read for methods with an account policy only. */
      account?: AccountRights;
    };

/**
 * The user of a call. Methods with the access `user` have no other callers.
 * @throws NestError access_denied
 */
export function userOf(caller: Caller): Extract<Caller, { kind: "user" }> {
  if (caller.kind === "user") return caller;
  throw new NestError("access_denied");
}

/** A user who calls a method about an account of which they are a member. */
export type MemberCaller = Extract<Caller, { kind: "user" }> & { account: AccountRights };

/**
 * The member of a call. Only methods with an account policy have one.
 * @throws NestError account_not_found
 */
export function memberOf(caller: Caller): MemberCaller {
  const { account, ...user } = userOf(caller);
  if (!account) throw new NestError("account_not_found");
  return { ...user, account };
}

/**
 * The user that a call is about: the user that it names, else its caller. An internal caller must name a user.
 * @throws NestError access_denied
 */
export function namedUserOf(caller: Caller, named: string | undefined): string {
  return named ?? userOf(caller).userId;
}

/** Time for a whole call: half a second less than the desktop app waits (contract 1.1). */
export const CALL_LIMIT_MS = 4500;

/** Time for a webhook. Stripe waits longer than the desktop app; the function's timeout is slightly above this. */
export const WEBHOOK_LIMIT_MS = 20_000;

/** Time for a redirect: a browser waits while Nest sends several requests to another service. */
export const REDIRECT_LIMIT_MS = 10_000;
