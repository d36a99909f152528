import type { output, ZodMiniType } from "zod/mini";
import type { Call, Caller } from "#core/call.ts";
import type { Core, Part } from "#core/core.ts";
import type { ErrorCode } from "#core/errors.ts";
import { internalKeyHashes, issuer, oauthClients, verifyingKeys } from "#core/parts.ts";
import type { Version } from "#core/versions.ts";

/**
 * Who may call: `public` anyone; `own_user` the bearer of the user named in `user_id` (or of any, where the method can do
 * without `user_id`), or an internal caller; `internal` an internal caller only.
 */
export type Access = "public" | "own_user" | "internal";

export type Parts = Readonly<Record<string, Part<unknown>>>;
export type OpenedParts<Needed extends Parts> = {
  [Name in keyof Needed]: Needed[Name] extends Part<infer Opened> ? Opened : never;
};

/** What the door itself uses to know a caller; a method has them without naming them. */
export const CALLER_PARTS = { internalKeyHashes, issuer, oauthClients, verifyingKeys };

/** The core of a method, with the parts that it names. */
export type RpcCore<Needed extends Parts = Record<never, never>> = Core &
  OpenedParts<typeof CALLER_PARTS> &
  OpenedParts<Needed>;

/** Everything there is to say of one versioned method; routes, docs and checks are derived from it. */
export interface RpcDeclaration<
  Request extends ZodMiniType = ZodMiniType,
  Response extends ZodMiniType | null = ZodMiniType | null,
  Needed extends Parts = Parts,
  Reads = unknown,
> {
  name: string;
  /** The date that introduced this form of the method. */
  version: Version;
  /** One line for people. */
  summary: string;
  access: Access;
  request: Request;
  /** A call without a body is one with `{}`. */
  isBodyOptional?: boolean;
  /** The schema of a 200's body; null where the answer is 204. */
  response: Response;
  /** Codes of its own, beside those any call can have. */
  errors: readonly ErrorCode[];
  parts?: Needed;
  /** Reads that may run beside the check of the credential; their results are dropped if it fails. */
  reads?(asked: { core: RpcCore<Needed>; request: output<Request>; caller: Caller }): Promise<Reads>;
  run(asked: {
    core: RpcCore<Needed>;
    request: output<Request>;
    reads: Reads;
    caller: Caller;
    call: Call;
  }): Promise<Response extends ZodMiniType ? output<Response> : void>;
}
