/** Returns the marketing consent level that a user chose. */
import { enum as oneOf, strictObject } from "zod/mini";
import { requireConsent } from "#core/users/marketing_consent.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ user_id: text() });
export const response = strictObject({ level: oneOf(["none", "general"]) });

export const handler = rpc({
  name: "get_marketing_consent",
  version: "2020-12-14",
  summary: "Returns the marketing consent level that a user chose.",
  access: "own_user",
  request,
  response,
  errors: ["not_found", "awaiting_consent"],
  async reads({ core, request: { user_id } }) {
    const [user, consent] = await Promise.all([
      core.users.find(user_id),
      core.marketingConsents.findByUser(user_id),
    ]);
    return { user, consent };
  },
  async run({ reads: { user, consent } }) {
    return { level: requireConsent(user, consent) };
  },
});
