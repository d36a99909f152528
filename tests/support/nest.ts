import { createHash, randomBytes } from "node:crypto";
import { BSON } from "mongodb";
import app from "#app";
import type { App } from "#core/app/app.ts";
import { type Clock, plusSeconds } from "#core/clock.ts";
import { moveEvents } from "#core/events/move_events.ts";
import { outboxes } from "#core/parts.ts";
import type { AuditLog } from "#core/repositories/audit_logs.ts";
import { createIndexes } from "#core/repositories/index_setup.ts";
import type { PriceSeed, ProductSeed } from "#stripe_double/settings.ts";
import type { StripeDouble } from "#stripe_double/stripe_double.ts";
import type { DoubleEvent } from "#stripe_double/types.ts";
import {
  freshDatabaseUri,
  prepareDatabase,
  releaseDatabase,
  takeDatabaseUri,
} from "#tests/support/database.ts";
import { requireDeclared } from "#tests/support/declared.ts";
import { type Gateway, type GatewayOptions, type IncomingCall, openGateway } from "#tools/local/gateway.ts";
import { type HibpDouble, startHibpDouble } from "#tools/local/hibp_double.ts";
import { type OAuthDouble, startOAuthDouble } from "#tools/local/oauth_double.ts";
import { SAMPLE_CLIENT_IDS, withSampleClients } from "#tools/local/sample_clients.ts";
import { type LocalSecrets, localEnvironment, makeSecrets } from "#tools/local/secrets.ts";
import { type SentMail, type SesDouble, startSesDouble } from "#tools/local/ses_double.ts";
import { type SentSms, type SnsDouble, startSnsDouble } from "#tools/local/sns_double.ts";
import { startAppStripeDouble } from "#tools/local/stripe_account/app_double.ts";

export const V1 = "/1/2020-12-14/";
export const V2 = "/1/2021-10-06/";
export const MAC = "client_000000C2kdCzNlbL1BqR5FeMatItU";
export const WINDOWS = "client_000000CAixkP7YVb0cH1zvNfE5mYi";
export const WEB = "client_000000C7zCx1DUI536pOmMUFPbnPc";
/** The price and the product of the app's first plan at the Stripe double. */
export const { priceId: PRICE_ID, productId: PRODUCT_ID } = firstPrice();
/** The sample clients of the local stack. */
export const { native: NATIVE, web: SAMPLE_WEB, simple: SIMPLE } = SAMPLE_CLIENT_IDS;
export const REDIRECT = "https://magic.getbeak.app/";
/** RFC 7636, appendix B. */
export const VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
export const CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/** A response with its body parsed. */
export interface Reply {
  status: number;
  headers: Record<string, string>;
  /** Parsed JSON; undefined if the response has no body. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read bodies of every shape
  body: any;
  raw: string;
  /** The `Set-Cookie` values. */
  cookies: readonly string[];
}

export interface Tokens {
  access_token: string;
  refresh_token: string;
  user_id: string;
  client_id: string;
  token_type: string;
  expires_in: number;
  expires_at: string;
}

export interface CallOptions {
  bearer?: string;
  internal?: boolean;
  headers?: Record<string, string>;
  ip?: string;
  method?: string;
}

export interface TestClock extends Clock {
  advance(seconds: number): void;
}

function firstPrice() {
  const [plan] = app.plans;
  if (!plan) throw new Error("The tests need an app with a plan.");
  return plan.prices.local;
}

function movableClock(): TestClock {
  let moved = 0;
  return {
    now: () => plusSeconds(new Date(), moved),
    advance: (seconds) => {
      moved += seconds;
    },
  };
}

/** A host that may get webhooks, where nothing listens. */
export const NOWHERE = "127.0.0.1:9";

/** Enough for many concurrent calls on a busy machine. */
export const BUSY_MACHINE = 5;

export interface StartOptions {
  /** Another app than the one of this process. */
  app?: App;
  environment?: Record<string, string>;
  secrets?: LocalSecrets;
  clock?: TestClock;
  /** Wraps the core that the functions get, to fault or to order its I/O. */
  guard?: GatewayOptions["guard"];
  /**
   * Another Nest with which this Nest shares its database, mail, clock and Stripe, as two instances of a deployment do.
   */
  beside?: TestNest;
  /** More prices of the product at Stripe. */
  plans?: readonly PriceSeed[];
  /** Products at Stripe that are not ours. */
  otherProducts?: readonly ProductSeed[];
  /** Multiplies the time limits of calls and of database commands. Tests with many concurrent calls set it to `BUSY_MACHINE`. */
  slowdown?: number;
  /** Uses a database that no test has used: a used one has statistics, by which small collections are scanned. */
  isDatabaseNew?: boolean;
}

