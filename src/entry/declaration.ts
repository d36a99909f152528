import type { output, ZodMiniType } from "zod/mini";
import type { Call, Caller } from "#core/call.ts";
import type { AccountCapability, PlatformCapability } from "#core/capabilities.ts";
import type { Core, Part } from "#core/core.ts";
import type { ErrorCode } from "#core/errors.ts";
import { internalKeys, issuer, oauthClients, verifyingKeys } from "#core/parts.ts";
import type { Version } from "#core/versions.ts";
import type { Cookies } from "#entry/cookies.ts";

/**
 * Who may call a method. `public`: anyone. `own_user`: the user named in `user_id`, any user if the method's `user_id` is
 * optional and absent, or an internal caller. `user`: the user of the access token. `internal`: internal callers only.
 * `fresh_own_user`: as `own_user`, and a user must have signed in within the last 10 minutes. `cap:<capability>`: a user whose
 * roles have the capability, or an internal caller. `own_user|cap:<capability>`: either of them. `fresh|cap:<capability>`: as
 * `cap:<capability>`, and a user must have signed in within the last 10 minutes. `acct`: a member of the account that
 * `account_id` names, or else of the account in which the user acts. `acct:<capability>`: a member whose role in it has the
 * capability. `own_user|acct:<capability>`: such a member, or any member who is the user named in `user_id`.
 * `own_user|acct:<capability>|cap:<capability>`: the user named in `user_id`, or any user if the request names neither a user nor an
 * account; a member with the capability, if it names the account; anybody with the capability of the platform, or an internal caller.
 *
 * A declaration without an access does not compile, and `rpc` refuses a text that is none of these: nothing is allowed by default.
 */
export type Access =
  | "public"
  | "own_user"
  | "fresh_own_user"
  | "user"
  | "internal"
  | `${"" | "own_user|" | "fresh_own_user|" | "fresh|"}cap:${PlatformCapability}`
  | "acct"
  | `${"" | "own_user|"}acct:${AccountCapability}`
  | `own_user|acct:${AccountCapability}|cap:${PlatformCapability}`;

export type Parts = Readonly<Record<string, Part<unknown>>>;
export type OpenedParts<Needed extends Parts> = {
  [Name in keyof Needed]: Needed[Name] extends Part<infer Opened> ? Opened : never;
};

/** Parts that authenticate a caller. Every method has them without declaring them. */
export const CALLER_PARTS = { internalKeys, issuer, oauthClients, verifyingKeys };

/** The core of a method together with its declared parts. */
export type RpcCore<Needed extends Parts = Record<never, never>> = Core &
  OpenedParts<typeof CALLER_PARTS> &
  OpenedParts<Needed>;

/** The declaration of one versioned method. Routes, docs, roles and checks are derived from it. */
export interface RpcDeclaration<
  Request extends ZodMiniType = ZodMiniType,
  Response extends ZodMiniType | null = ZodMiniType | null,
  Needed extends Parts = Parts,
  Reads = unknown,
> {
  name: string;
  /** The date that introduced this form of the method. */
  version: Version;
  /** One sentence for the reference. */
  summary: string;
  access: Access;
  /** For a `public` method that does more for a signed-in user: the access token may be in a cookie, as for other methods. */
  recognizesUser?: boolean;
  request: Request;
  /** Treats a missing body as `{}`. */
  isBodyOptional?: boolean;
  /** The schema of the 200 response's body; null if the method returns 204. */
  response: Response;
  /** Error codes in addition to `COMMON_ERRORS`. */
  errors: readonly ErrorCode[];
  parts?: Needed;
  /** Reads that run concurrently with the credential check. Their results are discarded if it fails. */
  reads?(asked: { core: RpcCore<Needed>; request: output<Request>; caller: Caller }): Promise<Reads>;
  run(asked: {
    core: RpcCore<Needed>;
    request: output<Request>;
    reads: Reads;
    caller: Caller;
    call: Call;
    cookies: Cookies;
  }): Promise<Response extends ZodMiniType ? output<Response> : void>;
}
