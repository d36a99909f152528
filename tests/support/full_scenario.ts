import { handler as sesEvents } from "#callbacks/ses_events.ts";
import { serveEvent } from "#entry/event.ts";
import { lambdaContext } from "#tests/support/lambda_event.ts";
import {
  exchange,
  linkRequest,
  MAC,
  pkcePair,
  type Reply,
  startNest,
  type TestNest,
  type Tokens,
  V1,
  V2,
} from "#tests/support/nest.ts";

/** What a run used that must stay out of dumps and logs. */
export interface SensitiveValues {
  /** Whole, and in halves where a half is secret. */
  secrets: Map<string, string>;
  /** As typed. */
  addresses: string[];
  networks: string[];
  /** Other words of people's: states, machines, programs. */
  words: string[];
  /** Answers with a 5xx. */
  failures: Reply[];
}

const PERSON = "Very.Private@Example.com";
const BUYER = "Big.Buyer@Example.com";
const TRIER = "Trial.Taker@Example.com";
const BOUNCER = "Bounced.Box@Example.com";
const HOME = { ip: "203.0.113.201" };
const STATE = "a-state-that-only-the-app-knows";
const DEVICE = { platform: "mac", beak_id: "beak-of-a-person", fingerprint: "print-of-a-person" };
const MACHINE = "machine-of-a-trier";
const AGENT = "Beak/1.2 (a person's machine)";

const askFor = (address: string, change: Record<string, unknown> = {}) =>
  linkRequest({ identifier_value: address, state: STATE, device: DEVICE, ...change });

/** Lives through everything that Nest does, well and badly, with every part failing at some time. */
export async function runFullScenario(nest: TestNest): Promise<SensitiveValues> {
  const life = new Life(nest);
  await life.signInAndOut();
  await life.payAndQuarrel();
  await life.tryForFree();
  await life.bounce();
  await life.breakADocument();
  await life.misplace();
  await life.loseTheDatabase();
  return life.traces();
}

class Life {
  readonly #nest: TestNest;
  readonly #secrets = new Map<string, string>();
  readonly #failures: Reply[] = [];

  constructor(nest: TestNest) {
    this.#nest = nest;
  }

  traces(): SensitiveValues {
    const { secrets, stripe } = this.#nest;
    this.#keep("internal key", secrets.internalKey);
    this.#keep("refresh key", secrets.refreshKey);
    this.#keep("rate limit key", secrets.rateLimitKey);
    for (const { d = "" } of secrets.signingKeys.keys) this.#keep("signing key", d);
    this.#keep("Stripe key", stripe.secretKey);
    this.#keep("webhook secret", stripe.webhookSecret);
    return {
      secrets: this.#secrets,
      addresses: [PERSON, BUYER, TRIER, BOUNCER],
      networks: [HOME.ip, "203.0.113.9"],
      words: [STATE, DEVICE.beak_id, DEVICE.fingerprint, MACHINE, AGENT],
      failures: this.#failures,
    };
  }

