/** Records the marketing consent level that a user chooses. Idempotent. Every change is kept as a record. */
import { enum as oneOf, strictObject } from "zod/mini";
import { setMarketingConsent } from "#core/users/marketing_consent.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ user_id: text(), level: oneOf(["none", "general"]) });

export const handler = rpc({
  name: "set_marketing_consent",
  version: "2020-12-14",
  summary: "Records the marketing consent level that a user chooses.",
  access: "own_user",
  request,
  response: null,
  errors: ["not_found"],
  async reads({ core, request: { user_id } }) {
    const [user, current] = await Promise.all([
      core.users.find(user_id),
      core.marketingConsents.findByUser(user_id),
    ]);
    return { user, current };
  },
  async run({ core, request: { level }, reads, caller, call }) {
    await setMarketingConsent(core, reads, { level, caller, call });
  },
});
