import { enum as oneOf } from "zod/mini";
import { type Clock, systemClock } from "#core/clock.ts";
import { type Environment, readConfig, type Variables } from "#core/config.ts";
import { createLog, type Log } from "#core/log.ts";
import { AccessTokenRepository } from "#core/repositories/access_tokens.ts";
import { AuthorizationRepository } from "#core/repositories/authorizations.ts";
import { IdentifierRepository } from "#core/repositories/identifiers.ts";
import { MailEventRepository } from "#core/repositories/mail_events.ts";
import { MarketingConsentRepository } from "#core/repositories/marketing_consents.ts";
import { NewsItemRepository } from "#core/repositories/news_items.ts";
import { ProviderMappingRepository } from "#core/repositories/provider_mappings.ts";
import { RefreshTokenRepository } from "#core/repositories/refresh_tokens.ts";
import { SessionRepository } from "#core/repositories/sessions.ts";
import { StripeEventRepository } from "#core/repositories/stripe_events.ts";
import { SubscriptionRepository } from "#core/repositories/subscriptions.ts";
import { TrialRepository } from "#core/repositories/trials.ts";
import { UserRepository } from "#core/repositories/users.ts";
import { type Mongo, mongoVariables, openMongo } from "#core/services/mongo.ts";

/** Variables of every function with a core. Parts add their own. */
export const coreVariables = {
  STAGE: oneOf(["local", "nonprod", "prod"]),
  ...mongoVariables,
} satisfies Variables;

/** The shared library of one process, opened once and used by every call. Domain functions take the fields they use. */
export interface Core {
  stage: "local" | "nonprod" | "prod";
  clock: Clock;
  log: Log;
  accessTokens: AccessTokenRepository;
  authorizations: AuthorizationRepository;
  identifiers: IdentifierRepository;
  mailEvents: MailEventRepository;
  marketingConsents: MarketingConsentRepository;
  newsItems: NewsItemRepository;
  providerMappings: ProviderMappingRepository;
  refreshTokens: RefreshTokenRepository;
  sessions: SessionRepository;
  stripeEvents: StripeEventRepository;
  subscriptions: SubscriptionRepository;
  trials: TrialRepository;
  users: UserRepository;
}

/** A dependency of some functions only. It is bundled, configured and opened where a method declares it. */
export interface Part<Opened> {
  variables: Variables;
  /** AWS actions it calls. A function's role allows the actions of its parts and no others. */
  awsActions?: readonly AwsAction[];
  open(environment: Environment, on: Foundation): Opened;
}

export type AwsAction = "ses:SendEmail";

/** What a part may use to open. */
export type Foundation = Pick<OpenCore, "core" | "mongo">;

/** An opened core. `part` opens each part once. */
export interface OpenCore {
  core: Core;
  mongo: Mongo;
  part<Opened>(part: Part<Opened>): Opened;
}

export interface CoreOptions {
  clock?: Clock;
  /** Writes a finished log line. */
  write?: (line: string) => void;
  monitorCommands?: boolean;
}

/**
 * Opens the shared library from an environment. The database connection is established in the background.
 * @throws ConfigError naming every variable that is missing or invalid
 */
export function openCore(environment: Environment, options: CoreOptions = {}): OpenCore {
  const {
    clock = systemClock,
    write = (line) => process.stdout.write(`${line}\n`),
    monitorCommands = false,
  } = options;
  const config = readConfig(coreVariables, environment);
  const mongo = openMongo(config.MONGODB_URI, { monitorCommands });
  const { database } = mongo;
  const log = createLog(write, () => clock.now());
  const core: Core = {
    stage: config.STAGE,
    clock,
    log,
    accessTokens: new AccessTokenRepository(database),
    authorizations: new AuthorizationRepository(database),
    identifiers: new IdentifierRepository(database),
    mailEvents: new MailEventRepository(database),
    marketingConsents: new MarketingConsentRepository(database),
    newsItems: new NewsItemRepository(database),
    providerMappings: new ProviderMappingRepository(database),
    refreshTokens: new RefreshTokenRepository(database),
    sessions: new SessionRepository(database),
    stripeEvents: new StripeEventRepository(database),
    subscriptions: new SubscriptionRepository(database),
    trials: new TrialRepository(database),
    users: new UserRepository(database),
  };
  const opened = new Map<Part<unknown>, unknown>();
  return {
    core,
    mongo,
    part<Opened>(part: Part<Opened>): Opened {
      if (!opened.has(part)) opened.set(part, part.open(environment, { core, mongo }));
      return opened.get(part) as Opened;
    },
  };
}
