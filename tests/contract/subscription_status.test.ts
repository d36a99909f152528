import { createRemoteJWKSet, customFetch, decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import app from "#app";
import { DAY, HOUR, MINUTE, plusSeconds } from "#core/clock.ts";
import {
  codeIn,
  linkRequest,
  MAC,
  startNest,
  type TestNest,
  type Tokens,
  V1,
  V2,
} from "#tests/support/nest.ts";

const ADA = "ada@example.com";
let nest: TestNest;
let ada: Tokens;
beforeEach(async () => {
  nest = await startNest();
  ada = await nest.signIn(ADA);
});
afterEach(() => nest.stop());

const bearer = () => ({ bearer: ada.access_token });
const status = () => nest.call(`${V2}get_subscription_status`, { user_id: ada.user_id }, { internal: true });
const statusOf = () => nest.subscriptionStatus(ada.user_id);
const asAda = () => nest.call(`${V2}get_subscription_status`, { user_id: ada.user_id }, bearer());
const heartbeat = (body?: unknown, options: object = bearer()) =>
  nest.call(`${V1}get_subscription_status`, body, options);
const subscribe = async (wanted: object = {}) => {
  const made = nest.stripe.createSubscription({ email: ADA, ...wanted });
  await nest.deliverEvents();
  return made;
};

describe("contract J, subscription status", () => {
  test("J47: returns no_active_subscription without a subscription, also for unknown users", async () => {
    const reply = await asAda();
    expect({ status: reply.status, body: reply.body }).toEqual({
      status: 402,
      body: { code: "no_active_subscription" },
    });
    const unknown = await nest.call(
      `${V2}get_subscription_status`,
      { user_id: "user_none" },
      { internal: true },
    );
    expect(unknown.body.code).toBe("no_active_subscription");
  });

  test("J48: returns status, dates, portal link and entitlement of a subscription", async () => {
    const { id } = await subscribe();
    const reply = await asAda();
    const [stripes] = nest.stripe.subscriptions();
    const iso = (seconds: number | undefined) => new Date((seconds ?? 0) * 1000).toISOString();
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual({
      status: "active",
      billing_portal_url: expect.stringMatching(/^http/),
      start_date: iso(stripes?.items.data[0]?.current_period_start),
      end_date: iso(stripes?.items.data[0]?.current_period_end),
      cancel_at: null,
      cancel_type: null,
      cancelled_at: null,
      entitlement: expect.any(String),
    });
    nest.stripe.cancelSubscription(id, { isAtPeriodEnd: true });
    await nest.deliverEvents();
    expect((await asAda()).body).toMatchObject({
      status: "active",
      cancel_at: reply.body.end_date,
      cancel_type: "period_end",
      cancelled_at: expect.any(String),
      end_date: reply.body.end_date,
    });
  });

  test.each(["error", "hang", "rate_limited"] as const)(
    "J48: responds in time with a null portal link when Stripe fails (%s)",
    async (kind) => {
      await subscribe();
      nest.stripe.fault({ calls: 5, kind });
      const reply = await asAda();
      expect([reply.status, reply.body.status, reply.body.billing_portal_url]).toEqual([200, "active", null]);
      expect(reply.body.entitlement).toEqual(expect.any(String));
      expect(nest.logLines.join()).not.toContain("billing.stripe.com");
    },
  );

  test("J48: does not wait for the SDK's retry when Stripe cuts the connection late", async () => {
    await subscribe();
    nest.stripe.latency(1_700);
    nest.stripe.fault({ calls: 5, kind: "lost" });
    const reply = await asAda();
    expect({ status: reply.status, billing_portal_url: reply.body.billing_portal_url }).toEqual({
      status: 200,
      billing_portal_url: null,
    });
    expect(nest.stripe.requests.filter(({ path }) => path.includes("/billing_portal/"))).toHaveLength(1);
  });

  test("the portal leads back to the URL of the app, and to Stripe's own setting if the app names none", async () => {
    await subscribe();
    const portalReturn = { local: "https://app.example/account", nonprod: null, prod: null };
    const other = await startNest({ beside: nest, app: { ...app, urls: { ...app.urls, portalReturn } } });
    await asAda();
    await other.call(`${V2}get_subscription_status`, { user_id: ada.user_id }, bearer());
    const sessions = nest.stripe.requests.filter(({ path }) => path === "/v1/billing_portal/sessions");
    expect(sessions.map(({ params }) => params.return_url)).toEqual([
      undefined,
      "https://app.example/account",
    ]);
    await other.stop();
  });

  test("reuses a portal link of a customer for a minute, and never stores or logs it", async () => {
    await subscribe();
    const sessions = () =>
      nest.stripe.requests.filter(({ path }) => path === "/v1/billing_portal/sessions").length;
    const first = (await asAda()).body.billing_portal_url;
    expect((await asAda()).body.billing_portal_url).toBe(first);
    expect(sessions()).toBe(1);
    nest.stripe.createSubscription({ email: "bob@example.com" });
    await nest.deliverEvents();
    const bob = await nest.signIn("bob@example.com");
    const asBob = await nest.call(
      `${V2}get_subscription_status`,
      { user_id: bob.user_id },
      { bearer: bob.access_token },
    );
    expect(asBob.body.billing_portal_url).toMatch(/^http/);
    expect(asBob.body.billing_portal_url).not.toBe(first);
    expect((await asAda()).body.billing_portal_url).toBe(first);
    expect(sessions()).toBe(2);
    nest.clock.advance(61);
    expect((await asAda()).body.billing_portal_url).not.toBe(first);
    expect(sessions()).toBe(3);
    expect((await nest.dump()) + nest.logLines.join()).not.toContain(new URL(first).pathname);
  });

  test("hides a subscription from everyone until its owner redeems a magic link", async () => {
    const { id } = nest.stripe.createSubscription({ email: "bob@example.com" });
    await nest.deliverEvents();
    const record = await nest.collection("subscriptions").findOne({ stpSubscriptionId: id });
    expect(record).toMatchObject({ status: "active" });
    expect(nest.lastMail("bob@example.com").subject).toBe("Welcome to Beak!");
    const user_id = record?.userId;
    for (const path of [V1, V2]) {
      const reply = await nest.call(`${path}get_subscription_status`, { user_id }, { internal: true });
      expect(reply).toMatchObject({ status: 402, body: { code: "no_active_subscription" } });
    }
    expect(nest.stripe.requests.filter(({ path }) => path.includes("/billing_portal/"))).toEqual([]);
    // The link is requested but not redeemed.
    await nest.requestLink({ identifier_value: "bob@example.com" });
    const asked = () => nest.call(`${V2}get_subscription_status`, { user_id }, { internal: true });
    expect((await asked()).body.code).toBe("no_active_subscription");
    const bob = await nest.signIn("bob@example.com");
    expect(bob.user_id).toBe(user_id);
    expect((await asked()).body).toMatchObject({ status: "active", billing_portal_url: expect.any(String) });
  });

  test("hides a subscription from a session whose user has only unverified or removed addresses", async () => {
    await subscribe();
    const change = (fields: Record<string, unknown>) =>
      nest.collection("identifiers").updateMany({ userId: ada.user_id }, { $set: fields });
    const verifiedAt = nest.clock.now().toISOString();
    await change({ verifiedAt: null });
    expect((await asAda()).body).toEqual({ code: "no_active_subscription" });
    expect((await heartbeat()).body.code).toBe("no_active_subscription");
    await change({ verifiedAt, removedAt: verifiedAt });
    expect((await asAda()).body).toEqual({ code: "no_active_subscription" });
    await change({ verifiedAt, removedAt: null });
    expect((await asAda()).body.entitlement).toEqual(expect.any(String));
  });

  test("skips the portal link for 30 s on every call after one timeout, then requests it again", async () => {
    await subscribe();
    nest.stripe.createSubscription({ email: "bob@example.com" });
    await nest.deliverEvents();
    const bob = await nest.signIn("bob@example.com");
    const asBob = () =>
      nest.call(`${V2}get_subscription_status`, { user_id: bob.user_id }, { bearer: bob.access_token });
    const requested = () =>
      nest.stripe.requests.filter(({ path }) => path.includes("/billing_portal/")).length;
    nest.stripe.fault({ calls: 9, kind: "hang" });
    for (const ask of [asAda, asAda, asBob, status]) {
      const { body } = await ask();
      expect(body).toMatchObject({ status: "active", billing_portal_url: null });
    }
    expect(requested()).toBe(1);
    nest.stripe.fault({ calls: 0, kind: "none" });
    nest.clock.advance(25);
    expect((await asAda()).body.billing_portal_url).toBeNull();
    nest.clock.advance(6);
    expect((await asBob()).body.billing_portal_url).toMatch(/^http/);
    expect((await asAda()).body.billing_portal_url).toMatch(/^http/);
  });

  test("requests the portal link again immediately after Stripe responded with an error", async () => {
    await subscribe();
    nest.stripe.fault({ calls: 1, kind: "error" });
    expect((await asAda()).body.billing_portal_url).toBeNull();
    expect((await asAda()).body.billing_portal_url).toMatch(/^http/);
  });

  test("J49: returns 204 to the heartbeat of 2020-12-14 with no body, {} or the caller's own user id, without a call to Stripe", async () => {
    expect((await heartbeat()).body.code).toBe("no_active_subscription");
    await subscribe();
    nest.stripe.clear();
    for (const body of [undefined, {}, { user_id: ada.user_id }]) {
      expect(await heartbeat(body)).toMatchObject({ status: 204, raw: "" });
    }
    expect((await heartbeat(undefined, {})).body.code).toBe("access_denied");
    expect((await heartbeat({ user_id: "user_other" })).body.code).toBe("access_denied");
    expect((await heartbeat({ more: 1 })).body.code).toBe("validation_failed");
    expect((await heartbeat({}, { internal: true })).body.code).toBe("access_denied");
    expect(await heartbeat({ user_id: ada.user_id }, { internal: true })).toMatchObject({ status: 204 });
    expect(nest.stripe.requests).toEqual([]);
  });
});

describe("usable subscriptions", () => {
  test.each([
    ["active", {}],
    ["trialing", { trialDays: 14 }],
    ["past_due", { status: "past_due" }],
    ["incomplete", { status: "incomplete" }],
  ] as const)("grants access with the status %s", async (name, wanted) => {
    await subscribe(wanted);
    expect(await statusOf()).toBe(name);
  });

  test.each(["unpaid", "paused", "canceled", "incomplete_expired"] as const)(
    "grants no access with the status %s",
    async (name) => {
      await subscribe({ status: name });
      expect(await statusOf()).toBe("no_active_subscription");
    },
  );

  test("grants access for 24 hours after the stored end", async () => {
    await subscribe();
    const { end_date } = (await status()).body;
    const untilEnd = (Date.parse(end_date) - nest.clock.now().getTime()) / 1000;
    nest.clock.advance(untilEnd + DAY - 60);
    expect(await statusOf()).toBe("active");
    nest.clock.advance(61);
    expect(await statusOf()).toBe("no_active_subscription");
  });

  test("ends access at cancel_at, before the period ends", async () => {
    const { id } = await subscribe();
    const end = Math.floor(nest.clock.now().getTime() / 1000) + 5 * DAY;
    nest.stripe.updateSubscription(id, { cancel_at: end });
    await nest.deliverEvents();
    const { body } = await status();
    expect({ end_date: body.end_date, cancel_type: body.cancel_type }).toEqual({
      end_date: new Date(end * 1000).toISOString(),
      cancel_type: "period_end",
    });
    nest.clock.advance(6 * DAY + 60);
    expect(await statusOf()).toBe("no_active_subscription");
  });

  test("grants access with the status incomplete for an hour", async () => {
    await subscribe({ status: "incomplete" });
    nest.clock.advance(HOUR - MINUTE);
    expect(await statusOf()).toBe("incomplete");
    nest.clock.advance(2 * MINUTE);
    expect(await statusOf()).toBe("no_active_subscription");
  });

  test("ends access seven days after the oldest open invoice of a past_due subscription, in a period that nobody paid", async () => {
    const { id } = await subscribe({ status: "past_due" });
    const listed = await fetch(`${nest.stripe.url}/v1/invoices?subscription=${id}&status=open`, {
      headers: { authorization: `Bearer ${nest.stripe.secretKey}` },
    });
    const [open] = ((await listed.json()) as { data: { created: number }[] }).data;
    const created = new Date((open?.created ?? 0) * 1000);
    const [stripes] = nest.stripe.subscriptions();
    const start = stripes?.items.data[0]?.current_period_start ?? 0;
    expect(await nest.collection("subscriptions").findOne({ stpSubscriptionId: id })).toMatchObject({
      paidUntil: new Date(start * 1000).toISOString(),
      oldestOpenInvoiceAt: created.toISOString(),
      endsAt: new Date((stripes?.items.data[0]?.current_period_end ?? 0) * 1000).toISOString(),
    });
    const reply = await asAda();
    const end = plusSeconds(created, 7 * DAY);
    expect(reply.body).toMatchObject({ status: "past_due", end_date: end.toISOString() });
    expect(decodeJwt(reply.body.entitlement).exp).toBe(end.getTime() / 1000);
    nest.clock.advance(7 * DAY - MINUTE);
    expect(await statusOf()).toBe("past_due");
    nest.clock.advance(2 * MINUTE);
    expect(await statusOf()).toBe("no_active_subscription");
  });

  test("grants only 24 hours after the paid period when PAST_DUE_DAYS is 0", async () => {
    const other = await startNest({ beside: nest, environment: { PAST_DUE_DAYS: "0" } });
    const { id } = nest.stripe.createSubscription({ email: ADA, status: "past_due" });
    await other.deliverEvents();
    const [stripes] = nest.stripe.subscriptions();
    const start = new Date((stripes?.items.data[0]?.current_period_start ?? 0) * 1000);
    expect((await status()).body.end_date).toBe(start.toISOString());
    nest.clock.advance(DAY - MINUTE);
    expect(await statusOf()).toBe("past_due");
    nest.clock.advance(2 * MINUTE);
    expect(await statusOf()).toBe("no_active_subscription");
    expect(id).toBe(stripes?.id);
    await other.stop();
  });

  test("uses the period of a past_due subscription that an earlier release stored, until its next event", async () => {
    const { id } = await subscribe({ status: "past_due" });
    const added = { paidUntil: 1, oldestOpenInvoiceAt: 1, pastDueUntil: 1, pausedCollection: 1 } as const;
    await nest.collection("subscriptions").updateOne({ stpSubscriptionId: id }, { $unset: added });
    nest.clock.advance(2 * DAY);
    const { body } = await status();
    expect(body).toMatchObject({ status: "past_due" });
    nest.stripe.updateSubscription(id, { metadata: { n: "1" } });
    await nest.deliverEvents();
    expect((await status()).body.end_date < body.end_date).toBe(true);
  });

  test("ends access of a past_due subscription without an open invoice with the last period that was paid", async () => {
    const { id } = await subscribe();
    const { end_date } = (await status()).body;
    nest.stripe.updateSubscription(id, { fields: { status: "past_due", ...movedPeriod(60) } });
    await nest.deliverEvents();
    expect((await status()).body).toMatchObject({ status: "past_due", end_date });
  });

  /** The items of the newest subscription with a later end of their period. */
  const movedPeriod = (days: number) => {
    const items = structuredClone(nest.stripe.subscriptions().at(-1)?.items);
    for (const item of items?.data ?? []) item.current_period_end += days * DAY;
    return { items };
  };

  test.each([
    ["void", false],
    ["keep_as_draft", true],
    ["mark_uncollectible", true],
  ] as const)(
    "after the paid period, collection that is paused with %s grants access: %s",
    async (behavior, isGranted) => {
      const { id } = await subscribe();
      const { end_date } = (await status()).body;
      const pause_collection = { behavior, resumes_at: null };
      nest.stripe.updateSubscription(id, { fields: { pause_collection, ...movedPeriod(60) } });
      await nest.deliverEvents();
      expect((await status()).body.end_date === end_date).toBe(!isGranted);
      nest.clock.advance((Date.parse(end_date) - nest.clock.now().getTime()) / 1000 + DAY + MINUTE);
      expect(await statusOf()).toBe(isGranted ? "active" : "no_active_subscription");
      expect(await nest.collection("subscriptions").findOne({ stpSubscriptionId: id })).toMatchObject({
        pausedCollection: behavior,
      });
      expect(nest.logged("collection_paused")).toMatchObject([
        { subscription_id: id, behavior, grants: isGranted },
      ]);
      nest.stripe.updateSubscription(id, { fields: { pause_collection: null } });
      await nest.deliverEvents();
      expect(await statusOf()).toBe("active");
      expect(await nest.collection("subscriptions").findOne({ stpSubscriptionId: id })).toMatchObject({
        pausedCollection: null,
        paidUntil: null,
      });
    },
  );

  test("grants nothing for months of voided invoices, nor for the rest of such a month once collection resumes", async () => {
    const { id } = await subscribe();
    const { end_date } = (await status()).body;
    const pause_collection = { behavior: "void", resumes_at: null };
    nest.stripe.updateSubscription(id, { fields: { pause_collection } });
    await nest.deliverEvents();
    expect(await statusOf()).toBe("active");
    for (let month = 0; month < 3; month++) await nest.passTime(31 * DAY);
    expect(await nest.collection("subscriptions").findOne({ stpSubscriptionId: id })).toMatchObject({
      status: "active",
      paidUntil: end_date,
    });
    expect(await statusOf()).toBe("no_active_subscription");
    nest.stripe.updateSubscription(id, { fields: { pause_collection: null } });
    await nest.deliverEvents();
    expect(await statusOf()).toBe("no_active_subscription");
    await nest.passTime(31 * DAY);
    expect(await statusOf()).toBe("active");
  });

  test("ends access with the period when a schedule sets cancel_at years ahead", async () => {
    const { id } = await subscribe();
    const { end_date } = (await status()).body;
    const cancel_at = Math.floor(nest.clock.now().getTime() / 1000) + 730 * DAY;
    nest.stripe.updateSubscription(id, { fields: { cancel_at } });
    await nest.deliverEvents();
    expect((await status()).body.end_date).toBe(end_date);
  });

  test("shares the hour between an incomplete subscription and one that expired the same day", async () => {
    await subscribe({ status: "incomplete" });
    expect((await asAda()).body.status).toBe("incomplete");
    nest.clock.advance(23 * HOUR + MINUTE);
    nest.stripe.advance(0);
    await subscribe({ status: "incomplete" });
    expect(nest.stripe.subscriptions().map(({ status }) => status)).toEqual([
      "incomplete_expired",
      "incomplete",
    ]);
    expect(await statusOf()).toBe("no_active_subscription");
  });

  test("shares the hour between all incomplete subscriptions of a user", async () => {
    await subscribe({ status: "incomplete" });
    expect((await asAda()).body.status).toBe("incomplete");
    nest.clock.advance(HOUR - MINUTE);
    await subscribe({ status: "incomplete" });
    expect(await statusOf()).toBe("incomplete");
    nest.clock.advance(2 * MINUTE);
    expect(await statusOf()).toBe("no_active_subscription");
  });

  test("grants no access with an unknown status, and logs it", async () => {
    const { id } = await subscribe();
    nest.stripe.updateSubscription(id, { fields: { status: "snoozing" } });
    await nest.deliverEvents();
    expect(await statusOf()).toBe("no_active_subscription");
    expect(nest.logged("unknown_subscription_status")).not.toEqual([]);
  });
});

describe("the offline entitlement", () => {
  const jwks = () =>
    createRemoteJWKSet(new URL("https://nest.test/.well-known/jwks.json"), {
      [customFetch]: async () => {
        const { raw } = await nest.call("/.well-known/jwks.json", undefined, { method: "GET" });
        return new Response(raw, { headers: { "content-type": "application/json" } });
      },
    });

  test("names user, client and session, verifies with the JWKS, and expires after 14 days", async () => {
    await subscribe();
    const { entitlement } = (await asAda()).body;
    const { payload, protectedHeader } = await jwtVerify(entitlement, jwks(), {
      issuer: "https://nest.test",
      audience: MAC,
      typ: "entitlement+jwt",
      algorithms: ["ES256"],
    });
    expect(protectedHeader).toEqual({ alg: "ES256", typ: "entitlement+jwt", kid: expect.any(String) });
    expect(payload).toEqual({
      iss: "https://nest.test",
      sub: ada.user_id,
      aud: MAC,
      sid: decodeJwt(ada.access_token).sid,
      jti: expect.stringMatching(/^entitlement_/),
      iat: expect.any(Number),
      exp: (payload.iat as number) + 14 * DAY,
      status: "active",
    });
  });

  test("expires with the subscription's grace period if that is sooner", async () => {
    await subscribe({ trialDays: 3 });
    const { entitlement, end_date } = (await asAda()).body;
    expect(decodeJwt(entitlement).exp).toBe(Math.floor(Date.parse(end_date) / 1000) + DAY);
  });

  test("is not accepted as an access token, and is null for an internal caller", async () => {
    await subscribe();
    const { entitlement } = (await asAda()).body;
    expect(decodeProtectedHeader(entitlement).typ).not.toBe("at+jwt");
    const reply = await nest.call(`${V2}get_user`, { user_id: ada.user_id }, { bearer: entitlement });
    expect({ status: reply.status, code: reply.body.code }).toEqual({ status: 401, code: "unauthorized" });
    expect((await status()).body.entitlement).toBeNull();
  });
});

describe("a subscription's whole life, seen through get_subscription_status", () => {
  const BOB = "bob@example.com";
  const startTrial = async () => {
    const device = { platform: "mac", beak_id: "bob", fingerprint: "bob" };
    const body = linkRequest({ identifier_value: BOB, device });
    expect((await nest.call(`${V2}create_trial_and_magic_link`, body)).status).toBe(204);
    await nest.deliverEvents();
    ada = (await nest.redeem(codeIn(nest.firstMail(BOB)))).body;
    return nest.stripe.subscriptions().at(-1) as { id: string; customer: string };
  };

  test("reminds the owner of a trial without a card, then ends it", async () => {
    await startTrial();
    expect((await asAda()).body.status).toBe("trialing");
    await nest.passTime(10 * DAY);
    expect(await statusOf()).toBe("trialing");
    await nest.passTime(1.5 * DAY);
    expect(nest.ses.inbox.at(-1)?.subject).toBe("Your Beak trial ends soon");
    expect(await statusOf()).toBe("trialing");
    await nest.passTime(3 * DAY);
    expect(await statusOf()).toBe("no_active_subscription");
  });

  test("follows a trial with a card through active, renewed, past_due, recovered and ended", async () => {
    const { id, customer } = await startTrial();
    nest.stripe.attachCard(customer);
    await nest.passTime(14 * DAY + HOUR);
    expect(await statusOf()).toBe("active");
    const { end_date } = (await status()).body;
    await nest.passTime(32 * DAY);
    expect(await statusOf()).toBe("active");
    expect((await status()).body.end_date > end_date).toBe(true);
    nest.stripe.attachCard(customer, { declines: true });
    await nest.passTime(31 * DAY);
    expect(await statusOf()).toBe("past_due");
    await nest.passTime(DAY);
    expect(await statusOf()).toBe("past_due");
    nest.stripe.attachCard(customer);
    expect(nest.stripe.pay(id)).toBe("paid");
    await nest.deliverEvents();
    expect(await statusOf()).toBe("active");
    nest.stripe.cancelSubscription(id, { isAtPeriodEnd: true });
    await nest.deliverEvents();
    expect((await status()).body).toMatchObject({ status: "active", cancel_type: "period_end" });
    await nest.passTime(40 * DAY);
    expect(await statusOf()).toBe("no_active_subscription");
  });
});
