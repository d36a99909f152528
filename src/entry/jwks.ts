import middy from "@middy/core";
import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import { enum as oneOf } from "zod/mini";
import currentApp from "#app";
import { OAuthClients } from "#core/clients/oauth_clients.ts";
import { type Clock, systemClock } from "#core/clock.ts";
import { type Environment, readConfig } from "#core/config.ts";
import { publicSet, verifyingKeyVariables } from "#core/keys/signing_keys.ts";
import { readParameters } from "#core/parameters.ts";
import { issuerVariables } from "#core/sessions/access_token.ts";
import { success } from "#entry/answer.ts";
import { type Handler, httpLambda, needsOf } from "#entry/lambda.ts";
import { authorizationServerMetadata, JWKS_PATH, METADATA_PATH } from "#entry/metadata.ts";

const jwksVariables = {
  STAGE: oneOf(["local", "nonprod", "prod"]),
  ...issuerVariables,
  ...verifyingKeyVariables,
};

/** The routes of the function. */
export const JWKS_ROUTES = [`GET ${JWKS_PATH}`, `GET ${METADATA_PATH}`] as const;

/**
 * Serves what a program needs to verify our tokens: the public keys that verify them now or soon will (RFC 7517), and the metadata
 * that names the keys and the issuer (RFC 8414).
 */
export function serveJwks(environment: Environment, clock: Clock, app = currentApp): Handler {
  const config = readConfig(jwksVariables, environment);
  const oauthClients = new OAuthClients(app.clients, config.STAGE, app.urls.landing);
  const metadata = authorizationServerMetadata(config.ISSUER);
  return middy(async (event: APIGatewayProxyEventV2, context: Context) => {
    const now = clock.now();
    return success(
      { event, requestId: context.awsRequestId, now, stage: config.STAGE, oauthClients },
      event.rawPath === METADATA_PATH ? metadata : publicSet(config.SIGNING_KEYS, now),
      { headers: { "cache-control": "public, max-age=300" } },
    );
  }) as unknown as Handler;
}

/** The Lambda handler of the routes. */
export const handler = httpLambda(
  needsOf(jwksVariables),
  (environment) => serveJwks(environment, systemClock),
  readParameters,
);
