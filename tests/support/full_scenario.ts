import { handler as sesEvents } from "#callbacks/ses_events.ts";
import { serveEvent } from "#entry/event.ts";
import { askForCode, redeemCode, sentCode, wrongCode } from "#tests/support/codes.ts";
import { askToVerify, email } from "#tests/support/identifiers.ts";
import { lambdaContext } from "#tests/support/lambda_event.ts";
import { enrol, firstStep } from "#tests/support/mfa.ts";
import {
  exchange,
  linkRequest,
  MAC,
  NOWHERE,
  pkcePair,
  type Reply,
  SIMPLE,
  startNest,
  type TestNest,
  type Tokens,
  V1,
  V2,
} from "#tests/support/nest.ts";
import { codeToLink, linkAccount, newPerson, REDEEM_FIELDS, redeem, visit } from "#tests/support/oauth.ts";
import { enrolPasskey, openCeremony, redeemPasskey } from "#tests/support/passkeys.ts";
import {
  P1,
  P2,
  register,
  resetPassword,
  sentReset,
  setPassword,
  signInWith,
} from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";
import { addWebhook, deliver, sendTest } from "#tests/support/webhooks.ts";

/** The values of a run that must not be in dumps or logs. */
export interface SensitiveValues {
  /** Name to value. A code or refresh token is listed as a whole, and its secret part by itself. */
  secrets: Map<string, string>;
  /** Email addresses as the user typed them. */
  addresses: string[];
  /** IP addresses. */
  networks: string[];
  /** Other personal values: states, device ids, user agents. */
  words: string[];
  /** Responses with a 5xx status. */
  failures: Reply[];
}

const PERSON = "Very.Private@Example.com";
const BUYER = "Big.Buyer@Example.com";
const TRIER = "Trial.Taker@Example.com";
const BOUNCER = "Bounced.Box@Example.com";
const MEMBER = "Old.Member@Example.com";
const OTHER_ADDRESS = "Second.Box@Example.com";
const AT_PROVIDER = "At.Provider@Example.com";
const NUMBER = "+6591112223";
const HOME = { ip: "203.0.113.201" };
const STATE = "a-state-that-only-the-app-knows";
const DEVICE = { platform: "mac", beak_id: "beak-of-a-person", fingerprint: "print-of-a-person" };
const MACHINE = "machine-of-a-trier";
const AGENT = "Beak/1.2 (a person's machine)";

const linkTo = (address: string, change: Record<string, unknown> = {}) =>
  linkRequest({ identifier_value: address, state: STATE, device: DEVICE, ...change });

/** Runs every feature of Nest with success and with failure. MongoDB, Stripe and SES each fail at least once. */
export async function runFullScenario(nest: TestNest): Promise<SensitiveValues> {
  const scenario = new Scenario(nest);
  await scenario.signInAndOut();
  await scenario.signInWithCodes();
  await scenario.useAndResetPassword();
  await scenario.signInWithProviders();
  await scenario.giveRoles();
  await scenario.addWebhook();
  await scenario.useSecondFactor();
  await scenario.payAndDispute();
  await scenario.startTrials();
  await scenario.bounceMail();
  await scenario.corruptDocuments();
  await scenario.sendSecretsInWrongPlaces();
  await scenario.moveEvents();
  await scenario.loseDatabase();
  return scenario.sensitiveValues();
}

class Scenario {
  readonly #nest: TestNest;
  readonly #secrets = new Map<string, string>();
  readonly #failures: Reply[] = [];

  constructor(nest: TestNest) {
    this.#nest = nest;
  }

  sensitiveValues(): SensitiveValues {
    const { secrets, stripe } = this.#nest;
    this.#record("internal key", secrets.internalKey);
    this.#record("refresh key", secrets.refreshKey);
    this.#record("rate limit key", secrets.rateLimitKey);
    for (const { d = "" } of secrets.signingKeys.keys) this.#record("signing key", d);
    this.#record("Stripe key", stripe.secretKey);
    this.#record("webhook secret", stripe.webhookSecret);
    return {
      secrets: this.#secrets,
      addresses: [PERSON, BUYER, TRIER, BOUNCER, MEMBER, OTHER_ADDRESS, AT_PROVIDER, NUMBER],
      networks: [HOME.ip, "203.0.113.9"],
      words: [STATE, DEVICE.beak_id, DEVICE.fingerprint, MACHINE, AGENT],
      failures: this.#failures,
    };
  }

