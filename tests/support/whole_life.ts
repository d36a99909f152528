import type { Context } from "aws-lambda";
import { handler as sesEvents } from "#callbacks/ses_events.ts";
import { serveEvent } from "#entry/event.ts";
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
export interface Traces {
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
const AGENT = "Beak/1.2 (a person's machine)";

/** Lives through everything that Nest does, well and badly, with every part failing at some time. */
export async function liveThroughEverything(nest: TestNest): Promise<Traces> {
  const secrets = new Map<string, string>();
  const failures: Reply[] = [];
  const keep = (name: string, secret: string) => secrets.set(`${name} ${secrets.size}`, secret);
  const keepTokens = ({ access_token, refresh_token }: Tokens) => {
    keep("access token", access_token);
    for (const part of access_token.split(".").slice(1)) keep("part of an access token", part);
    keep("refresh token", refresh_token);
    keep("secret of a refresh token", refresh_token.split(".")[2] ?? "");
  };
  const keepCode = (code: string) => {
    keep("code", code);
    keep("secret of a code", code.split(".")[1] ?? "");
    return code;
  };
  const failing = async (call: Promise<Reply>) => {
    const reply = await call;
    if (reply.status >= 500) failures.push(reply);
    return reply;
  };
  const ask = (address: string, change: Record<string, unknown> = {}) =>
    linkRequest({ identifier_value: address, state: STATE, device: DEVICE, ...change });
  const link = (address: string, change = {}) => nest.emailedCode(ask(address, change), HOME);
  const trial = (address: string, machine: string) => {
    const device = { platform: "mac", beak_id: machine, fingerprint: machine };
    return failing(nest.call(`${V2}create_trial_and_magic_link`, ask(address, { device }), HOME));
  };

  async function signInAndOut(): Promise<void> {
    const { verifier, challenge } = pkcePair();
    keep("verifier", verifier);
    keepCode(await link(PERSON, { code_challenge: challenge }));
    const code = keepCode(await link(PERSON, { code_challenge: challenge }));
    await nest.redeem(code, { code_verifier: "wrong" }, HOME);
    await nest.redeem(`${code.split(".")[0]}.${"0".repeat(64)}`, { code_verifier: verifier }, HOME);
    const headers = { "user-agent": AGENT };
    const { body: tokens } = await nest.redeem(code, { code_verifier: verifier }, { ...HOME, headers });
    keepTokens(tokens);
    await nest.redeem(code, { code_verifier: verifier }, HOME);
    const as = { bearer: tokens.access_token, ...HOME };
    const own = { user_id: tokens.user_id };
    for (const level of ["general", "none"])
      await nest.call(`${V1}set_marketing_consent`, { ...own, level }, as);
    for (const method of ["get_user", "list_sessions"]) await nest.call(`${V2}${method}`, own, as);
    await nest.call(`${V2}get_user`, own, { internal: true });
    await nest.call(`${V2}get_user`, { user_id: "user_other" }, as);
    const { body: next } = await nest.refresh(tokens.refresh_token, {}, HOME);
    keepTokens(next);
    await nest.call(`${V2}get_user`, own, { bearer: next.access_token, ...HOME });
    nest.clock.advance(11);
    await nest.refresh(tokens.refresh_token, {}, HOME);
    await nest.call(`${V2}revoke_token`, { client_id: MAC, refresh_token: next.refresh_token });
    await nest.call(`${V2}get_user`, own, { bearer: next.access_token });
  }

  async function payAndQuarrel(): Promise<void> {
    const { id } = nest.stripe.createSubscription({ email: BUYER });
    await nest.deliverEvents();
    const tokens = await nest.signIn(BUYER, { state: STATE, device: DEVICE }, HOME);
    keepTokens(tokens);
    const as = { bearer: tokens.access_token, ...HOME };
    const status = () => nest.call(`${V2}get_subscription_status`, { user_id: tokens.user_id }, as);
    const { body } = await status();
    keep("portal link", body.billing_portal_url);
    keep("portal session", new URL(body.billing_portal_url).pathname.split("/").at(-1) ?? "");
    keep("entitlement", body.entitlement);
    nest.clock.advance(61);
    nest.stripe.fault({ calls: 1, kind: "error" });
    await status();
    nest.stripe.createSubscription({ email: BUYER });
    await nest.deliverEvents();
    const dispute = nest.stripe.dispute(id);
    nest.stripe.closeDispute(dispute.id, "lost");
    nest.stripe.cancelSubscription(id, { isAtPeriodEnd: true });
    await nest.deliverEvents();
    const { body: event, header } = nest.stripe.signedEvent({ id: "evt_forged", type: "x", created: 1 });
    await nest.call("/1/webhook/stripe", event, { headers: { "stripe-signature": `${header}0` } });
    await nest.call("/1/webhook/stripe", event, { headers: { "stripe-signature": BUYER } });
  }

  async function tryForFree(): Promise<void> {
    nest.stripe.fault({ calls: 1, kind: "error" });
    await trial(TRIER, "machine-of-a-trier");
    nest.ses.fault({ calls: 1, kind: "rejected" });
    await trial(TRIER, "machine-of-a-trier");
    await trial(TRIER, "machine-of-a-trier");
    nest.stripe.fault({ calls: 1, kind: "error" });
    const events = nest.stripe.events().slice(-1);
    for (const event of events) await failing(nest.webhook(event));
    await nest.deliverEvents();
    keepTokens(await nest.signIn(TRIER, {}, HOME));
    await trial(TRIER, "machine-of-a-trier");
    await trial(BUYER, "another-machine");
    nest.stripe.advance({ days: 12 });
    await nest.deliverEvents();
  }

  async function bounce(): Promise<void> {
    await link(BOUNCER);
    const serve = serveEvent(sesEvents.declaration, nest.gateway);
    const mail = { messageId: "m1", destination: [BOUNCER] };
    const recipients = [{ emailAddress: BOUNCER }];
    const detail = {
      eventType: "Bounce",
      mail,
      bounce: { bounceType: "Permanent", bouncedRecipients: recipients },
    };
    const event = { id: "ses-1", time: nest.clock.now().toISOString(), detail };
    await serve(event, { awsRequestId: "r" } as Context);
    await serve({ ...event, id: BOUNCER, time: "never" }, { awsRequestId: "r" } as Context);
    await nest.call(`${V1}send_magic_link`, ask(BOUNCER), HOME);
  }

  /** A document that is not what the code knows, so that something it does not foresee goes wrong. */
  async function breakADocument(): Promise<void> {
    const code = keepCode(await link(PERSON));
    await nest
      .collection("authorizations")
      .updateOne({ _id: code.split(".")[0] ?? "" }, { $set: { key: null } });
    await failing(nest.redeem(code, {}, HOME));
    const tokens = await nest.signIn(PERSON, {}, HOME);
    keepTokens(tokens);
    const [, id = ""] = tokens.refresh_token.split(".");
    await nest.collection("refresh-tokens").updateOne({ _id: id }, { $set: { key: 7 } });
    await failing(nest.refresh(tokens.refresh_token, {}, HOME));
  }

  /** Secrets and addresses where they don't belong: in paths, verbs, ids, headers. */
  async function misplace(): Promise<void> {
    const code = keepCode(await link(PERSON));
    for (const thing of [PERSON, code, nest.secrets.internalKey]) {
      await nest.call(`${V1}${encodeURIComponent(thing)}`, {});
      await nest.call(`/1/webhook/${encodeURIComponent(thing)}`, {});
      for (const scheme of ["bearer", "internal", "basic"])
        await nest.call(
          `${V2}get_user`,
          { user_id: thing },
          { headers: { authorization: `${scheme} ${thing}` } },
        );
      await nest.call(`${V1}list_news_items`, { client_id: thing });
      await nest.call(`${V1}authenticate_user`, { ...exchange(thing), client_id: thing });
      await nest.call(`${V1}send_magic_link`, { ...ask(PERSON), [thing]: thing });
      await nest.call(`${V1}send_magic_link`, `{"${thing}`);
    }
  }

  async function loseTheDatabase(): Promise<void> {
    const nowhere = await startNest({
      beside: nest,
      environment: { MONGODB_URI: "mongodb://127.0.0.1:1/nest?serverSelectionTimeoutMS=100" },
    });
    const code = keepCode(await link(PERSON));
    await Promise.all([
      failing(nowhere.redeem(code, {}, HOME)),
      failing(nowhere.call(`${V1}send_magic_link`, ask(PERSON), HOME)),
      failing(nowhere.call(`${V2}create_trial_and_magic_link`, ask(TRIER), HOME)),
      failing(nowhere.refresh(`01.reftok_none.${"0".repeat(64)}`, {}, HOME)),
    ]);
    nest.logLines.push(...nowhere.logLines);
    await nowhere.stop();
  }

  for (const chapter of [
    signInAndOut,
    payAndQuarrel,
    tryForFree,
    bounce,
    breakADocument,
    misplace,
    loseTheDatabase,
  ])
    await chapter();

  keep("internal key", nest.secrets.internalKey);
  keep("refresh key", nest.secrets.refreshKey);
  keep("rate limit key", nest.secrets.rateLimitKey);
  for (const { d = "" } of nest.secrets.signingKeys.keys) keep("signing key", d);
  keep("Stripe key", nest.stripe.secretKey);
  keep("webhook secret", nest.stripe.webhookSecret);
  return {
    secrets,
    addresses: [PERSON, BUYER, TRIER, BOUNCER],
    networks: [HOME.ip, "203.0.113.9"],
    words: [STATE, DEVICE.beak_id, DEVICE.fingerprint, "machine-of-a-trier", AGENT],
    failures,
  };
}
