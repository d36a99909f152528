import type { Db } from "mongodb";
import { systemClock } from "#core/clock.ts";
import type { AccountCore } from "#core/personal_data/personal_data.ts";
import { AccessTokenRepository } from "#core/repositories/access_tokens.ts";
import { AuthorizationRepository } from "#core/repositories/authorizations.ts";
import { IdentifierRepository } from "#core/repositories/identifiers.ts";
import { MailEventRepository } from "#core/repositories/mail_events.ts";
import { MarketingConsentRepository } from "#core/repositories/marketing_consents.ts";
import { ProviderMappingRepository } from "#core/repositories/provider_mappings.ts";
import { RefreshTokenRepository } from "#core/repositories/refresh_tokens.ts";
import { SessionRepository } from "#core/repositories/sessions.ts";
import { SubscriptionRepository } from "#core/repositories/subscriptions.ts";
import { TrialRepository } from "#core/repositories/trials.ts";
import { UserRepository } from "#core/repositories/users.ts";
import { onDatabase } from "#tools/operator/on_database.ts";
import type { Terminal } from "#tools/terminal/command.ts";

/** Does a command's work on people's accounts. It needs the database and no key. */
export function withAccounts<Result>(
  terminal: Terminal,
  work: (core: AccountCore) => Promise<Result>,
): Promise<Result> {
  return onDatabase(terminal, (database) => work(accountCore(database)));
}

function accountCore(database: Db): AccountCore {
  return {
    clock: systemClock,
    accessTokens: new AccessTokenRepository(database),
    authorizations: new AuthorizationRepository(database),
    identifiers: new IdentifierRepository(database),
    mailEvents: new MailEventRepository(database),
    marketingConsents: new MarketingConsentRepository(database),
    providerMappings: new ProviderMappingRepository(database),
    refreshTokens: new RefreshTokenRepository(database),
    sessions: new SessionRepository(database),
    subscriptions: new SubscriptionRepository(database),
    trials: new TrialRepository(database),
    users: new UserRepository(database),
  };
}
