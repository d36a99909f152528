import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DAY } from "#core/clock.ts";
import { WEBHOOK_EVENTS } from "#core/events/announced_types.ts";
import { MAC, startNest, type TestNest, type Tokens } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";
import { setRoles } from "#tests/support/roles.ts";
import {
  addWebhook,
  callWebhooks,
  deliver,
  listDeliveries,
  sendTest,
  startReceiver,
  type TestReceiver,
  verifySignature,
} from "#tests/support/webhooks.ts";

let receiver: TestReceiver;
let nest: TestNest;
beforeEach(async () => {
  receiver = await startReceiver();
  nest = await startNest({ environment: { WEBHOOK_ALLOW_HOSTS: receiver.host } });
});
afterEach(async () => {
  await nest.stop();
  await receiver[Symbol.asyncDispose]();
});

const call = (method: string, body: object) => callWebhooks(nest, method, body);
const errorOf = ({ status, body }: { status: number; body: { code?: string } }) => [status, body?.code];
const actions = async () => (await nest.moveEvents()).map(({ action, data }) => [action, data]);

async function admin(): Promise<Tokens> {
  const tokens = await nest.signIn("admin@example.com");
  await setRoles(nest, tokens.user_id, ["admin"]);
  return tokens;
}

describe("a webhook", () => {
  test("is created with a secret that is shown once and stored encrypted", async () => {
    const { body } = await call("create_webhook", {
      url: receiver.url,
      events: ["user.created", "user.created"],
    });
    expect(body.webhook).toMatchObject({ url: receiver.url, events: ["user.created"], enabled: true });
    expect(Buffer.from(body.secret.slice("whsec_".length), "base64")).toHaveLength(32);
    const listed = await call("list_webhooks", {});
    expect(listed.body.items).toEqual([body.webhook]);
    expect(listed.raw).not.toContain("whsec_");
    expect(await nest.dump()).not.toContain(body.secret.slice("whsec_".length));
    expect(nest.logLines.join()).not.toContain(body.secret);
    expect(await actions()).toEqual([["webhook.created", {}]]);
  });

  test("needs the capability webhooks.manage", async () => {
    const person = await nest.signIn("person@example.com");
    const boss = await admin();
    const list = ({ access_token: bearer }: Tokens) => nest.call(`${V3}list_webhooks`, {}, { bearer });
    expect(errorOf(await list(person))).toEqual([403, "access_denied"]);
    expect((await list(boss)).status).toBe(200);
  });

  test("is refused with an unknown event, an unknown client and a URL that is not public", async () => {
    const create = (change: object) =>
      call("create_webhook", { url: receiver.url, events: ["*"], ...change });
    expect(errorOf(await create({ events: ["user.sign_in_failed"] }))).toEqual([400, "unknown_event"]);
    expect(errorOf(await create({ client_ids: ["client_none"] }))).toEqual([404, "client_not_found"]);
    const refused = await create({ url: "https://localhost/hook" });
    expect(refused).toMatchObject({ status: 400, body: { code: "webhook_url_not_allowed" } });
    expect(await nest.collection("webhooks").countDocuments()).toBe(0);
  });

  test("is one of at most 20, also when 24 calls race, and a deleted one makes room", async () => {
    const create = () => call("create_webhook", { url: receiver.url, events: ["*"] });
    const replies = await Promise.all(Array.from({ length: 24 }, create));
    const made = replies.filter(({ status }) => status === 200);
    for (const reply of replies.filter((one) => !made.includes(one)))
      expect([409, 503]).toContain(reply.status);
    while ((await create()).status === 200);
    expect(await nest.collection("webhooks").countDocuments({ removedAt: null } as object)).toBe(20);
    expect(errorOf(await create())).toEqual([409, "too_many_webhooks"]);
    await call("delete_webhook", { webhook_id: made[0]?.body.webhook.id });
    expect((await create()).status).toBe(200);
  });

  test("changes only what a call names, records it once, and is not changed by the same call again", async () => {
    const { id } = await addWebhook(nest, { url: receiver.url });
    const change = { webhook_id: id, events: ["*", "user.created"], client_ids: [MAC], description: "CRM" };
    const changed = await call("update_webhook", change);
    expect(changed.body.webhook).toMatchObject({
      ...{ url: receiver.url, events: ["*"], client_ids: [MAC], description: "CRM", enabled: true },
    });
    expect((await call("update_webhook", change)).body).toEqual(changed.body);
    const fields = (await actions())
      .filter(([action]) => action === "webhook.updated")
      .map(([, data]) => data);
    expect(fields).toEqual([{ fields: "events client_ids description" }]);
    expect(errorOf(await call("update_webhook", { webhook_id: "webhook_none" }))).toEqual([
      404,
      "webhook_not_found",
    ]);
  });

  test("that is disabled or deleted gets nothing that waited, and not later either", async () => {
    const { id } = await addWebhook(nest, { url: receiver.url });
    await sendTest(nest, id);
    await call("update_webhook", { webhook_id: id, enabled: false });
    await deliver(nest);
    expect(await listDeliveries(nest, id)).toMatchObject([{ status: "abandoned", next_attempt_at: null }]);
    await call("update_webhook", { webhook_id: id, enabled: true });
    await sendTest(nest, id);
    const deleted = await call("delete_webhook", { webhook_id: id });
    expect(deleted).toMatchObject({ status: 200, body: { deleted_at: expect.any(String) } });
    await deliver(nest);
    expect(receiver.requests).toEqual([]);
    for (const method of ["list_webhook_deliveries", "send_test_webhook", "rotate_webhook_secret"])
      expect(errorOf(await call(method, { webhook_id: id }))).toEqual([404, "webhook_not_found"]);
    expect(await nest.collection("webhooks").findOne({ _id: id })).toMatchObject({ secrets: [] });
  });

  test("that is deleted twice tells the first time again, with one event, and abandons what a call that stopped has left", async () => {
    const { id } = await addWebhook(nest, { url: receiver.url });
    const first = await call("delete_webhook", { webhook_id: id });
    nest.clock.advance(60);
    const left = { webhookId: id, status: "pending", nextAttemptAt: "2999" };
    await nest.collection("webhook_deliveries").insertOne({ _id: "whdel_left" as never, ...left });
    const again = await call("delete_webhook", { webhook_id: id });
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect(await nest.collection("webhook_deliveries").findOne({ webhookId: id })).toMatchObject({
      status: "abandoned",
    });
    expect(await nest.collection("webhooks").findOne({ _id: id })).toMatchObject({
      events: [{ type: "webhook.created" }, { type: "webhook.deleted" }],
    });
    const unknown = await call("delete_webhook", { webhook_id: "webhook_none" });
    expect(errorOf(unknown)).toEqual([404, "webhook_not_found"]);
  });

  test("of which only the deletion failed between its writes gets nothing either", async () => {
    const { id } = await addWebhook(nest, { url: receiver.url });
    await sendTest(nest, id);
    await nest.collection("webhooks").updateOne({ _id: id }, { $set: { removedAt: "2026", enabled: false } });
    await deliver(nest);
    expect(receiver.requests).toEqual([]);
    expect(await nest.collection("webhook_deliveries").countDocuments({ status: "abandoned" })).toBe(1);
  });
});