  #keep(name: string, secret: string): void {
    this.#secrets.set(`${name} ${this.#secrets.size}`, secret);
  }

  #keepTokens({ access_token, refresh_token }: Tokens): void {
    this.#keep("access token", access_token);
    for (const part of access_token.split(".").slice(1)) this.#keep("part of an access token", part);
    this.#keep("refresh token", refresh_token);
    this.#keep("secret of a refresh token", refresh_token.split(".")[2] ?? "");
  }

  /** Asks for a link and keeps its code. */
  async #link(address: string, change: Record<string, unknown> = {}): Promise<string> {
    const code = await this.#nest.emailedCode(askFor(address, change), HOME);
    this.#keep("code", code);
    this.#keep("secret of a code", code.split(".")[1] ?? "");
    return code;
  }

  /** Notes an answer that may be a failure of ours. */
  async #failing(call: Promise<Reply>): Promise<Reply> {
    const reply = await call;
    if (reply.status >= 500) this.#failures.push(reply);
    return reply;
  }

  #trial(address: string, machine: string): Promise<Reply> {
    const device = { platform: "mac", beak_id: machine, fingerprint: machine };
    const body = askFor(address, { device });
    return this.#failing(this.#nest.call(`${V2}create_trial_and_magic_link`, body, HOME));
  }

  async signInAndOut(): Promise<void> {
    const { verifier, challenge } = pkcePair();
    this.#keep("verifier", verifier);
    await this.#link(PERSON, { code_challenge: challenge });
    const code = await this.#link(PERSON, { code_challenge: challenge });
    await this.#nest.redeem(code, { code_verifier: "wrong" }, HOME);
    await this.#nest.redeem(`${code.split(".")[0]}.${"0".repeat(64)}`, { code_verifier: verifier }, HOME);
    const headers = { "user-agent": AGENT };
    const { body: tokens } = await this.#nest.redeem(code, { code_verifier: verifier }, { ...HOME, headers });
    this.#keepTokens(tokens);
    await this.#nest.redeem(code, { code_verifier: verifier }, HOME);
    const as = { bearer: tokens.access_token, ...HOME };
    const own = { user_id: tokens.user_id };
    for (const level of ["general", "none"])
      await this.#nest.call(`${V1}set_marketing_consent`, { ...own, level }, as);
    for (const method of ["get_user", "list_sessions"]) await this.#nest.call(`${V2}${method}`, own, as);
    await this.#nest.call(`${V2}get_user`, own, { internal: true });
    await this.#nest.call(`${V2}get_user`, { user_id: "user_other" }, as);
    const { body: next } = await this.#nest.refresh(tokens.refresh_token, {}, HOME);
    this.#keepTokens(next);
    await this.#nest.call(`${V2}get_user`, own, { bearer: next.access_token, ...HOME });
    this.#nest.clock.advance(11);
    await this.#nest.refresh(tokens.refresh_token, {}, HOME);
    await this.#nest.call(`${V2}revoke_token`, { client_id: MAC, refresh_token: next.refresh_token });
    await this.#nest.call(`${V2}get_user`, own, { bearer: next.access_token });
  }

  async payAndQuarrel(): Promise<void> {
    const { id } = this.#nest.stripe.createSubscription({ email: BUYER });
    await this.#nest.deliverEvents();
    const tokens = await this.#nest.signIn(BUYER, { state: STATE, device: DEVICE }, HOME);
    this.#keepTokens(tokens);
    const as = { bearer: tokens.access_token, ...HOME };
    const status = () => this.#nest.call(`${V2}get_subscription_status`, { user_id: tokens.user_id }, as);
    const { body } = await status();
    this.#keep("portal link", body.billing_portal_url);
    this.#keep("portal session", new URL(body.billing_portal_url).pathname.split("/").at(-1) ?? "");
    this.#keep("entitlement", body.entitlement);
    this.#nest.clock.advance(61);
    this.#nest.stripe.fault({ calls: 1, kind: "error" });
    await status();
    this.#nest.stripe.createSubscription({ email: BUYER });
    await this.#nest.deliverEvents();
    const dispute = this.#nest.stripe.dispute(id);
    this.#nest.stripe.closeDispute(dispute.id, "lost");
    this.#nest.stripe.cancelSubscription(id, { isAtPeriodEnd: true });
    await this.#nest.deliverEvents();
    const { body: event, header } = this.#nest.stripe.signedEvent(this.#nest.stripe.events()[0] ?? {});
    await this.#nest.call("/1/webhook/stripe", event, { headers: { "stripe-signature": `${header}0` } });
    await this.#nest.call("/1/webhook/stripe", event, { headers: { "stripe-signature": BUYER } });
  }

  async tryForFree(): Promise<void> {
    this.#nest.stripe.fault({ calls: 1, kind: "error" });
    await this.#trial(TRIER, MACHINE);
    this.#nest.ses.fault({ calls: 1, kind: "rejected" });
    await this.#trial(TRIER, MACHINE);
    await this.#trial(TRIER, MACHINE);
    this.#nest.stripe.fault({ calls: 1, kind: "error" });
    const events = this.#nest.stripe.events().slice(-1);
    for (const event of events) await this.#failing(this.#nest.webhook(event));
    await this.#nest.deliverEvents();
    this.#keepTokens(await this.#nest.signIn(TRIER, {}, HOME));
    await this.#trial(TRIER, MACHINE);
    await this.#trial(BUYER, "another-machine");
    this.#nest.stripe.advance({ days: 12 });
    await this.#nest.deliverEvents();
  }

  async bounce(): Promise<void> {
    await this.#link(BOUNCER);
    const serve = serveEvent(sesEvents.declaration, this.#nest.gateway);
    const mail = { messageId: "m1", destination: [BOUNCER] };
    const recipients = [{ emailAddress: BOUNCER }];
    const detail = {
      eventType: "Bounce",
      mail,
      bounce: { bounceType: "Permanent", bouncedRecipients: recipients },
    };
    const event = { id: "ses-1", time: this.#nest.clock.now().toISOString(), detail };
    await serve(event, lambdaContext());
    await serve({ ...event, id: BOUNCER, time: "never" }, lambdaContext());
    await this.#nest.call(`${V1}send_magic_link`, askFor(BOUNCER), HOME);
  }

  /** A document that is not what the code knows, so that something it does not foresee goes wrong. */
  async breakADocument(): Promise<void> {
    const code = await this.#link(PERSON);
    await this.#nest
      .collection("authorizations")
      .updateOne({ _id: code.split(".")[0] ?? "" }, { $set: { key: null } });
    await this.#failing(this.#nest.redeem(code, {}, HOME));
    const tokens = await this.#nest.signIn(PERSON, {}, HOME);
    this.#keepTokens(tokens);
    const [, id = ""] = tokens.refresh_token.split(".");
    await this.#nest.collection("refresh-tokens").updateOne({ _id: id }, { $set: { key: 7 } });
    await this.#failing(this.#nest.refresh(tokens.refresh_token, {}, HOME));
  }

  /** Secrets and addresses where they don't belong: in paths, verbs, ids, headers. */
  async misplace(): Promise<void> {
    const code = await this.#link(PERSON);
    for (const thing of [PERSON, code, this.#nest.secrets.internalKey]) {
      await this.#nest.call(`${V1}${encodeURIComponent(thing)}`, {});
      await this.#nest.call(`/1/webhook/${encodeURIComponent(thing)}`, {});
      for (const scheme of ["bearer", "internal", "basic"])
        await this.#nest.call(
          `${V2}get_user`,
          { user_id: thing },
          { headers: { authorization: `${scheme} ${thing}` } },
        );
      await this.#nest.call(`${V1}list_news_items`, { client_id: thing });
      await this.#nest.call(`${V1}authenticate_user`, { ...exchange(thing), client_id: thing });
      await this.#nest.call(`${V1}send_magic_link`, { ...askFor(PERSON), [thing]: thing });
      await this.#nest.call(`${V1}send_magic_link`, `{"${thing}`);
    }
  }

  async loseTheDatabase(): Promise<void> {
    const nowhere = await startNest({
      beside: this.#nest,
      environment: { MONGODB_URI: "mongodb://127.0.0.1:1/nest?serverSelectionTimeoutMS=100" },
    });
    const code = await this.#link(PERSON);
    await Promise.all([
      this.#failing(nowhere.redeem(code, {}, HOME)),
      this.#failing(nowhere.call(`${V1}send_magic_link`, askFor(PERSON), HOME)),
      this.#failing(nowhere.call(`${V2}create_trial_and_magic_link`, askFor(TRIER), HOME)),
      this.#failing(nowhere.refresh(`01.reftok_none.${"0".repeat(64)}`, {}, HOME)),
    ]);
    this.#nest.logLines.push(...nowhere.logLines);
    await nowhere.stop();
  }
}
