import middy from "@middy/core";
import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import { enum as oneOf } from "zod/mini";
import currentApp from "#app";
import { OAuthClients } from "#core/clients/oauth_clients.ts";
import { type Clock, systemClock } from "#core/clock.ts";
import { type Environment, readConfig } from "#core/config.ts";
import { NestError } from "#core/errors.ts";
import { createLog } from "#core/log.ts";
import { VERSIONS } from "#core/versions.ts";
import { type AnswerContext, failure, headerOf, success, toNestError } from "#entry/answer.ts";
import { type Handler, httpLambda, needsOf } from "#entry/lambda.ts";
import { JWKS_PATH, METADATA_PATH, REVOCATION_PATH } from "#entry/metadata.ts";

const unmatchedVariables = { STAGE: oneOf(["local", "nonprod", "prod"]) };

/** The API's `$default` route: /health, CORS preflights, and every path and HTTP method without a function (contract A7). */
export function serveUnmatched(
  environment: Environment,
  clock: Clock,
  write: (line: string) => void,
  app = currentApp,
): Handler {
  const config = readConfig(unmatchedVariables, environment);
  const oauthClients = new OAuthClients(app.clients, config.STAGE, app.urls.landing);
  const log = createLog(write, () => clock.now());
  return middy(async (event: APIGatewayProxyEventV2, context: Context) => {
    const answer: AnswerContext = {
      event,
      requestId: context.awsRequestId,
      now: clock.now(),
      stage: config.STAGE,
      oauthClients,
    };
    const { method } = event.requestContext.http;
    try {
      const { body, headers } = route(method, event.rawPath, headerOf(event, "origin"), oauthClients);
      return success(answer, body, { headers });
    } catch (error) {
      const known = toNestError(error);
      log.info("unmatched", {
        status: known.status,
        code: known.code,
        verb: method,
        request_id: answer.requestId,
      });
      const allow =
        known.code === "method_not_supported" ? { allow: String(known.meta?.allow ?? "POST") } : undefined;
      return failure(answer, known, allow);
    }
  }) as unknown as Handler;
}

interface Routed {
  body: unknown;
  headers?: Record<string, string>;
}

function route(verb: string, path: string, origin: string | null, oauthClients: OAuthClients): Routed {
  if (path === "/health") {
    requireVerb(verb, ["GET", "HEAD"]);
    return { body: { status: "ok" } };
  }
  if (path === JWKS_PATH || path === METADATA_PATH) requireVerb(verb, ["GET"]);
  if (path === REVOCATION_PATH) requireVerb(verb, ["POST"]);
  if (/^\/1\/oauth\/[^/]+\/callback$/.test(path)) requireVerb(verb, ["GET", "POST"]);
  const webhook = /^\/(\d)\/webhook\/(.*)$/s.exec(path);
  if (webhook) return refuseWebhook(verb, path, webhook[1] ?? "", webhook[2] ?? "");
  const call = /^\/(\d)\/([\d-]+)\/(.*)$/s.exec(path);
  if (!call) throw new NestError("not_found");
  const [, major, version = "", method] = call;
  if (verb === "OPTIONS") return { body: undefined, headers: preflight(origin, oauthClients) };
  requireVerb(verb, ["POST", "OPTIONS"]);
  requireMajor(major ?? "");
  if (method === "") throw new NestError("malformed_url", { meta: { path } });
  if (!(VERSIONS as readonly string[]).includes(version)) throw new NestError("version_not_supported");
  throw new NestError("not_found");
}

function refuseWebhook(verb: string, path: string, major: string, provider: string): never {
  requireVerb(verb, ["POST"]);
  requireMajor(major);
  if (provider === "") throw new NestError("malformed_url", { meta: { path } });
  throw new NestError("unknown_webhook_provider");
}

function requireMajor(major: string): void {
  if (major !== "1") throw new NestError("unknown_version", { meta: { supported_version: "1" } });
}

function requireVerb(verb: string, allowed: readonly string[]): void {
  if (!allowed.includes(verb))
    throw new NestError("method_not_supported", { meta: { allow: allowed.join(", ") } });
}

/** CORS headers for an enabled client's origin. The gateway's own CORS support is not used (contract 1.1, A10). */
function preflight(origin: string | null, oauthClients: OAuthClients): Record<string, string> {
  if (origin === null || !oauthClients.allowsOrigin(origin)) return {};
  return {
    "access-control-allow-methods": "HEAD, OPTIONS, POST",
    "access-control-allow-headers": "authorization, content-type",
    "access-control-max-age": "86400",
  };
}

/** The Lambda handler of `$default`. */
export const handler = httpLambda(needsOf(unmatchedVariables), (environment) =>
  serveUnmatched(environment, systemClock, (line) => process.stdout.write(`${line}\n`)),
);
