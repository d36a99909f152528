/**
 * Erases users 30 days after they were deleted, and completes deletions that stopped. Only EventBridge has permission to invoke
 * this function.
 */
import { eraseDeletedUsers } from "#core/administration/erase_deleted.ts";
import { personalDocuments, stripe } from "#core/parts.ts";
import { job } from "#entry/job.ts";

export const handler = job({
  name: "erase_deleted_users",
  summary: "Erases users 30 days after they were deleted, and completes deletions that stopped.",
  // A deletion that stopped keeps its addresses until the next run.
  schedule: "rate(1 hour)",
  limitSeconds: 300,
  parts: { personalDocuments, stripe },
  run: ({ core, deadline }) => eraseDeletedUsers(core, deadline),
});
