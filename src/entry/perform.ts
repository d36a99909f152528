import type { APIGatewayProxyEventV2 } from "aws-lambda";
import type { Call, Caller } from "#core/call.ts";
import { describeFailure } from "#core/log.ts";
import { lacksSecondFactor } from "#core/mfa/policy.ts";
import { unauthorized } from "#core/sessions/access_token.ts";
import { requireValidToken, type ValidToken } from "#core/sessions/bearer.ts";
import { callerWith, readRights } from "#core/sessions/caller_rights.ts";
import { neededRights, requireAccess, requireRights } from "#entry/access.ts";
import { headerOf } from "#entry/answer.ts";
import { authenticateCaller, requirePermission } from "#entry/authenticate_caller.ts";
import type { Cookies } from "#entry/cookies.ts";
import type { Parts, RpcCore, RpcDeclaration } from "#entry/declaration.ts";
import { readJson } from "#entry/read_body.ts";
import { validate } from "#entry/validation.ts";

/** One call while it is performed. The log line reports what is known of it when it ends. */
export interface CallInProgress {
  core: RpcCore<Parts>;
  event: APIGatewayProxyEventV2;
  call: Call;
  cookies: Cookies;
  /** The client whose access tokens are accepted; null: any. */
  onlyClientId: string | null;
  caller: Caller;
  /** The client of the caller's token, else the known client that the request names. */
  clientId: string | null;
}

/**
 * Performs one call in the contract's order: credential, body, JSON, schema, access policy, then the method (contract
 * 1.1). Declared reads run concurrently with the check of the token's record and session; the method runs only after
 * that check has passed.
 * @param progress receives the caller and the client id as they become known
 * @returns the body of the response
 * @throws NestError of the first failed check, and whatever the method throws
 */
export async function perform(declaration: RpcDeclaration, progress: CallInProgress): Promise<unknown> {
  const { core, event, call, cookies } = progress;
  const { caller, claims } = await authenticateCaller(core, {
    header: headerOf(event, "authorization"),
    cookies:
      ["public", "internal"].includes(declaration.access) && !declaration.recognizesUser ? null : cookies,
    isOptional: declaration.access === "public",
  });
  progress.caller = caller;
  if (caller.kind === "user" && progress.onlyClientId && caller.clientId !== progress.onlyClientId)
    throw unauthorized("token_not_found");
  requirePermission(caller, declaration.name);
  if (caller.kind === "user") progress.clientId = caller.clientId;

  const admitted = admit(declaration, event, caller);
  const reading = admitted.then((request) => declaration.reads?.({ core, request, caller }));
  const [standing, read] = await Promise.all([
    claims ? requireValidToken(core, claims) : null,
    claims ? readRights(core, neededRights(declaration.access), claims.userId) : null,
    Promise.allSettled([reading]),
  ]);
  if (standing && read) {
    const asked = await admitted.catch(() => ({}));
    progress.caller = callerWith(
      caller,
      { ...standing, ...read, lacksFactor: lacksFactor(core, caller, standing) },
      asked,
    );
  }
  const run = async () => {
    const request = await admitted;
    requireRights(declaration.access, progress.caller, request, core.clock.now());
    const reads = await reading;
    progress.clientId ??= knownClientOf(core, request);
    return declaration.run({ core, request, reads, caller: progress.caller, call, cookies });
  };
  // The arrival of a valid token is recorded even if its call fails: the token it replaced must not be accepted again.
  const acknowledging = standing?.acknowledge?.().catch((error: unknown) => {
    core.log.warn("acknowledgement_failed", { request_id: call.requestId, ...describeFailure(error) });
  });
  const [result] = await Promise.allSettled([run(), acknowledging]);
  if (result.status === "rejected") throw result.reason;
  return result.value;
}

/** Reads and validates the request, then checks the access policy. */
async function admit(
  declaration: RpcDeclaration,
  event: APIGatewayProxyEventV2,
  caller: Caller,
): Promise<unknown> {
  const body = readJson(event, { isOptional: declaration.isBodyOptional === true });
  const request = validate(declaration.request, body);
  requireAccess(declaration.access, caller, request);
  return request;
}

/** Whether a session lacks the second factor that the app requires for the rights of platform roles. */
function lacksFactor({ oauthClients }: RpcCore<Parts>, caller: Caller, { user, amr }: ValidToken): boolean {
  return (
    caller.kind === "user" && lacksSecondFactor(oauthClients.list(), { clientId: caller.clientId, user, amr })
  );
}

/** A caller can name any client; only the id of a known one is logged. */
function knownClientOf(core: RpcCore<Parts>, request: unknown): string | null {
  const { client_id: named } = request as { client_id?: unknown };
  return typeof named === "string" ? (core.oauthClients.find(named)?.id ?? null) : null;
}
