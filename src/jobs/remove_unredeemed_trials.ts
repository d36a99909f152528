/**
 * Removes trials that nobody redeemed, 30 days after they ran out, with what they left at Stripe (contract 1.7). Only
 * EventBridge has permission to invoke this function.
 */
import { removeUnredeemedTrials } from "#core/billing/trials/remove_unredeemed.ts";
import { billing, stripe } from "#core/parts.ts";
import { job } from "#entry/job.ts";

export const handler = job({
  name: "remove_unredeemed_trials",
  summary: "Removes trials that nobody redeemed, 30 days after they ran out.",
  // At night in Europe, and not at a full hour.
  schedule: "cron(17 2 * * ? *)",
  limitSeconds: 300,
  parts: { billing, stripe },
  async run({ core, deadline }) {
    const { removed, pending, failed } = await removeUnredeemedTrials(core, deadline);
    return { done: removed.length, pending: pending.length, failed: failed.length };
  },
});
