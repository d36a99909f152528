import { createHmac } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BUSY_MACHINE, startNest, type TestNest } from "#tests/support/nest.ts";
import { expectInvalidTraffic } from "#tests/support/stripe_traffic_check.ts";
import { countTrips } from "#tests/support/trips.ts";

const WEBHOOK = "/1/webhook/stripe";

describe("webhook forgery, replay and floods", () => {
  let nest: TestNest;
  let event: object;
  let body: string;
  let header: string;
  beforeEach(async () => {
    nest = await startNest({ slowdown: BUSY_MACHINE });
    nest.stripe.createSubscription({ email: "ada@example.com" });
    event = nest.stripe.events().find(({ type }) => type === "customer.subscription.created") ?? {};
    ({ body, header } = nest.stripe.signedEvent(event));
    nest.stripe.clear();
  });
  afterEach(() => nest.stop());

  const post = (content: unknown, signature: string, headers: Record<string, string> = {}) =>
    nest.call(WEBHOOK, content, { headers: { "stripe-signature": signature, ...headers } });
  const seconds = () => Math.floor(nest.clock.now().getTime() / 1000);
  const sign = (secret: string, stamp: number | string = seconds(), content = body, hash = "sha256") =>
    createHmac(hash, secret).update(`${stamp}.${content}`).digest("hex");

  test("a webhook with a wrong key, body or time reaches neither the database nor Stripe", async () => {
    const secret = nest.stripe.webhookSecret;
    const now = seconds();
    const good = sign(secret);
    const forged: Record<string, string> = {
      "no secret": `t=${now},v1=${sign("")}`,
      "a sample secret": `t=${now},v1=${sign("whsec_test")}`,
      "the secret without its prefix": `t=${now},v1=${sign(secret.slice(6))}`,
      "the Stripe key": `t=${now},v1=${sign(nest.stripe.secretKey)}`,
      "the secret's text in base64": `t=${now},v1=${sign(Buffer.from(secret).toString("base64"))}`,
      "SHA-1": `t=${now},v1=${sign(secret, now, body, "sha1")}`,
      "SHA-512": `t=${now},v1=${sign(secret, now, body, "sha512")}`,
      "a signature without the timestamp": `t=${now},v1=${createHmac("sha256", secret).update(body).digest("hex")}`,
      "another stamp": `t=${now + 1},v1=${good}`,
      "no stamp": `v1=${good}`,
      "a timestamp that is not a number": `t=now,v1=${sign(secret, "now")}`,
      "an empty stamp": `t=,v1=${sign(secret, "")}`,
      "a negative timestamp": `t=-1,v1=${sign(secret, -1)}`,
      "a timestamp in milliseconds": `t=${now * 1000},v1=${sign(secret, now * 1000)}`,
      "a timestamp of last year": `t=${now - 31_536_000},v1=${sign(secret, now - 31_536_000)}`,
      "six minutes ago": `t=${now - 360},v1=${sign(secret, now - 360)}`,
      "in six minutes": `t=${now + 360},v1=${sign(secret, now + 360)}`,
      "two stamps": `t=${now},t=${now + 9999},v1=${sign(secret, now + 9999)}`,
      "an old scheme": `t=${now},v0=${good}`,
      "an unknown scheme": `t=${now},v2=${good}`,
      "upper case": `t=${now},v1=${good.toUpperCase()}`,
      "cut short": `t=${now},v1=${good.slice(0, -1)}`,
      longer: `t=${now},v1=${good}00`,
      empty: `t=${now},v1=`,
      nothing: "",
      "a great many": `t=${now}${`,v1=${"0".repeat(64)}`.repeat(5000)}`,
      "an object": '{"t":1}',
    };
    const { commands } = await countTrips(nest.gateway.mongo.client, async () => {
      for (const [name, signature] of Object.entries(forged)) {
        const reply = await post(body, signature);
        expect({ status: reply.status, raw: reply.raw }, name).toEqual({
          status: 400,
          raw: '{"code":"invalid_webhook_payload"}',
        });
      }
      const altered = [`${body} `, ` ${body}`, `\ufeff${body}`, body.replace("{", "{ "), body.slice(0, -1)];
      for (const content of [...altered, body.replaceAll("ada@", "eva@"), `${body}${body}`, "{}"])
        if (content !== body) expect((await post(content, header)).body.code).toBe("invalid_webhook_payload");
      expect(
        (await post(body, header, { "stripe-signature": "", "x-stripe-signature": header })).status,
      ).toBe(400);
    });
    expect(commands).toEqual([]);
    expect(nest.stripe.requests).toEqual([]);
    expect((await post(body, header)).status).toBe(200);
  });

  test("a flood of forged webhooks makes no database commands, and real webhooks still succeed", async () => {
    const { commands } = await countTrips(nest.gateway.mongo.client, async () => {
      const flood = await Promise.all(
        Array.from({ length: 300 }, (_, index) =>
          post(`{"id":"evt_${index}"}`, `t=${seconds()},v1=${index}`),
        ),
      );
      expect(flood.every(({ status }) => status === 400)).toBe(true);
      const large = await Promise.all(
        Array.from({ length: 20 }, () => post("x".repeat(1024 * 1024 + 1), header)),
      );
      expect(large.every(({ status }) => status === 413)).toBe(true);
    });
    expect(commands).toEqual([]);
    const [genuine] = await Promise.all([
      post(body, header),
      ...Array.from({ length: 50 }, () => post("{}", header)),
    ]);
    expect(genuine.status).toBe(200);
  });

  test("a captured delivery is processed once when it is replayed 50 times concurrently and later", async () => {
    const first = await Promise.all(Array.from({ length: 50 }, () => post(body, header)));
    expect(first.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
    for (const { status, body: answer } of first)
      expect(status === 200 || answer.code === "unavailable").toBe(true);
    const before = await nest.dump();
    const { length } = nest.ses.inbox;
    const asked = nest.stripe.requests.length;
    nest.clock.advance(290);
    expect((await post(body, header)).status).toBe(200);
    expect([await nest.dump(), nest.ses.inbox.length, nest.stripe.requests.length]).toEqual([
      before,
      length,
      asked,
    ]);
    nest.clock.advance(20);
    expect((await post(body, header)).body.code).toBe("invalid_webhook_payload");
    expect(length).toBe(1);
  });

  test("an event with a false object changes nothing, since the object is fetched from Stripe", async () => {
    const victim = nest.stripe.createSubscription({ email: "victim@example.com" });
    const poor = nest.stripe.createSubscription({ email: "eve@example.com", status: "incomplete" });
    const lie = {
      ...event,
      id: "evt_lie",
      data: { object: { id: poor.id, customer: victim.customer, status: "active", object: "subscription" } },
    };
    expect((await expectInvalidTraffic(() => nest.webhook(lie))).status).toBe(200);
    const stored = await nest.collection("subscriptions").find().toArray();
    expect(stored).toMatchObject([
      { stpSubscriptionId: poor.id, stpCustomerId: poor.customer, status: "incomplete" },
    ]);
    const addresses = await nest.collection("identifiers").find().toArray();
    expect(addresses.map(({ identifierValue }) => identifierValue)).toEqual(["eve@example.com"]);
  });
});
