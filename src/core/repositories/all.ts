import type { Db } from "mongodb";
import { AccessTokenRepository } from "#core/repositories/access_tokens.ts";
import { AccountMemberRepository } from "#core/repositories/account_members.ts";
import { AccountRepository } from "#core/repositories/accounts.ts";
import { AdminGuardRepository } from "#core/repositories/admin_guards.ts";
import { AuditLogRepository } from "#core/repositories/audit_logs.ts";
import { AuthorizationRepository } from "#core/repositories/authorizations.ts";
import { CheckoutRepository } from "#core/repositories/checkouts.ts";
import { IdentifierRepository } from "#core/repositories/identifiers.ts";
import { LimitWindowsRepository } from "#core/repositories/limit_windows.ts";
import { MailEventRepository } from "#core/repositories/mail_events.ts";
import { MarketingConsentRepository } from "#core/repositories/marketing_consents.ts";
import { MfaChallengeRepository } from "#core/repositories/mfa_challenges.ts";
import { MfaFactorRepository } from "#core/repositories/mfa_factors.ts";
import { NewsItemRepository } from "#core/repositories/news_items.ts";
import { OAuthIdentityRepository } from "#core/repositories/oauth_identities.ts";
import { OAuthStateRepository } from "#core/repositories/oauth_states.ts";
import { PasskeyChallengeRepository } from "#core/repositories/passkey_challenges.ts";
import { PasswordRepository } from "#core/repositories/passwords.ts";
import { PendingIdentifierRepository } from "#core/repositories/pending_identifiers.ts";
import { ProviderMappingRepository } from "#core/repositories/provider_mappings.ts";
import { RecoveryCodesRepository } from "#core/repositories/recovery_codes.ts";
import { RefreshTokenRepository } from "#core/repositories/refresh_tokens.ts";
import type { RepositoryClass } from "#core/repositories/repository.ts";
import { RoleRepository } from "#core/repositories/roles.ts";
import { SessionRepository } from "#core/repositories/sessions.ts";
import { StripeEventRepository } from "#core/repositories/stripe_events.ts";
import { SubscriptionRepository } from "#core/repositories/subscriptions.ts";
import { TrialRepository } from "#core/repositories/trials.ts";
import { UserRepository } from "#core/repositories/users.ts";
import { VerificationRepository } from "#core/repositories/verifications.ts";
import { WebhookDeliveryRepository } from "#core/repositories/webhook_deliveries.ts";
import { WebhookMessageRepository } from "#core/repositories/webhook_messages.ts";
import { WebhookRepository } from "#core/repositories/webhooks.ts";

/**
 * Every repository, by its name in `Core`. This is the only list: `Core`, index setup, dump and load, export and erasure,
 * the operator's commands and the data model page derive from it.
 *
 * A collection is listed after the collections that its documents refer to. A load writes in this order. A dump reads,
 * and an erasure removes, in the reverse order, so that no document is left without the document it refers to. Only what
 * is `isErasedFirst` is erased before the others.
 *
 * `auditLogs` precedes every collection with an outbox. So a dump reads it after them: an event that is moved meanwhile is in
 * the dump once or twice, and the job stores it once. `webhookDeliveries` and `webhookMessages` precede `auditLogs` for the same
 * reason: a row is announced to webhooks once, or once more by the loaded deployment.
 */
export const REPOSITORIES = {
  newsItems: NewsItemRepository,
  webhookMessages: WebhookMessageRepository,
  webhookDeliveries: WebhookDeliveryRepository,
  auditLogs: AuditLogRepository,
  webhooks: WebhookRepository,
  roles: RoleRepository,
  adminGuards: AdminGuardRepository,
  users: UserRepository,
  accounts: AccountRepository,
  accountMembers: AccountMemberRepository,
  identifiers: IdentifierRepository,
  oauthIdentities: OAuthIdentityRepository,
  passwords: PasswordRepository,
  mfaFactors: MfaFactorRepository,
  recoveryCodes: RecoveryCodesRepository,
  pendingIdentifiers: PendingIdentifierRepository,
  marketingConsents: MarketingConsentRepository,
  providerMappings: ProviderMappingRepository,
  subscriptions: SubscriptionRepository,
  trials: TrialRepository,
  checkouts: CheckoutRepository,
  stripeEvents: StripeEventRepository,
  mailEvents: MailEventRepository,
  sessions: SessionRepository,
  mfaChallenges: MfaChallengeRepository,
  passkeyChallenges: PasskeyChallengeRepository,
  verifications: VerificationRepository,
  authorizations: AuthorizationRepository,
  oauthStates: OAuthStateRepository,
  refreshTokens: RefreshTokenRepository,
  accessTokens: AccessTokenRepository,
  limitWindows: LimitWindowsRepository,
} satisfies Record<string, RepositoryClass>;

/** One repository of each class. */
export type Repositories = {
  [Name in keyof typeof REPOSITORIES]: InstanceType<(typeof REPOSITORIES)[Name]>;
};

/** Opens every repository on a database. It sends no command. */
export function openRepositories(database: Db): Repositories {
  const opened = Object.entries(REPOSITORIES).map(([name, Repository]) => [name, new Repository(database)]);
  return Object.fromEntries(opened);
}
