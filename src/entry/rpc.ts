import middy from "@middy/core";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import type { ZodMiniType } from "zod/mini";
import { CALL_LIMIT_MS } from "#core/call.ts";
import { coreVariables, type OpenCore, openCore } from "#core/core.ts";
import type { NestError } from "#core/errors.ts";
import { countOfEvents, eventsSince } from "#core/events/recorded_count.ts";
import { describeFailure, type Fields } from "#core/log.ts";
import { readParameters } from "#core/parameters.ts";
import type { Version } from "#core/versions.ts";
import { policyOf } from "#entry/access.ts";
import { type AnswerContext, failure, type Result, success, toNestError } from "#entry/answer.ts";
import { COOKIES_SINCE, Cookies, noCookies } from "#entry/cookies.ts";
import { beforeDeadline, bindDeadline } from "#entry/deadline.ts";
import { CALLER_PARTS, type Parts, type RpcCore, type RpcDeclaration } from "#entry/declaration.ts";
import { type Deployed, type Handler, httpLambda, type Invocation, needsOf } from "#entry/lambda.ts";
import { openParts } from "#entry/open_parts.ts";
import { type CallInProgress, perform } from "#entry/perform.ts";
import { SuccessWork } from "#entry/success_work.ts";

/** A Lambda handler together with its method's declaration. */
export type RpcHandler = Deployed<Handler> & { declaration: RpcDeclaration };

/** Creates a method's Lambda handler from its declaration. @throws Error for a declaration without an access policy */
export function rpc<
  Request extends ZodMiniType,
  Response extends ZodMiniType | null,
  Needed extends Parts = Record<never, never>,
  Reads = undefined,
>(declaration: RpcDeclaration<Request, Response, Needed, Reads>): RpcHandler {
  const general = declaration as unknown as RpcDeclaration;
  policyOf(general.access);
  const handler = httpLambda(
    needsOf(coreVariables, CALLER_PARTS, declaration.parts ?? {}),
    (environment) => serveRpc(general, openCore(environment)),
    readParameters,
  );
  return Object.assign(handler, { declaration: general });
}

/**
 * Performs one call of a method and logs it.
 * @param cookies receives the cookies that the response sets; absent: the call has none
 * @param onlyClientId the client whose access tokens are accepted; absent: any
 * @returns the body of the response; undefined for 204
 * @throws NestError of the contract, whatever failed
 */
export type OpenMethod = (
  event: APIGatewayProxyEventV2,
  context: Invocation,
  cookies?: Cookies,
  onlyClientId?: string,
) => Promise<unknown>;

/** Opens a method with an opened core, for the handler of the method and for adapters. */
export function openMethod(declaration: RpcDeclaration, open: OpenCore): OpenMethod {
  const core = openMethodCore(declaration, open);
  return async (event, context, cookies = noCookies(event), onlyClientId) => {
    const startedAt = context.startedAt ?? Date.now();
    const countBefore = countOfEvents();
    const deadline = startedAt + CALL_LIMIT_MS * open.slowdown;
    open.mongo.trips.begin();
    const afterwards = new SuccessWork();
    const progress: CallInProgress = {
      core: bindDeadline(core, deadline),
      event,
      cookies,
      onlyClientId: onlyClientId ?? null,
      call: {
        requestId: context.awsRequestId,
        ip: event.requestContext.http.sourceIp,
        userAgent: event.requestContext.http.userAgent?.slice(0, 512) ?? null,
        version: versionOf(event),
        onSuccess: afterwards.add,
      },
      caller: { kind: "anonymous" },
      clientId: null,
    };
    const measures = () => ({
      ...{ duration_ms: Date.now() - startedAt, trips: open.mongo.trips.count },
      ...eventsSince(countBefore),
    });
    try {
      const body = await beforeDeadline(deadline, perform(declaration, progress));
      await afterwards.run(core.log, deadline);
      const status = body === undefined ? 204 : 200;
      core.log.info("call", { ...describeCall(declaration, progress), status, ...measures() });
      return body;
    } catch (error) {
      const known = toNestError(error);
      core.log[known.status >= 500 ? "error" : "info"]("call", {
        ...describeCall(declaration, progress),
        ...describeRefusal(known),
        ...measures(),
      });
      throw known;
    }
  };
}

/** The date in the path. API Gateway's routes have known dates only. */
const versionOf = ({ rawPath }: APIGatewayProxyEventV2) => rawPath.split("/")[2] as Version;

const openMethodCore = (declaration: RpcDeclaration, open: OpenCore): RpcCore<Parts> => ({
  ...openParts<Parts>(open, declaration.parts ?? {}),
  ...openParts(open, CALLER_PARTS),
});

/** Creates a method handler that uses an opened core. */
export function serveRpc(declaration: RpcDeclaration, open: OpenCore): Handler {
  const { clock, stage, oauthClients } = openMethodCore(declaration, open);
  const method = openMethod(declaration, open);
  return middy(async (event: APIGatewayProxyEventV2, context: Invocation): Promise<Result> => {
    const answer = (): AnswerContext => ({
      ...{ event, requestId: context.awsRequestId, now: clock.now(), stage, oauthClients },
    });
    try {
      const cookies = new Cookies(event, versionOf(event) >= COOKIES_SINCE);
      const body = await method(event, context, cookies);
      return success(answer(), body, { cookies: cookies.changes });
    } catch (error) {
      return failure(answer(), toNestError(error));
    }
  }) as unknown as Handler;
}

function describeCall({ name }: RpcDeclaration, { call, caller, clientId }: CallInProgress): Fields {
  return {
    method: name,
    version: call.version,
    code: null,
    request_id: call.requestId,
    caller: caller.kind,
    internal_key: caller.kind === "internal" ? caller.key.name : undefined,
    user_id: caller.kind === "user" ? caller.userId : null,
    client_id: clientId,
  };
}

function describeRefusal(error: NestError): Fields {
  return {
    status: error.status,
    code: error.code,
    // The reason a credential was refused: the log must distinguish a forged token from an expired one.
    reason: error.reasons?.[0]?.code ?? error.detail,
    ...(error.status >= 500 ? describeFailure(error.cause ?? error) : {}),
  };
}
