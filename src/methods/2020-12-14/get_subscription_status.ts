/** Returns 204 while the caller has a usable subscription. Never calls Stripe. */
import { optional, strictObject } from "zod/mini";
import { readOwner, recordUnpaidUse } from "#core/billing/subscriptions/owner.ts";
import { recordHeartbeat, requireTrialAccess } from "#core/billing/trials/trial_access.ts";
import { NestError } from "#core/errors.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ user_id: optional(text()) });

export const handler = rpc({
  name: "get_subscription_status",
  version: "2020-12-14",
  summary: "Checks that the caller has a usable subscription.",
  access: "own_user",
  request,
  isBodyOptional: true,
  response: null,
  errors: ["no_active_subscription"],
  async reads({ core, request: { user_id }, caller }) {
    const userId = caller.kind === "user" ? caller.userId : user_id;
    if (userId === undefined) throw new NestError("access_denied");
    return readOwner(core, userId);
  },
  async run({ core, reads, caller }) {
    const now = core.clock.now();
    const found = await requireTrialAccess(core, reads, { caller, now, isUse: false });
    if (caller.kind !== "user") return;
    await Promise.all([recordHeartbeat(core, found, now), recordUnpaidUse(core, found.access, now)]);
  },
});
