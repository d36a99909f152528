/**
 * Ends the session that a mail about a new device is about, and forgets its device.
 *
 * Everybody who has the token of the mail may call it, for 7 days. The page behind the link calls it when the person
 * presses the button, so that a program that opens links ends no session. Calling it again returns the same time.
 */
import { strictObject, string } from "zod/mini";
import { disownSession } from "#core/sessions/disown.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ token: text() });
export const response = strictObject({ revoked_at: string() });

export const handler = rpc({
  name: "disown_session",
  version: "2026-12-01",
  summary: "Ends the session that a mail about a new device is about.",
  access: "public",
  request,
  response,
  errors: ["verification_not_found"],
  async run({ core, request: { token }, call }) {
    return { revoked_at: await disownSession(core, token, call) };
  },
});