describe("a secret", () => {
  test("that is replaced signs beside the new one for a day, and then the new one alone", async () => {
    const { id, secret } = await addWebhook(nest, { url: receiver.url });
    const { body } = await call("rotate_webhook_secret", { webhook_id: id });
    expect(body).toMatchObject({
      secret: expect.stringMatching(/^whsec_/),
      old_secret_expires_at: expect.any(String),
    });
    await sendTest(nest, id);
    await deliver(nest);
    nest.clock.advance(DAY + 1);
    await sendTest(nest, id);
    await deliver(nest);
    const [both, single] = receiver.requests as [TestReceiver["requests"][0], TestReceiver["requests"][0]];
    expect(String(both.headers["webhook-signature"]).split(" ")).toHaveLength(2);
    const at = ({ headers }: typeof both) => new Date(Number(headers["webhook-timestamp"]) * 1000);
    for (const one of [secret, body.secret]) expect(() => verifySignature(one, both, at(both))).not.toThrow();
    expect(() => verifySignature(body.secret, single, at(single))).not.toThrow();
    expect(() => verifySignature(secret, single, at(single))).toThrow();
  });

  test("is replaced by each of ten racing calls in turn, and three at most sign", async () => {
    const { id } = await addWebhook(nest, { url: receiver.url });
    const replies = await Promise.all(
      Array.from({ length: 10 }, () => call("rotate_webhook_secret", { webhook_id: id })),
    );
    const won = replies.filter(({ status }) => status === 200);
    expect(replies.filter(({ status }) => ![200, 503].includes(status))).toEqual([]);
    const rows = (await actions()).filter(([action]) => action === "webhook.updated");
    expect(rows).toHaveLength(won.length);
    const stored = await nest.collection("webhooks").findOne({ _id: id });
    expect(stored?.secrets).toHaveLength(Math.min(3, won.length + 1));
  });

  test("is replaced only soon after a sign-in", async () => {
    const { access_token: bearer } = await admin();
    const { id: webhook_id } = await addWebhook(nest, { url: receiver.url });
    const rotate = () => nest.call(`${V3}rotate_webhook_secret`, { webhook_id }, { bearer });
    expect((await rotate()).status).toBe(200);
    nest.clock.advance(601);
    expect(errorOf(await rotate())).toEqual([403, "reauthentication_required"]);
  });

  test("whose key is missing keeps its messages waiting, and the run fails", async () => {
    const { id } = await addWebhook(nest, { url: receiver.url });
    await sendTest(nest, id);
    const WEBHOOK_KEYS = JSON.stringify([{ id: "other", key: "a".repeat(64) }]);
    const without = await startNest({ beside: nest, environment: { ...nest.environment, WEBHOOK_KEYS } });
    expect(await deliver(without)).toEqual({ delivered: 0, refused: 0, failed: 1 });
    await without.stop();
    expect(await deliver(nest)).toEqual({ delivered: 1, refused: 0, failed: 0 });
  });
});