/** Starts every function of Nest on its own database, with doubles of SES and Stripe, a movable clock and a captured log. */
export async function startNest(options: StartOptions = {}): Promise<TestNest> {
  const secrets = options.secrets ?? options.beside?.secrets ?? (await makeSecrets());
  const ses = options.beside?.ses ?? (await startSesDouble());
  const sns = options.beside?.sns ?? (await startSnsDouble());
  const hibp = options.beside?.hibp ?? (await startHibpDouble());
  const clock = options.clock ?? options.beside?.clock ?? movableClock();
  const oauth = options.beside?.oauth ?? (await startOAuthDouble({ clock }));
  const now = () => clock.now().getTime();
  const stripe =
    options.beside?.stripe ??
    (await startAppStripeDouble({
      ...{ now, signedAt: now },
      ...(options.app && { app: options.app }),
      prices: options.plans ?? [],
      others: options.otherProducts ?? [],
    }));
  const mongoUri =
    options.beside?.mongoUri ?? (options.isDatabaseNew ? freshDatabaseUri() : takeDatabaseUri());
  const environment = {
    ...localEnvironment(secrets, {
      issuer: "https://nest.test",
      mongoUri,
      sesUrl: ses.url,
      snsUrl: sns.url,
      hibpUrl: hibp.url,
      oauthUrl: oauth.url,
      stripe,
    }),
    LIMIT_LINKS_PER_ADDRESS: "0",
    ...(options.environment?.STAGE ? {} : { WEBHOOK_ALLOW_HOSTS: NOWHERE }),
    LIMIT_CODES_PER_IDENTIFIER: "0",
    LIMIT_SMS_PER_NUMBER: "0",
    LIMIT_SMS_PER_RANGE: "0",
    LIMIT_CODE_FAILURES_PER_IDENTIFIER: "0",
    // The double sells the prices of the stage `local`, whatever stage a test names.
    ...(options.environment?.STAGE && { STRIPE_PRICE_ID: PRICE_ID, STRIPE_PRODUCT_IDS: PRODUCT_ID }),
    ...options.environment,
  };
  const logLines: string[] = [];
  const gateway = await openGateway(environment, {
    app: options.app ?? withSampleClients(app),
    clock,
    write: (line) => logLines.push(line),
    monitorCommands: true,
    slowdown: options.slowdown ?? 1,
    // Never draws a sampled count, so that a call sends the same commands each time. Limits below 1,000 are not sampled.
    random: () => 0.999,
    ...(options.guard && { guard: options.guard }),
  });
  if (!options.beside) {
    // A database that the test named may hold documents that it needs.
    const { database, client } = gateway.mongo;
    await (options.environment?.MONGODB_URI ? createIndexes(database) : prepareDatabase(database, client));
  }
  return new TestNest({
    ...{ secrets, ses, sns, hibp, oauth, stripe, mongoUri, environment, clock, logLines, gateway },
    isOwner: !options.beside,
  });
}

interface NestParts {
  secrets: LocalSecrets;
  ses: SesDouble;
  sns: SnsDouble;
  hibp: HibpDouble;
  oauth: OAuthDouble;
  stripe: StripeDouble;
  mongoUri: string;
  environment: Record<string, string>;
  clock: TestClock;
  logLines: string[];
  gateway: Gateway;
  isOwner: boolean;
}

export class TestNest {
  readonly secrets: LocalSecrets;
  readonly ses: SesDouble;
  readonly sns: SnsDouble;
  readonly hibp: HibpDouble;
  readonly oauth: OAuthDouble;
  readonly stripe: StripeDouble;
  readonly mongoUri: string;
  /** The environment of its functions. */
  readonly environment: Record<string, string>;
  readonly clock: TestClock;
  readonly logLines: string[];
  readonly gateway: Gateway;
  readonly #isOwner: boolean;
  #delivered = 0;

  constructor(parts: NestParts) {
    this.secrets = parts.secrets;
    this.ses = parts.ses;
    this.sns = parts.sns;
    this.hibp = parts.hibp;
    this.oauth = parts.oauth;
    this.stripe = parts.stripe;
    this.mongoUri = parts.mongoUri;
    this.environment = parts.environment;
    this.clock = parts.clock;
    this.logLines = parts.logLines;
    this.gateway = parts.gateway;
    this.#isOwner = parts.isOwner;
  }

