import middy from "@middy/core";
import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import { enum as oneOf } from "zod/mini";
import currentApp from "#app";
import { OAuthClients } from "#core/clients/oauth_clients.ts";
import { type Clock, systemClock } from "#core/clock.ts";
import { type Environment, readConfig } from "#core/config.ts";
import { publicSet, verifyingKeyVariables } from "#core/keys/signing_keys.ts";
import { readParameters } from "#core/parameters.ts";
import { success } from "#entry/answer.ts";
import { type Handler, httpLambda, needsOf } from "#entry/lambda.ts";

const jwksVariables = {
  STAGE: oneOf(["local", "nonprod", "prod"]),
  ...verifyingKeyVariables,
};

/** `GET /.well-known/jwks.json`: the public keys that verify our tokens now or soon will (RFC 7517). */
export function serveJwks(environment: Environment, clock: Clock, app = currentApp): Handler {
  const config = readConfig(jwksVariables, environment);
  const oauthClients = new OAuthClients(app.clients, config.STAGE, app.urls.landing);
  return middy(async (event: APIGatewayProxyEventV2, context: Context) => {
    const now = clock.now();
    return success(
      { event, requestId: context.awsRequestId, now, stage: config.STAGE, oauthClients },
      publicSet(config.SIGNING_KEYS, now),
      { headers: { "cache-control": "public, max-age=300" } },
    );
  }) as unknown as Handler;
}

/** The Lambda handler of the JWKS route. */
export const handler = httpLambda(
  needsOf(jwksVariables),
  (environment) => serveJwks(environment, systemClock),
  readParameters,
);
