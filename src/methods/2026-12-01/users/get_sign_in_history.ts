/**
 * Returns what happened to a user's links, codes, sessions and mails, the newest first, and what keeps the user from signing in now.
 *
 * For support staff, who learn why a user is signed out or can't sign in: needs the capability `users.read`. Links and sessions are kept
 * for 30 days after they end, codes for 7 days. Failed sign-ins of 30 days have their cause.
 * A sign-in that lacked its second factor (`second_factor_missing`, `second_factor_required`) is listed for 7 days. A mail that was returned (`mail_returned`)
 * did not arrive. `address` in place of `user_id` also finds what was sent to an address that no user has, such as that of a person who
 * registered and verified nothing. The [audit log](audit.md) has who changed what.
 */
import {
  array,
  int,
  maximum,
  minimum,
  nullable,
  enum as oneOf,
  optional,
  strictObject,
  string,
} from "zod/mini";
import { BLOCK_CODES } from "#core/administration/sign_in_blocks.ts";
import { readOwner, readSignInHistory, readSubject } from "#core/administration/sign_in_history.ts";
import { rateLimiter } from "#core/parts.ts";
import { invalidBody, text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

const DEFAULT_LIMIT = 50;

export const request = strictObject({
  user_id: optional(text()),
  address: optional(text(254)),
  limit: optional(int().check(minimum(1), maximum(100))),
});
export const response = strictObject({
  user_id: nullable(string()),
  events: array(
    strictObject({
      ...{ code: string(), at: string(), about: string(), text: string() },
      ...{ user_agent: nullable(string()), user_id: nullable(string()) },
    }),
  ),
  blocks: array(
    strictObject({ code: oneOf(BLOCK_CODES), about: string(), until: nullable(string()), text: string() }),
  ),
});

export const handler = rpc({
  name: "get_sign_in_history",
  version: "2026-12-01",
  summary:
    "Returns what happened to a user's links, codes, sessions and mails, and what keeps the user from signing in.",
  access: "cap:users.read",
  request,
  response,
  errors: ["reauthentication_required", "invalid_email", "user_not_found"],
  parts: { rateLimiter },
  async reads({ core, request: { user_id, address } }) {
    if ((user_id === undefined) === (address === undefined))
      throw invalidBody("needs either user_id or address");
    return user_id === undefined ? readOwner(core, address ?? "") : readSubject(core, user_id);
  },
  async run({ core, request: { limit = DEFAULT_LIMIT }, reads: subject }) {
    const { events, blocks } = await readSignInHistory(core, subject, limit);
    return {
      user_id: subject.user?._id ?? null,
      events: events.map(({ code, at, about, what, userAgent = null, userId = null }) => ({
        ...{ code, at, about, text: what, user_agent: userAgent, user_id: userId },
      })),
      blocks: blocks.map(({ code, about, until, what }) => ({ code, about, until, text: what })),
    };
  },
});
