import { afterAll, beforeAll, expect, test } from "vitest";
import { ReceiverHosts } from "#core/services/receiver_hosts.ts";
import { type StackAnswer, startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { startNest } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";
import {
  addWebhook,
  deliver,
  startReceiver,
  type TestReceiver,
  verifySignature,
} from "#tests/support/webhooks.ts";

const P1 = "correct horse battery staple 1";
const MINUTES = 60;

let receiver: TestReceiver;
let elsewhere: TestReceiver;
let stack: TestStack;
let client_id: string;
let internal: { authorization: string };
let people = 0;

beforeAll(async () => {
  [receiver, elsewhere] = await Promise.all([startReceiver(), startReceiver()]);
  stack = await startTestStack({
    settings: { LIMIT_REGISTRATIONS_PER_NETWORK: "0", WEBHOOK_ALLOW_HOSTS: receiver.host },
  });
  const { body } = await stack.ask("GET", "/dev/status");
  client_id = body.clients.simple;
  internal = { authorization: `internal ${body.internal_key}` };
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await Promise.all([receiver[Symbol.asyncDispose](), elsewhere[Symbol.asyncDispose]()]);
});

const call = (method: string, body: object, headers: object = internal): Promise<StackAnswer> =>
  stack.ask("POST", `${V3}${method}`, body, { ...headers });
const errorOf = ({ status, body }: StackAnswer) => [status, body?.code];

async function register(): Promise<{ user_id: string; access_token: string }> {
  const who = { identifier_type: "email", identifier_value: `wp6-${++people}@x.test` };
  const { status, body } = await call("register_user", { client_id, ...who, password: P1 }, {});
  if (status !== 200) throw new Error(JSON.stringify(body));
  return body;
}

/** Creates a webhook and forgets earlier requests. */
async function create(events = ["webhook.test"]): Promise<{ id: string; secret: string }> {
  const { status, body } = await call("create_webhook", { url: receiver.url, events });
  if (status !== 200) throw new Error(JSON.stringify(body));
  receiver.requests.splice(0);
  return { id: body.webhook.id, secret: body.secret };
}

const remove = (webhook_id: string) => call("delete_webhook", { webhook_id });
const runJob = () => stack.ask("POST", "/dev/jobs/deliver_webhooks");
const arrived = (count: number) =>
  expect.poll(() => receiver.requests.length, { timeout: 5_000 }).toBe(count);

test("WP6.3: a secret is shown once, and URLs that are not public and unknown events are refused", async () => {
  const { id, secret } = await create();
  const listed = await call("list_webhooks", {});
  expect(listed.body.items.map((one: { id: string }) => one.id)).toEqual([id]);
  expect(JSON.stringify(listed.body)).not.toContain(secret);
  for (const url of [
    ...["http://hooks.example.com/", "https://10.0.0.1/", "https://169.254.169.254/", "https://[::1]/"],
    ...["https://localhost/", "https://user:pass@hooks.example.com/", "https://2130706433/"],
  ])
    expect(errorOf(await call("create_webhook", { url, events: ["*"] }))).toEqual([
      400,
      "webhook_url_not_allowed",
    ]);
  const loopback = new ReceiverHosts([], async () => ["127.0.0.1"]);
  expect(await loopback.judge("https://looks-public.example.com/")).toBe("not_public");
  const unknown = await call("create_webhook", { url: receiver.url, events: ["user.sneezed"] });
  expect(errorOf(unknown)).toEqual([400, "unknown_event"]);
  await remove(id);
});

test("WP6.4: the registration of a user arrives within seconds, verifies, and has no secret", async () => {
  const { id, secret } = await create(["user.created"]);
  const { user_id } = await register();
  await arrived(1);
  const [request] = receiver.requests as [TestReceiver["requests"][0]];
  expect(verifySignature(secret, request, new Date())).toMatchObject({
    type: "user.created",
    data: { user_id },
  });
  const changed = { ...request, body: request.body.replace("user.created", "user.creates") };
  expect(() => verifySignature(secret, changed, new Date())).toThrow();
  expect(request.body).not.toMatch(/@|correct horse|whsec_/);
  await remove(id);
});

test("WP6.5: 500, 500 and 200 are three tries of one message, 302 is not followed, and 410 disables", async () => {
  const { id } = await create();
  receiver.answers.push(500, 500);
  await call("send_test_webhook", { webhook_id: id });
  await arrived(1);
  for (const [seconds, count] of [
    [10, 2],
    [6 * MINUTES, 3],
  ] as const) {
    stack.stripe.advance(seconds);
    await runJob();
    await arrived(count);
  }
  const ids = receiver.requests.map(({ headers }) => headers["webhook-id"]);
  expect(new Set(ids).size).toBe(1);
  const times = receiver.requests.map(({ headers }) => Number(headers["webhook-timestamp"]));
  const [first = 0, second = 0, third = 0] = times;
  expect(third - second).toBeGreaterThan(second - first);
  const list = async () => (await call("list_webhook_deliveries", { webhook_id: id })).body.items;
  await expect.poll(async () => (await list())[0].status).toBe("succeeded");
  expect((await list())[0].attempts.map((one: { status: number }) => one.status)).toEqual([500, 500, 204]);
  receiver.answers.push((response) => void response.writeHead(302, { location: elsewhere.url }).end(), 410);
  await call("send_test_webhook", { webhook_id: id });
  await arrived(4);
  await call("send_test_webhook", { webhook_id: id });
  await arrived(5);
  await expect
    .poll(async () => (await call("list_webhooks", {})).body.items[0])
    .toMatchObject({
      ...{ enabled: false, disabled_reason: "gone" },
    });
  expect(elsewhere.requests).toEqual([]);
  await remove(id);
});

test("WP6.6: the filter of events works, a disabled and a deleted webhook get nothing, and others may not see them", async () => {
  const { id } = await create(["user.created"]);
  await call("update_webhook", { webhook_id: id, events: ["role.changed"] });
  const { access_token } = await register();
  await runJob();
  await call("update_webhook", { webhook_id: id, enabled: false, events: ["*"] });
  await register();
  await runJob();
  expect(receiver.requests).toEqual([]);
  const bearer = { authorization: `Bearer ${access_token}` };
  expect(errorOf(await call("list_webhooks", {}, bearer))).toEqual([403, "access_denied"]);
  await remove(id);
  expect(errorOf(await call("update_webhook", { webhook_id: id, enabled: true }))).toEqual([
    404,
    "webhook_not_found",
  ]);
});

test("WP6.7: after a rotation both secrets verify, and a retry sends the same message again", async () => {
  const { id, secret } = await create();
  const { body } = await call("rotate_webhook_secret", { webhook_id: id });
  const sent = await call("send_test_webhook", { webhook_id: id });
  await arrived(1);
  const [request] = receiver.requests as [TestReceiver["requests"][0]];
  const at = new Date(Number(request.headers["webhook-timestamp"]) * 1000);
  expect(String(request.headers["webhook-signature"]).split(" ")).toHaveLength(2);
  for (const one of [secret, body.secret]) expect(() => verifySignature(one, request, at)).not.toThrow();
  await expect
    .poll(async () => (await call("list_webhook_deliveries", { webhook_id: id })).body.items[0].status)
    .toBe("succeeded");
  await call("retry_webhook_delivery", { delivery_id: sent.body.delivery_id });
  await runJob();
  await arrived(2);
  const [one, again] = receiver.requests.map(({ headers }) => headers["webhook-id"]);
  expect(again).toBe(one);
  await remove(id);
});

test("WP6.8: an event of a process that ended is delivered by another, and of two workers one sends each attempt", async () => {
  receiver.requests.splice(0);
  const nest = await startNest({ environment: { WEBHOOK_ALLOW_HOSTS: receiver.host } });
  await addWebhook(nest, { url: receiver.url, events: ["user.created"] });
  const gone = await startNest({ beside: nest, environment: nest.environment });
  for (const name of ["one", "two", "three"]) await gone.signIn(`${name}@x.test`);
  await gone.stop();
  const other = await startNest({ beside: nest, environment: nest.environment });
  await Promise.all([deliver(nest), deliver(other)]);
  await other.stop();
  await nest.stop();
  expect(new Set(receiver.requests.map(({ headers }) => headers["webhook-id"])).size).toBe(3);
  expect(receiver.requests).toHaveLength(3);
});

test("WP6.9: hosts that are not public are refused at the start of a stage", async () => {
  for (const STAGE of ["nonprod", "prod"])
    await expect(startNest({ environment: { STAGE, WEBHOOK_ALLOW_HOSTS: receiver.host } })).rejects.toThrow(
      /WEBHOOK_ALLOW_HOSTS/,
    );
});