  async stop(): Promise<void> {
    await this.gateway.close();
    if (!this.#isOwner) return;
    await this.ses.close();
    await this.sns.close();
    await this.hibp.close();
    await this.oauth.close();
    await this.stripe.close();
    releaseDatabase(this.mongoUri);
  }

  /** Calls a path through API Gateway's routing. A string or Buffer body is sent unchanged, any other body as JSON. */
  async call(path: string, body?: unknown, options: CallOptions = {}): Promise<Reply> {
    const authorization = options.internal
      ? `internal ${this.secrets.internalKey}`
      : options.bearer && `bearer ${options.bearer}`;
    const incoming: IncomingCall = {
      method: options.method ?? "POST",
      path,
      headers: {
        "content-type": "application/json",
        ...(authorization ? { authorization } : {}),
        ...options.headers,
      },
      body: toBytes(body),
      ip: options.ip ?? "203.0.113.9",
    };
    const result = await this.gateway.invoke(incoming);
    const raw = result.body ?? "";
    const status = result.statusCode ?? 0;
    const read = raw === "" ? undefined : JSON.parse(raw);
    const headers = (result.headers ?? {}) as Record<string, string>;
    requireDeclared({ verb: incoming.method, path, status, headers, body: read });
    return { status, headers, body: read, raw, cookies: result.cookies ?? [] };
  }

  /** Requests a magic link. @returns the mail */
  async requestLink(change: Record<string, unknown> = {}, options: CallOptions = {}): Promise<SentMail> {
    const reply = await this.call(`${V1}send_magic_link`, linkRequest(change), options);
    if (reply.status !== 204) throw new Error(`send_magic_link answered ${reply.status} ${reply.raw}`);
    return this.lastMail();
  }

  /** Requests a magic link. @returns the code in the link */
  async emailedCode(change: Record<string, unknown> = {}, options: CallOptions = {}): Promise<string> {
    return codeIn(await this.requestLink(change, options));
  }

  redeem(code: string, change: Record<string, unknown> = {}, options: CallOptions = {}): Promise<Reply> {
    return this.call(`${V1}authenticate_user`, { ...exchange(code), ...change }, options);
  }

  refresh(
    refreshToken: string,
    change: Record<string, unknown> = {},
    options: CallOptions = {},
  ): Promise<Reply> {
    const body = { client_id: MAC, grant_type: "refresh_token", refresh_token: refreshToken, ...change };
    return this.call(`${V1}authenticate_user`, body, options);
  }

  /** Signs an address in. @returns its tokens */
  async signIn(
    address = "ada@example.com",
    change: Record<string, unknown> = {},
    options: CallOptions = {},
  ): Promise<Tokens> {
    const code = await this.emailedCode({ identifier_value: address, ...change }, options);
    const clientId = typeof change.client_id === "string" ? { client_id: change.client_id } : {};
    const reply = await this.redeem(code, clientId, options);
    if (reply.status !== 200) throw new Error(`sign-in answered ${reply.status} ${reply.raw}`);
    return reply.body;
  }

  /** The first event of a type, for one object if `objectId` is given. @throws Error if the double created none */
  eventOf(type: string, objectId?: string): DoubleEvent {
    const found = this.stripe
      .events()
      .find(
        (event) =>
          event.type === type && (!objectId || (event.data.object as { id: string }).id === objectId),
      );
    if (!found) throw new Error(`no ${type} was sent`);
    return found;
  }

  /** Posts a signed event to the webhook. */
  webhook(event: object, headers: Record<string, string> = {}): Promise<Reply> {
    const { body, header } = this.stripe.signedEvent(event);
    return this.call("/1/webhook/stripe", body, { headers: { "stripe-signature": header, ...headers } });
  }

  /** Posts every event that was not posted yet, in order. @returns type and response status of each */
  async deliverEvents(): Promise<[type: string, status: number][]> {
    const answers: [string, number][] = [];
    for (const event of this.stripe.events().slice(this.#delivered)) {
      this.#delivered++;
      answers.push([event.type, (await this.webhook(event)).status]);
    }
    return answers;
  }

  /** Moves Nest's and Stripe's clocks and posts the events that fell due. */
  async passTime(seconds: number): Promise<void> {
    this.clock.advance(seconds);
    this.stripe.advance(0);
    await this.deliverEvents();
  }

  /** The user id of an email address, in lower case; null if no user has it. */
  async findUserId(address: string): Promise<string | null> {
    const identifier = await this.collection("identifiers").findOne({ identifierValue: address });
    return typeof identifier?.userId === "string" ? identifier.userId : null;
  }

  /** Starts a trial on a device that only this address uses. @returns `204` or the error code */
  async startTrial(address: string, ip: string): Promise<string> {
    const device = { platform: "mac", beak_id: address, fingerprint: address };
    const body = linkRequest({ identifier_value: address, device });
    const reply = await this.call(`${V2}create_trial_and_magic_link`, body, { ip });
    return reply.status === 204 ? "204" : reply.body.code;
  }

  /** Posts an event to the webhook. @returns `200` or the error code */
  async deliver(event: object): Promise<string> {
    const { status, body } = await this.webhook(event);
    return status < 300 ? "200" : body.code;
  }

  /** The user id of an email address, in lower case. @throws Error if no user has it */
  async userIdOf(address: string): Promise<string> {
    const identifier = await this.collection("identifiers").findOne({ identifierValue: address });
    if (typeof identifier?.userId !== "string") throw new Error(`no user has ${address}`);
    return identifier.userId;
  }

  /** Marks the addresses of a user as verified, as the first redemption of a magic link does. */
  async verifyAddresses(userId: unknown): Promise<void> {
    const verifiedAt = this.clock.now().toISOString();
    await this.collection("identifiers").updateMany({ userId, verifiedAt: null } as object, {
      $set: { verifiedAt },
    });
  }

  /**
   * The status of a user who has redeemed a magic link: their address is marked as verified first.
   * @returns the `status` that get_subscription_status returns, or its error code
   */
  async subscriptionStatus(user_id: unknown): Promise<string> {
    await this.verifyAddresses(user_id);
    const { status, body } = await this.call(`${V2}get_subscription_status`, { user_id }, { internal: true });
    return status === 200 ? body.status : body.code;
  }

  /** The first mail, or the first mail to `address` if given. @throws Error if there is none */
  firstMail(address?: string): SentMail {
    const mail = this.ses.inbox.find(({ to }) => !address || to === address);
    if (!mail) throw new Error("no mail arrived");
    return mail;
  }

  /** The latest mail, or the latest mail to `address` if given. @throws Error if there is none */
  lastMail(address?: string): SentMail {
    const mail = this.ses.inbox.findLast(({ to }) => !address || to === address);
    if (!mail) throw new Error("no mail arrived");
    return mail;
  }

  /** The latest SMS, or the latest SMS to `number` if given. @throws Error if there is none */
  lastSms(number?: string): SentSms {
    const sms = this.sns.inbox.findLast(({ to }) => !number || to === number);
    if (!sms) throw new Error("no SMS arrived");
    return sms;
  }

  /** Subjects of every mail so far, oldest first. */
  mailSubjects(): string[] {
    return this.ses.inbox.map(({ subject }) => subject);
  }

  /** The log lines with this event name. */
  logged(event: string): Record<string, unknown>[] {
    return this.logLines.map((line) => JSON.parse(line)).filter((line) => line.event === event);
  }

  collection(name: string) {
    return this.gateway.mongo.database.collection<{ _id: string; [field: string]: unknown }>(name);
  }

  /** Moves every event to the audit log, as the job does each minute. @returns all rows, the oldest first */
  async moveEvents(): Promise<AuditLog[]> {
    const core = { ...this.gateway.core, outboxes: this.gateway.part(outboxes) };
    await moveEvents(core, Number.POSITIVE_INFINITY);
    return (await core.auditLogs.list({}, 10_000)).reverse();
  }

  /**
   * Every document of the database, as one text.
   * @param options.without a collection to leave out
   */
  async dump({ without = "" } = {}): Promise<string> {
    const { database } = this.gateway.mongo;
    const all = (await database.listCollections().toArray()).map(({ name }) => name).sort();
    const names = all.filter((name) => name !== without);
    const contents = await Promise.all(names.map((name) => database.collection(name).find().toArray()));
    return contents.map((documents) => BSON.EJSON.stringify(documents)).join("\n");
  }
}

function toBytes(body: unknown): Buffer | undefined {
  if (body === undefined || Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
}

/** The magic link request of contract J, with changes. */
export function linkRequest(change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    client_id: MAC,
    redirect_uri: REDIRECT,
    state: "s/1+x",
    code_challenge_method: "S256",
    code_challenge: CHALLENGE,
    identifier_type: "email",
    identifier_value: "Ada@Example.com",
    device: { platform: "mac", beak_id: "b1", fingerprint: "f1" },
    ...change,
  };
}

/** The first link in a mail's text part. @throws Error if it has none */
export function linkIn(mail: SentMail): URL {
  const line = mail.text.split("\n").find((text) => text.startsWith("https://"));
  if (!line) throw new Error("the mail has no link");
  return new URL(line);
}

export function codeIn(mail: SentMail): string {
  return linkIn(mail).searchParams.get("code") ?? "";
}

export function exchange(code: string): Record<string, unknown> {
  return {
    client_id: MAC,
    grant_type: "authorization_code",
    redirect_uri: REDIRECT,
    code,
    code_verifier: VERIFIER,
  };
}

/** A random PKCE pair. */
export function pkcePair(): { verifier: string; challenge: string } {
  const verifier = randomBytes(32).toString("base64url");
  return { verifier, challenge: createHash("sha256").update(verifier).digest("base64url") };
}
