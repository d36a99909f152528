/**
 * Opens a challenge for a signed-in user, for calls that need a fresh sign-in or a second factor.
 *
 * Present one of `factors`, or a recovery code, with the grant `mfa`. The session then gets a new `auth_time` and `amr`. The challenge
 * works for 10 minutes and allows five codes.
 */
import { array, nullable, strictObject, string } from "zod/mini";
import { userOf } from "#core/call.ts";
import { NestError } from "#core/errors.ts";
import { openStepUp } from "#core/factors/step_up_challenge.ts";
import { challengeTokenToWire } from "#core/mfa/challenge.ts";
import { offeredToWire } from "#core/mfa/offered_factors.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ client_id: text() });
export const response = strictObject({
  mfa_token: string(),
  expires_at: string(),
  factors: array(strictObject({ id: string(), factor_type: string(), hint: nullable(string()) })),
});

export const handler = rpc({
  name: "create_mfa_challenge",
  version: "2026-12-01",
  summary: "Opens a challenge, with which a second factor makes the session fresh.",
  access: "user",
  request,
  response,
  errors: ["client_not_found", "grant_not_allowed", "incorrect_client", "mfa_not_enabled"],
  async run({ core, request: { client_id }, caller }) {
    const client = core.oauthClients.requireGrant(client_id, "mfa");
    const user = userOf(caller);
    if (user.clientId !== client.id) throw new NestError("incorrect_client");
    const { token, factors, expiresAt } = await openStepUp(core, client, user);
    return { mfa_token: challengeTokenToWire(token), expires_at: expiresAt, factors: offeredToWire(factors) };
  },
});