  #record(name: string, secret: string): void {
    this.#secrets.set(`${name} ${this.#secrets.size}`, secret);
  }

  #recordTokens({ access_token, refresh_token }: Tokens): void {
    this.#record("access token", access_token);
    for (const part of access_token.split(".").slice(1)) this.#record("part of an access token", part);
    this.#record("refresh token", refresh_token);
    this.#record("secret of a refresh token", refresh_token.split(".")[2] ?? "");
  }

  /** Requests a magic link and records its code. */
  async #link(address: string, change: Record<string, unknown> = {}): Promise<string> {
    const code = await this.#nest.emailedCode(linkTo(address, change), HOME);
    this.#record("code", code);
    this.#record("secret of a code", code.split(".")[1] ?? "");
    return code;
  }

  /** Records the response if its status is 5xx. */
  async #recordFailure(call: Promise<Reply>): Promise<Reply> {
    const reply = await call;
    if (reply.status >= 500) this.#failures.push(reply);
    return reply;
  }

  #trial(address: string, machine: string): Promise<Reply> {
    const device = { platform: "mac", beak_id: machine, fingerprint: machine };
    const body = linkTo(address, { device });
    return this.#recordFailure(this.#nest.call(`${V2}create_trial_and_magic_link`, body, HOME));
  }

  async signInWithProviders(): Promise<void> {
    const person = newPerson({ email: AT_PROVIDER });
    const back = await visit(this.#nest, person, { start: { state: STATE } });
    this.#record("code of a visit", back.code ?? "");
    this.#record("secret of a visit", back.code?.split(".")[1] ?? "");
    this.#record("verifier of a visit", REDEEM_FIELDS.code_verifier);
    const { body: tokens } = await redeem(this.#nest, back.code);
    this.#recordTokens(tokens);
    const bearer = tokens.access_token;
    const id = await linkAccount(this.#nest, bearer);
    this.#record("code to link", await codeToLink(this.#nest, bearer));
    await this.#nest.call(`${V3}unlink_oauth`, { oauth_identity_id: id }, { bearer });
    this.#nest.oauth.fault({ calls: 1, kind: "wrong_nonce" });
    await visit(this.#nest, newPerson());
  }

  async signInAndOut(): Promise<void> {
    const { verifier, challenge } = pkcePair();
    this.#record("verifier", verifier);
    await this.#link(PERSON, { code_challenge: challenge });
    const code = await this.#link(PERSON, { code_challenge: challenge });
    await this.#nest.redeem(code, { code_verifier: "wrong" }, HOME);
    await this.#nest.redeem(`${code.split(".")[0]}.${"0".repeat(64)}`, { code_verifier: verifier }, HOME);
    const headers = { "user-agent": AGENT };
    const { body: tokens } = await this.#nest.redeem(code, { code_verifier: verifier }, { ...HOME, headers });
    this.#recordTokens(tokens);
    await this.#nest.redeem(code, { code_verifier: verifier }, HOME);
    const as = { bearer: tokens.access_token, ...HOME };
    const own = { user_id: tokens.user_id };
    for (const level of ["general", "none"])
      await this.#nest.call(`${V1}set_marketing_consent`, { ...own, level }, as);
    for (const method of ["get_user", "list_sessions"]) await this.#nest.call(`${V2}${method}`, own, as);
    const page = "http://localhost:3000/";
    const order = { plan: "beak", success_url: page, cancel_url: page };
    await this.#nest.call("/1/2026-12-01/create_checkout_session", order, as);
    await this.#nest.call(`${V2}get_user`, own, { internal: true });
    await this.#nest.call(`${V2}get_user`, { user_id: "user_other" }, as);
    const { body: next } = await this.#nest.refresh(tokens.refresh_token, {}, HOME);
    this.#recordTokens(next);
    await this.#nest.call(`${V2}get_user`, own, { bearer: next.access_token, ...HOME });
    this.#nest.clock.advance(11);
    await this.#nest.refresh(tokens.refresh_token, {}, HOME);
    await this.#nest.call(`${V2}revoke_token`, { client_id: MAC, refresh_token: next.refresh_token });
    await this.#nest.call(`${V2}get_user`, own, { bearer: next.access_token });
  }

  /** Signs in with codes by SMS and mail, with success and failure. */
  async signInWithCodes(): Promise<void> {
    const mail = { identifier_type: "email", identifier_value: PERSON };
    for (const change of [{ identifier_value: NUMBER }, mail]) {
      const sent = await sentCode(this.#nest, change, HOME);
      this.#record("nonce", sent.nonce);
      await redeemCode(this.#nest, { ...sent, code: wrongCode(sent.code) }, {}, HOME);
      const { body } = await redeemCode(this.#nest, sent, {}, HOME);
      this.#recordTokens(body);
      await redeemCode(this.#nest, sent, {}, HOME);
    }
    this.#nest.sns.fault({ calls: 1, kind: "rejected" });
    await this.#recordFailure(askForCode(this.#nest, { identifier_value: NUMBER }, HOME));
    this.#nest.ses.fault({ calls: 1, kind: "rejected" });
    await this.#recordFailure(askForCode(this.#nest, mail, HOME));
  }

  /** Registers with a password, adds an address, and resets the password, with success and failure. */
  async useAndResetPassword(): Promise<void> {
    for (const password of [P1, P2]) this.#record("password", password);
    const at = { identifier_value: MEMBER };
    const { body } = await register(this.#nest, at, HOME);
    this.#recordTokens(body);
    await signInWith(this.#nest, MEMBER, P2, { client_id: SIMPLE }, HOME);
    this.#recordTokens((await signInWith(this.#nest, MEMBER, P1, { client_id: SIMPLE }, HOME)).body);
    const { nonce, token } = await sentReset(this.#nest, at, HOME);
    this.#record("nonce", nonce);
    this.#record("token of a link", token);
    await resetPassword(this.#nest, { token: token.replace(/^.{8}/, "00000000") }, HOME);
    await resetPassword(this.#nest, { token }, HOME);
    const { body: proved } = await signInWith(this.#nest, MEMBER, P2, { client_id: SIMPLE }, HOME);
    this.#recordTokens(proved);
    await askToVerify(this.#nest, proved, email(OTHER_ADDRESS), HOME);
    for (const current_password of [P1, P2])
      await setPassword(this.#nest, proved, { password: P1, current_password }, HOME);
  }

  /** Makes two administrators, of which one leaves, and a role. */
  async giveRoles(): Promise<void> {
    const addresses = [PERSON.toLowerCase(), MEMBER.toLowerCase()];
    const ids = await Promise.all(addresses.map((address) => this.#nest.findUserId(address)));
    const as = { internal: true, ...HOME };
    const role = { scope: "platform", key: "desk", name: "Desk", level: 20, capabilities: ["users.read"] };
    await this.#nest.call(`${V3}set_role`, role, as);
    for (const user_id of ids)
      await this.#nest.call(`${V3}set_user_roles`, { user_id, roles: ["admin"] }, as);
    await this.#nest.call(`${V3}set_user_roles`, { user_id: ids[0], roles: [] }, as);
  }

  /** Adds an authenticator app, and stops before the second step of a sign-in. Adds a passkey, which fails to sign in. */
  async useSecondFactor(): Promise<void> {
    const address = "factors@example.com";
    const { seed, recoveryCodes } = await enrol(this.#nest, address);
    this.#record("seed of an authenticator app", seed);
    for (const code of recoveryCodes) this.#record("recovery code", code);
    this.#record("token of a challenge", await firstStep(this.#nest, address));
    const { authenticator } = await enrolPasskey(this.#nest, "passkeys@example.com");
    const { body } = await openCeremony(this.#nest);
    this.#record("challenge of a passkey", body.options.challenge);
    const signed = authenticator.get(body.options, { origin: "https://elsewhere.example" });
    await this.#recordFailure(redeemPasskey(this.#nest, body.challenge_id, signed));
  }

  /** Creates a webhook whose receiver does not answer, and sends a message to it. */
  async addWebhook(): Promise<void> {
    const { id, secret } = await addWebhook(this.#nest, { url: `http://${NOWHERE}/`, events: ["*"] });
    this.#record("secret of a webhook", secret);
    await sendTest(this.#nest, id);
    await deliver(this.#nest);
  }

  async payAndDispute(): Promise<void> {
    const { id } = this.#nest.stripe.createSubscription({ email: BUYER });
    await this.#nest.deliverEvents();
    const tokens = await this.#nest.signIn(BUYER, { state: STATE, device: DEVICE }, HOME);
    this.#recordTokens(tokens);
    const as = { bearer: tokens.access_token, ...HOME };
    const status = () => this.#nest.call(`${V2}get_subscription_status`, { user_id: tokens.user_id }, as);
    const { body } = await status();
    this.#record("portal link", body.billing_portal_url);
    this.#record("portal session", new URL(body.billing_portal_url).pathname.split("/").at(-1) ?? "");
    this.#record("entitlement", body.entitlement);
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

  async startTrials(): Promise<void> {
    this.#nest.stripe.fault({ calls: 1, kind: "error" });
    await this.#trial(TRIER, MACHINE);
    this.#nest.ses.fault({ calls: 1, kind: "rejected" });
    await this.#trial(TRIER, MACHINE);
    await this.#trial(TRIER, MACHINE);
    this.#nest.stripe.fault({ calls: 1, kind: "error" });
    const events = this.#nest.stripe.events().slice(-1);
    for (const event of events) await this.#recordFailure(this.#nest.webhook(event));
    await this.#nest.deliverEvents();
    this.#recordTokens(await this.#nest.signIn(TRIER, {}, HOME));
    await this.#trial(TRIER, MACHINE);
    await this.#trial(BUYER, "another-machine");
    this.#nest.stripe.advance({ days: 12 });
    await this.#nest.deliverEvents();
  }

  async bounceMail(): Promise<void> {
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
    await this.#nest.call(`${V1}send_magic_link`, linkTo(BOUNCER), HOME);
  }

  /** Corrupts documents, so that the code fails in a way that it does not handle. */
  async corruptDocuments(): Promise<void> {
    const code = await this.#link(PERSON);
    await this.#nest
      .collection("authorizations")
      .updateOne({ _id: code.split(".")[0] ?? "" }, { $set: { key: null } });
    await this.#recordFailure(this.#nest.redeem(code, {}, HOME));
    const tokens = await this.#nest.signIn(PERSON, {}, HOME);
    this.#recordTokens(tokens);
    const [, id = ""] = tokens.refresh_token.split(".");
    await this.#nest.collection("refresh-tokens").updateOne({ _id: id }, { $set: { key: 7 } });
    await this.#recordFailure(this.#nest.refresh(tokens.refresh_token, {}, HOME));
  }

  /** Sends secrets and email addresses in paths, headers, ids and field names. */
  async sendSecretsInWrongPlaces(): Promise<void> {
    const code = await this.#link(PERSON);
    for (const value of [PERSON, code, this.#nest.secrets.internalKey]) {
      await this.#nest.call(`${V1}${encodeURIComponent(value)}`, {});
      await this.#nest.call(`/1/webhook/${encodeURIComponent(value)}`, {});
      for (const scheme of ["bearer", "internal", "basic"])
        await this.#nest.call(
          `${V2}get_user`,
          { user_id: value },
          { headers: { authorization: `${scheme} ${value}` } },
        );
      await this.#nest.call(`${V1}list_news_items`, { client_id: value });
      await this.#nest.call(`${V1}authenticate_user`, { ...exchange(value), client_id: value });
      await this.#nest.call(`${V1}send_magic_link`, { ...linkTo(PERSON), [value]: value });
      await this.#nest.call(`${V1}send_magic_link`, `{"${value}`);
    }
  }

  async moveEvents(): Promise<void> {
    await this.#nest.moveEvents();
  }

  async loseDatabase(): Promise<void> {
    const withoutDatabase = await startNest({
      beside: this.#nest,
      environment: {
        MONGODB_URI: "mongodb://127.0.0.1:1/nest?serverSelectionTimeoutMS=100",
        LIMIT_LINKS_PER_NETWORK: "1000",
      },
    });
    const code = await this.#link(PERSON);
    await Promise.all([
      this.#recordFailure(withoutDatabase.redeem(code, {}, HOME)),
      this.#recordFailure(withoutDatabase.call(`${V1}send_magic_link`, linkTo(PERSON), HOME)),
      this.#recordFailure(withoutDatabase.call(`${V2}create_trial_and_magic_link`, linkTo(TRIER), HOME)),
      this.#recordFailure(withoutDatabase.refresh(`01.reftok_none.${"0".repeat(64)}`, {}, HOME)),
    ]);
    this.#nest.logLines.push(...withoutDatabase.logLines);
    await withoutDatabase.stop();
  }
}