describe("deliveries", () => {
  test("are listed in pages, of one webhook and one status", async () => {
    const { id } = await addWebhook(nest, { url: receiver.url });
    const sent: string[] = [];
    for (let index = 0; index < 5; index++) sent.unshift(await sendTest(nest, id));
    const list = (more: object) => call("list_webhook_deliveries", { webhook_id: id, limit: 2, ...more });
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const { body }: { body: { items: { id: string }[]; next_cursor: string | null } } = await list(
        cursor === null ? {} : { cursor },
      );
      seen.push(...body.items.map((one) => one.id));
      cursor = body.next_cursor;
    } while (cursor !== null);
    expect([...seen].sort()).toEqual([...sent].sort());
    const [first] = (await list({})).body.items;
    expect(first).toMatchObject({ user_id: null, target: { type: "webhook", id } });
    await nest.collection("webhook_messages").deleteMany({});
    expect((await list({})).body.items[0]).toMatchObject({ user_id: null, target: null });
    expect((await list({ status: "failed" })).body.items).toEqual([]);
  });

  test("about one user are listed in pages, the newest first, for one webhook and one status", async () => {
    const { id } = await addWebhook(nest, { url: receiver.url, events: ["user.signed_in"] });
    await addWebhook(nest, { url: `${receiver.url}/other` });
    const ada = await nest.signIn("ada@example.com");
    await nest.signIn("bob@example.com");
    nest.clock.advance(5);
    await nest.signIn("ada@example.com");
    await nest.moveEvents();
    await deliver(nest);
    const asked = { webhook_id: id, user_id: ada.user_id };
    const { items } = (await call("list_webhook_deliveries", asked)).body;
    expect(items).toHaveLength(2);
    expect(items).toMatchObject([asked, asked]);
    const seen: unknown[] = [];
    let cursor: string | null = null;
    do {
      const page = { ...asked, limit: 1, ...(cursor !== null && { cursor }) };
      const { body }: { body: { items: unknown[]; next_cursor: string | null } } = await call(
        "list_webhook_deliveries",
        page,
      );
      seen.push(...body.items);
      cursor = body.next_cursor;
    } while (cursor !== null);
    expect(seen).toEqual(items);
    const failed = await call("list_webhook_deliveries", { ...asked, status: "failed" });
    expect(failed.body.items).toEqual([]);
    const none = { webhook_id: "webhook_none", user_id: ada.user_id };
    expect(errorOf(await call("list_webhook_deliveries", none))).toEqual([404, "webhook_not_found"]);
  });

  test("that do not exist, or whose webhook is deleted or disabled, are not sent again", async () => {
    const { id } = await addWebhook(nest, { url: receiver.url });
    const delivery_id = await sendTest(nest, id);
    const retry = (change = {}) => call("retry_webhook_delivery", { delivery_id, ...change });
    expect(errorOf(await retry({ delivery_id: "whdel_none" }))).toEqual([404, "delivery_not_found"]);
    await call("update_webhook", { webhook_id: id, enabled: false });
    expect(errorOf(await retry())).toEqual([409, "webhook_disabled"]);
    await call("delete_webhook", { webhook_id: id });
    expect(errorOf(await retry())).toEqual([404, "delivery_not_found"]);
  });

  test("that are sent again are in the audit log", async () => {
    const { id } = await addWebhook(nest, { url: receiver.url });
    const delivery_id = await sendTest(nest, id);
    await deliver(nest);
    expect((await call("retry_webhook_delivery", { delivery_id })).status).toBe(200);
    const [row] = (await nest.moveEvents()).slice(-1);
    expect(row).toMatchObject({
      ...{ action: "webhook.updated", actor: { type: "internal" }, target: { type: "webhook", id } },
      data: { fields: "deliveries", deliveryId: delivery_id },
    });
  });

  test("that are being sent are not sent a second time by a retry", async () => {
    const { id } = await addWebhook(nest, { url: receiver.url });
    const delivery_id = await sendTest(nest, id);
    receiver.answers.push(async (response) => {
      await call("retry_webhook_delivery", { delivery_id });
      response.writeHead(204).end();
    });
    await deliver(nest);
    await deliver(nest);
    expect(receiver.requests).toHaveLength(1);
  });
});

test("every event that is audited can be subscribed to, except failed sign-ins", async () => {
  const { status } = await call("create_webhook", { url: receiver.url, events: [...WEBHOOK_EVENTS] });
  expect(status).toBe(200);
});

test("hosts that are not public are allowed on the local stage only", async () => {
  for (const STAGE of ["nonprod", "prod"])
    await expect(
      startNest({ beside: nest, environment: { STAGE, WEBHOOK_ALLOW_HOSTS: receiver.host } }).then(
        async (other) => {
          await other.stop();
        },
      ),
    ).rejects.toThrow(/WEBHOOK_ALLOW_HOSTS/);
});
