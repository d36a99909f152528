import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DAY, HOUR } from "#core/clock.ts";
import { Receiver } from "#core/services/receiver.ts";
import { ReceiverHosts } from "#core/services/receiver_hosts.ts";
import { crashAt } from "#tests/support/crash.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";
import { P1, register } from "#tests/support/passwords.ts";
import { setRoles } from "#tests/support/roles.ts";
import {
  addWebhook,
  callWebhooks,
  deliver,
  impatient,
  listDeliveries,
  sendTest,
  startReceiver,
  type TestReceiver,
  verifySignature,
} from "#tests/support/webhooks.ts";

let receiver: TestReceiver;
let other: TestReceiver;
let nest: TestNest;
beforeEach(async () => {
  [receiver, other] = await Promise.all([startReceiver(), startReceiver()]);
  nest = await startNest({ environment: { WEBHOOK_ALLOW_HOSTS: `${receiver.host},${other.host}` } });
});
afterEach(async () => {
  await nest.stop();
  await Promise.all([receiver[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]);
});

const webhookOf = async (id: string) => nest.collection("webhooks").findOne({ _id: id });
const idsOf = ({ requests }: TestReceiver) => requests.map(({ headers }) => headers["webhook-id"]);

describe("an event", () => {
  test("arrives once, with ids only, and its signature verifies until a byte changes", async () => {
    const { id, secret } = await addWebhook(nest, { url: receiver.url, events: ["user.created"] });
    const { body } = await register(nest, { identifier_value: "new@example.com" });
    expect(await deliver(nest)).toEqual({ delivered: 1, refused: 0, failed: 0 });
    expect(await deliver(nest)).toEqual({ delivered: 0, refused: 0, failed: 0 });
    expect(receiver.requests).toHaveLength(1);
    const [request] = receiver.requests as [TestReceiver["requests"][number]];
    expect(verifySignature(secret, request, nest.clock.now())).toMatchObject({
      type: "user.created",
      timestamp: expect.any(String),
      data: {
        event_id: expect.stringMatching(/^event_/),
        user_id: body.user_id,
        target: { type: "user", id: body.user_id },
        details: { identifier_id: expect.stringMatching(/^userident_/) },
      },
    });
    const changed = { ...request, body: request.body.replace("user.created", "user.creates") };
    expect(() => verifySignature(secret, changed, nest.clock.now())).toThrow();
    expect(request.body).not.toMatch(/@|203\.0\.113|correct horse/);
    expect(request.body).not.toContain(P1);
    expect(Buffer.byteLength(request.body)).toBeLessThan(20_000);
    expect(await listDeliveries(nest, id)).toMatchObject([
      { event: "user.created", message_id: request.headers["webhook-id"], status: "succeeded" },
    ]);
  });

  test("of a sign-in arrives, and a failed sign-in never does", async () => {
    await addWebhook(nest, { url: receiver.url, events: ["user.signed_in"] });
    await addWebhook(nest, { url: other.url, events: ["*"] });
    await nest.signIn();
    await nest.redeem(await nest.emailedCode(), { code_verifier: "wrong".repeat(10) });
    await deliver(nest);
    expect(receiver.requests.map(({ body }) => JSON.parse(body).type)).toEqual(["user.signed_in"]);
    expect(other.requests.map(({ body }) => JSON.parse(body).type)).not.toContain("user.sign_in_failed");
    expect(await nest.collection("audit_logs").countDocuments({ announceDueAt: { $exists: true } })).toBe(0);
  });

  test("goes only to webhooks that want it, existed then, are enabled, and name its client", async () => {
    await nest.signIn("before@example.com");
    nest.clock.advance(1);
    const events = ["user.created"];
    await addWebhook(nest, { url: receiver.url, events });
    const stranger = await addWebhook(nest, { url: other.url, events, client_ids: [otherClient()] });
    const disabled = await addWebhook(nest, { url: other.url, events });
    await callWebhooks(nest, "update_webhook", { webhook_id: disabled.id, enabled: false });
    const unrelated = await addWebhook(nest, { url: other.url, events: ["role.changed"] });
    const { user_id } = await nest.signIn("after@example.com");
    await deliver(nest);
    expect(receiver.requests.map(({ body }) => JSON.parse(body).data.user_id)).toEqual([user_id]);
    expect(other.requests).toEqual([]);
    for (const { id } of [stranger, disabled, unrelated]) expect(await listDeliveries(nest, id)).toEqual([]);
  });

  test("has one message and one delivery when five runs overlap, and each attempt is made once", async () => {
    await addWebhook(nest, { url: receiver.url, events: ["user.created"] });
    for (let user = 0; user < 12; user++) await nest.signIn(`person${user}@example.com`);
    const beside = await startNest({ beside: nest, environment: nest.environment });
    const runs = await Promise.all([nest, beside, nest, beside, nest].map((one) => deliver(one)));
    await beside.stop();
    expect(runs.reduce((sum, { delivered }) => sum + delivered, 0)).toBe(12);
    expect(new Set(idsOf(receiver)).size).toBe(12);
    expect(receiver.requests).toHaveLength(12);
  });

  test("is claimed by one of twenty workers", async () => {
    const { id } = await addWebhook(nest, { url: receiver.url });
    await sendTest(nest, id);
    const { webhookDeliveries } = nest.gateway.core;
    const [due] = await webhookDeliveries.listDue(id, nest.clock.now().toISOString(), 1);
    if (due === undefined) throw new Error("nothing is due");
    const until = new Date(nest.clock.now().getTime() + 60_000).toISOString();
    const claims = await Promise.all(Array.from({ length: 20 }, () => webhookDeliveries.claim(due, until)));
    expect(claims.filter((one) => one !== null)).toMatchObject([{ tries: 1, leasedUntil: until }]);
  });

  test.each([1, 2, 3, 4])(
    "arrives after a crash at write %i of the run that announces and sends it",
    async (at) => {
      await addWebhook(nest, { url: receiver.url, events: ["user.created"] });
      await nest.signIn();
      await deliverUntilCrash(at);
      nest.clock.advance(61);
      await deliver(nest);
      expect(new Set(idsOf(receiver)).size).toBe(1);
      // A crash after the request was sent sends it again: at least once.
      expect(receiver.requests.length).toBeLessThanOrEqual(2);
    },
  );

  /** Runs the job until its n-th write. */
  async function deliverUntilCrash(at: number): Promise<void> {
    const crashed = Promise.withResolvers<void>();
    const { open, settled } = crashAt(nest.gateway, { at, when: "after" }, () => crashed.resolve());
    void deliver({ gateway: { ...nest.gateway, ...open } }).catch(() => undefined);
    await crashed.promise;
    await settled();
  }
});

/** A client that no test signs in with. */
const otherClient = () => "client_000000CAixkP7YVb0cH1zvNfE5mYi";

describe("a receiver", () => {
  test("that answers 500, 500 and 200 gets three tries with one id, later timestamps and growing pauses", async () => {
    const { id, secret } = await addWebhook(nest, { url: receiver.url });
    await sendTest(nest, id);
    receiver.answers.push(500, 500);
    await deliver(nest);
    expect((await webhookOf(id))?.failingSince).toEqual(expect.any(String));
    for (const seconds of [3, 3, 240, 100]) {
      nest.clock.advance(seconds);
      await deliver(nest);
    }
    expect(new Set(idsOf(receiver)).size).toBe(1);
    const times = receiver.requests.map(({ headers }) => Number(headers["webhook-timestamp"]));
    const [first = 0, second = 0, third = 0] = times;
    expect(second - first).toBeGreaterThanOrEqual(5);
    expect(third - second).toBeGreaterThan(250);
    for (const [index, request] of receiver.requests.entries())
      expect(() => verifySignature(secret, request, new Date((times[index] ?? 0) * 1000))).not.toThrow();
    const [delivery] = await listDeliveries(nest, id);
    expect(delivery).toMatchObject({
      status: "succeeded",
      next_attempt_at: null,
      attempts: [
        { status: 500, error: "status" },
        { status: 500, error: "status" },
        { status: 204, error: null },
      ],
    });
    expect((await webhookOf(id))?.failingSince).toBe(null);
  });

  test("that redirects is not followed, and one that hangs or closes the connection fails", async () => {
    const { id } = await addWebhook(nest, { url: receiver.url });
    receiver.answers.push(
      (response) => void response.writeHead(302, { location: other.url }).end(),
      () => undefined,
      (response) => void response.destroy(),
    );
    for (const _each of [1, 2, 3]) {
      await sendTest(nest, id);
      await deliver(nest, { client: impatient(nest, 50) });
    }
    const deliveries = await listDeliveries(nest, id);
    expect(deliveries.map((one: { attempts: object[] }) => one.attempts[0])).toMatchObject([
      { status: null, error: "connection" },
      { status: null, error: "timeout" },
      { status: 302, error: "status" },
    ]);
    expect(other.requests).toEqual([]);
  });

  test("that hangs delays no other, and gets at most five requests at once", async () => {
    const { id: hanging } = await addWebhook(nest, { url: receiver.url });
    const { id: quick } = await addWebhook(nest, { url: other.url });
    const held: (() => void)[] = [];
    for (let index = 0; index < 20; index++)
      receiver.answers.push((response) => void held.push(() => response.writeHead(204).end()));
    for (let index = 0; index < 8; index++)
      await Promise.all([hanging, quick].map((id) => sendTest(nest, id)));
    const run = deliver(nest);
    await expect.poll(() => [receiver.requests.length, other.requests.length]).toEqual([5, 8]);
    const timer = setInterval(() => held.splice(0).map((release) => release()), 5);
    expect(await run).toEqual({ delivered: 16, refused: 0, failed: 0 });
    clearInterval(timer);
  });

  test("that asks for a later retry gets it, at most a day later", async () => {
    const { id } = await addWebhook(nest, { url: receiver.url });
    await sendTest(nest, id);
    const ask = (after: string) => (response: import("node:http").ServerResponse) =>
      void response.writeHead(503, { "retry-after": after }).end();
    receiver.answers.push(ask("3600"), ask("999999"));
    await deliver(nest);
    nest.clock.advance(HOUR - 1);
    await deliver(nest);
    expect(receiver.requests).toHaveLength(1);
    nest.clock.advance(1);
    await deliver(nest);
    nest.clock.advance(DAY);
    await deliver(nest);
    expect(receiver.requests).toHaveLength(3);
  });

  test("that answers 410 gets nothing more, its waiting deliveries are abandoned, and each administrator is mailed once", async () => {
    const { body } = await register(nest, { identifier_value: "admin@example.com" });
    await nest.verifyAddresses(body.user_id);
    await setRoles(nest, body.user_id, ["admin"]);
    const { id } = await addWebhook(nest, { url: receiver.url });
    for (let index = 0; index < 3; index++) await sendTest(nest, id);
    receiver.answers.push(410, 410, 410);
    await deliver(nest);
    await deliver(nest);
    expect(await webhookOf(id)).toMatchObject({ enabled: false, disabledReason: "gone" });
    expect(await webhookOf(id)).not.toHaveProperty("noticeDueAt");
    const mails = nest.ses.inbox.filter(({ subject }) => subject.includes("webhook"));
    expect(mails.map(({ to }) => to)).toEqual(["admin@example.com"]);
    expect(mails[0]?.text).toContain("410");
    const rows = (await nest.moveEvents()).filter(({ action }) => action === "webhook.disabled");
    expect(rows).toMatchObject([{ actor: { type: "job" }, data: { reason: "gone" } }]);
    expect(await nest.collection("webhook_deliveries").countDocuments({ status: "pending" })).toBe(0);
    expect(await callWebhooks(nest, "send_test_webhook", { webhook_id: id })).toMatchObject({ status: 409 });
  });

  test("that has failed for 5 days is disabled, and one that answered meanwhile is not", async () => {
    const ids = await Promise.all(
      [receiver, other].map(async ({ url }) => (await addWebhook(nest, { url })).id),
    );
    for (const { answers } of [receiver, other]) answers.push(...Array(20).fill(500));
    const fail = async () => {
      await Promise.all(ids.map((id) => sendTest(nest, id)));
      await deliver(nest);
    };
    await fail();
    nest.clock.advance(4 * DAY);
    await callWebhooks(nest, "update_webhook", { webhook_id: ids[1], url: `${other.url}/new` });
    await fail();
    nest.clock.advance(DAY + HOUR);
    await fail();
    expect((await webhookOf(ids[0] ?? ""))?.disabledReason).toBe("failing");
    expect((await webhookOf(ids[1] ?? ""))?.enabled).toBe(true);
  });

  test("fails for good after ten attempts, and can be sent again under the same id", async () => {
    const { id } = await addWebhook(nest, { url: receiver.url });
    const deliveryId = await sendTest(nest, id);
    receiver.answers.push(...Array(10).fill(500));
    for (let attempt = 0; attempt < 12; attempt++) {
      await deliver(nest);
      nest.clock.advance(DAY / 3);
      if (attempt > 5) nest.clock.advance(DAY);
      await nest.collection("webhooks").updateOne({ _id: id }, { $set: { failingSince: null } });
    }
    expect(receiver.requests).toHaveLength(10);
    expect((await listDeliveries(nest, id, { status: "failed" }))[0].attempts).toHaveLength(10);
    const retried = await callWebhooks(nest, "retry_webhook_delivery", { delivery_id: deliveryId });
    expect(retried).toMatchObject({ status: 200, body: { delivery: { status: "pending" } } });
    await deliver(nest);
    expect(new Set(idsOf(receiver)).size).toBe(1);
    expect((await listDeliveries(nest, id))[0]).toMatchObject({ status: "succeeded" });
  });

  test("whose name gets a private address after it was stored gets no connection", async () => {
    const { id } = await addWebhook(nest, { url: receiver.url });
    const name = `https://rebound.example.com:${new URL(receiver.url).port}/`;
    await nest.collection("webhooks").updateOne({ _id: id }, { $set: { url: name } });
    await sendTest(nest, id);
    const client = new Receiver(new ReceiverHosts([], async () => ["127.0.0.1"]));
    await deliver(nest, { client });
    expect((await listDeliveries(nest, id))[0].attempts).toMatchObject([{ error: "address_not_allowed" }]);
    expect(receiver.requests).toEqual([]);
  });

  test("gets the second attempt in the run of the first, if the run is patient", async () => {
    const { id } = await addWebhook(nest, { url: receiver.url });
    await sendTest(nest, id);
    receiver.answers.push(500);
    const run = deliver(nest, { patienceMs: 10_000 });
    // The clock of the test stands still: it is moved once the attempt is stored.
    await expect.poll(async () => (await listDeliveries(nest, id))[0].attempts.length).toBe(1);
    nest.clock.advance(6);
    expect(await run).toEqual({ delivered: 1, refused: 1, failed: 0 });
    expect(receiver.requests).toHaveLength(2);
  });

  test("that switches protocols fails, and the run ends", async () => {
    const { id } = await addWebhook(nest, { url: receiver.url });
    await sendTest(nest, id);
    receiver.answers.push((response) => {
      response.socket?.end("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ws\r\n\r\n");
    });
    expect(await deliver(nest)).toEqual({ delivered: 0, refused: 1, failed: 0 });
    expect((await listDeliveries(nest, id))[0].attempts).toMatchObject([{ status: 101, error: "status" }]);
  });

  test("whose URL and secret are replaced gets the next request there, and the old URL's 410 disables nothing", async () => {
    const { id, secret } = await addWebhook(nest, { url: receiver.url });
    for (let index = 0; index < 12; index++) await sendTest(nest, id);
    const held: (() => void)[] = [];
    for (let index = 0; index < 5; index++)
      receiver.answers.push((response) => void held.push(() => response.writeHead(410).end()));
    const run = deliver(nest);
    await expect.poll(() => held.length).toBe(5);
    await callWebhooks(nest, "update_webhook", { webhook_id: id, url: other.url });
    const { body } = await callWebhooks(nest, "rotate_webhook_secret", { webhook_id: id });
    for (const release of held) release();
    expect(await run).toEqual({ delivered: 7, refused: 5, failed: 0 });
    expect([receiver.requests.length, other.requests.length]).toEqual([5, 7]);
    for (const request of other.requests)
      for (const one of [secret, body.secret])
        expect(() => verifySignature(one, request, nest.clock.now())).not.toThrow();
    expect(await webhookOf(id)).toMatchObject({ enabled: true, failingSince: null });
    nest.clock.advance(6);
    expect(await deliver(nest)).toEqual({ delivered: 5, refused: 0, failed: 0 });
  });

  test("that is disabled while it hangs gets nothing more", async () => {
    const { id } = await addWebhook(nest, { url: receiver.url });
    for (let index = 0; index < 8; index++) await sendTest(nest, id);
    const held: (() => void)[] = [];
    for (let index = 0; index < 5; index++)
      receiver.answers.push((response) => void held.push(() => response.writeHead(500).end()));
    const run = deliver(nest);
    await expect.poll(() => held.length).toBe(5);
    await callWebhooks(nest, "update_webhook", { webhook_id: id, enabled: false });
    for (const release of held) release();
    await run;
    expect(receiver.requests).toHaveLength(5);
    const statuses = (await listDeliveries(nest, id)).map(({ status }: { status: string }) => status);
    expect(new Set(statuses)).toEqual(new Set(["abandoned"]));
  });

  test("that hangs keeps one of four runs, gets five requests at once, and then what the other runs left", async () => {
    const { id } = await addWebhook(nest, { url: receiver.url });
    for (let index = 0; index < 20; index++) await sendTest(nest, id);
    const held: (() => void)[] = [];
    for (let index = 0; index < 5; index++)
      receiver.answers.push((response) => void held.push(() => response.writeHead(204).end()));
    const first = deliver(nest);
    await expect.poll(() => held.length).toBe(5);
    await sendTest(nest, id);
    const nothing = { delivered: 0, refused: 0, failed: 0 };
    expect(await Promise.all([1, 2, 3].map(() => deliver(nest)))).toEqual([nothing, nothing, nothing]);
    expect(receiver.requests).toHaveLength(5);
    for (const release of held) release();
    expect(await first).toEqual({ delivered: 21, refused: 0, failed: 0 });
    expect(await webhookOf(id)).not.toHaveProperty("lane");
  });

  test("is sent to by one of twenty runs that start at once, and by another once that one crashed for a minute", async () => {
    const { id } = await addWebhook(nest, { url: receiver.url });
    const { webhooks, clock } = nest.gateway.core;
    const claim = (owner: number) =>
      webhooks.claimLane(id, `run${owner}`, {
        now: clock.now().toISOString(),
        until: new Date(clock.now().getTime() + 60_000).toISOString(),
      });
    const claims = await Promise.all(Array.from({ length: 20 }, (_none, owner) => claim(owner)));
    expect(claims.filter((one) => one !== null)).toHaveLength(1);
    await webhooks.releaseLane(id, "run20");
    expect(await claim(20)).toBeNull();
    nest.clock.advance(60);
    expect(await claim(20)).toMatchObject({ lane: { owner: "run20" } });
  });

  test("gets nothing after the deadline of a run, and the next run sends it", async () => {
    const { id } = await addWebhook(nest, { url: receiver.url });
    await sendTest(nest, id);
    await deliver(nest, { deadlineMs: 0 });
    expect(receiver.requests).toEqual([]);
    await deliver(nest);
    expect(receiver.requests).toHaveLength(1);
  });
});
