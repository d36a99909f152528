import { completeSubscriptions } from "#tools/migrations/complete_subscriptions.ts";
import { giveUsersAccounts } from "#tools/migrations/give_accounts.ts";
import { keepImportedSubscriptions } from "#tools/migrations/keep_imported_subscriptions.ts";
import type { Migration } from "#tools/migrations/migration.ts";
import { recordUsedTrials } from "#tools/migrations/record_used_trials.ts";
import { shortenTokenRetention } from "#tools/migrations/shorten_token_retention.ts";

/** Every migration, in the order in which they are applied. */
export const MIGRATIONS: readonly Migration[] = [
  keepImportedSubscriptions,
  completeSubscriptions,
  recordUsedTrials,
  shortenTokenRetention,
  giveUsersAccounts,
];
