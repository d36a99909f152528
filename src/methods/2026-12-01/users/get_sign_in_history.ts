/**
 * Returns what happened to a user's links, codes, sessions and mails, the newest first.
 *
 * For support staff, who learn why a user is signed out or why a link does not work: needs the capability `users.read`. Links and sessions
 * are kept for 30 days after they end, codes for 7 days. A mail that was returned (`mail_returned`) did not arrive. The [audit
 * log](audit.md) has who changed what.
 */
import { array, int, maximum, minimum, optional, strictObject, string } from "zod/mini";
import { readSignInHistory, readSubject } from "#core/administration/sign_in_history.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

const DEFAULT_LIMIT = 50;

export const request = strictObject({
  user_id: text(),
  limit: optional(int().check(minimum(1), maximum(100))),
});
export const response = strictObject({
  events: array(strictObject({ code: string(), at: string(), about: string(), text: string() })),
});

export const handler = rpc({
  name: "get_sign_in_history",
  version: "2026-12-01",
  summary: "Returns what happened to a user's links, codes, sessions and mails, the newest first.",
  access: "cap:users.read",
  request,
  response,
  errors: ["user_not_found"],
  reads: ({ core, request: { user_id } }) => readSubject(core, user_id),
  async run({ core, request: { user_id, limit = DEFAULT_LIMIT }, reads: identifiers }) {
    const events = await readSignInHistory(core, user_id, identifiers, limit);
    return { events: events.map(({ code, at, about, what }) => ({ code, at, about, text: what })) };
  },
});
