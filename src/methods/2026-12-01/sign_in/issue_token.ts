/**
 * Issues an access token for a user without a sign-in, so that tests need no SMS and no mail.
 *
 * Internal callers only, and never in production. The token has no refresh token, and its session ends with it. Its `amr` is
 * `test`. It counts as no sign-in: no trial starts, and no mail is sent. Not idempotent: each call starts a session.
 */
import { array, int, literal, maximum, minimum, number, optional, strictObject, string } from "zod/mini";
import { signer } from "#core/parts.ts";
import { issueTestToken } from "#core/sign_in/test_token.ts";
import { namedDevice, readCodeDevice } from "#core/verifications/code_device.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

/** Seconds. A client's tokens live no longer either. */
const LONGEST = 864_000;

export const request = strictObject({
  client_id: text(),
  user_id: text(),
  device: namedDevice,
  lifetime: optional(int().check(minimum(1), maximum(LONGEST))),
});

export const response = strictObject({
  access_token: string(),
  token_type: literal("bearer"),
  expires_in: number(),
  expires_at: string(),
  user_id: string(),
  client_id: string(),
  session_id: string(),
  auth_time: string(),
  amr: array(string()),
});

export const handler = rpc({
  name: "issue_token",
  version: "2026-12-01",
  summary: "Issues an access token for a user without a sign-in, for tests.",
  access: "internal",
  request,
  response,
  errors: ["method_disabled", "client_not_found", "user_not_found"],
  parts: { signer },
  async run({ core, request: asked, caller, call }) {
    const { client_id, user_id, lifetime, device } = asked;
    const wanted = {
      ...{ clientId: client_id, userId: user_id, lifetimeSeconds: lifetime },
      ...{ device: readCodeDevice(device).device, deviceId: device.device_id },
    };
    const token = await issueTestToken(core, wanted, caller, call);
    return {
      access_token: token.accessToken,
      token_type: "bearer" as const,
      expires_in: token.expiresIn,
      expires_at: token.expiresAt,
      ...{ user_id, client_id, session_id: token.sessionId },
      ...{ auth_time: token.authTime, amr: [...token.amr] },
    };
  },
});
