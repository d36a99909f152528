import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli } from "#tests/support/cli.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";
import {
  addWebhook,
  callWebhooks,
  deliver,
  sendTest,
  startReceiver,
  type TestReceiver,
} from "#tests/support/webhooks.ts";

let receiver: TestReceiver;
let nest: TestNest;
beforeAll(async () => {
  receiver = await startReceiver();
  nest = await startNest({ environment: { WEBHOOK_ALLOW_HOSTS: receiver.host } });
});
afterAll(async () => {
  await nest.stop();
  await receiver[Symbol.asyncDispose]();
});

const run = (...args: string[]) => runCli(["webhooks", ...args], { MONGODB_URI: nest.mongoUri });

test("lists webhooks with their state and without secrets", async () => {
  expect(await run("list")).toEqual({ status: 0, printed: "There is no webhook.\n" });
  const { id, secret } = await addWebhook(nest, { url: receiver.url, events: ["user.created"] });
  const gone = await addWebhook(nest, { url: receiver.url });
  receiver.answers.push(410);
  await sendTest(nest, gone.id);
  await deliver(nest);

  const { status, printed } = await run("list");
  expect(status).toBe(0);
  expect(printed).toMatch(new RegExp(`^${id}  ${receiver.url}  user\\.created +enabled +-$`, "m"));
  expect(printed).toMatch(new RegExp(`^${gone.id}  .*  webhook\\.test  disabled \\(gone\\)`, "m"));
  const listed = await run("list", "--json");
  const found: { id: string }[] = JSON.parse(listed.printed);
  expect(found).toHaveLength(2);
  expect(found.find((one) => one.id === id)).toMatchObject({ enabled: true, disabled_reason: null });
  expect(found.find((one) => one.id === gone.id)).toMatchObject({ enabled: false, disabled_reason: "gone" });
  expect(printed + listed.printed).not.toContain(secret.replace("whsec_", ""));
  for (const webhook_id of [id, gone.id]) await callWebhooks(nest, "delete_webhook", { webhook_id });
});

test("lists the deliveries of a webhook by status, and sends one again under the same message id", async () => {
  const { id } = await addWebhook(nest, { url: receiver.url });
  expect((await run("deliveries", id)).printed).toBe("There is no such delivery.\n");
  receiver.requests.splice(0);
  receiver.answers.push(500);
  const failed = await sendTest(nest, id);
  await deliver(nest);
  const good = await sendTest(nest, id);
  await deliver(nest);

  const all = await run("deliveries", id);
  expect(all.printed).toMatch(new RegExp(`^${good}  webhook\\.test  \\S+  succeeded  1 +204 +-$`, "m"));
  expect(all.printed).toMatch(
    new RegExp(`^${failed}  webhook\\.test  \\S+  pending +1 +500 +\\d{4}-\\S+$`, "m"),
  );
  expect(all.printed.indexOf(good)).toBeLessThan(all.printed.indexOf(failed));
  const pending = JSON.parse((await run("deliveries", id, "--status", "pending", "--json")).printed);
  expect(pending.map((one: { id: string }) => one.id)).toEqual([failed]);
  expect(JSON.parse((await run("deliveries", id, "--limit", "1", "--json")).printed)).toHaveLength(1);

  const retried = await run("retry", good);
  expect(retried).toEqual({ status: 0, printed: `${good} is sent again within a minute.\n` });
  await deliver(nest);
  const ids = receiver.requests.map(({ headers }) => headers["webhook-id"]);
  expect(ids).toHaveLength(3);
  expect(ids[2]).toBe(ids[1]);
  const [first] = JSON.parse((await run("deliveries", id, "--status", "succeeded", "--json")).printed);
  expect(first).toMatchObject({
    id: good,
    status: "succeeded",
    attempts: [{ status: 204 }, { status: 204 }],
  });

  await callWebhooks(nest, "update_webhook", { webhook_id: id, enabled: false });
  expect(await run("retry", good)).toEqual({
    status: 1,
    printed: `The webhook of ${good} is disabled. Enable it first with update_webhook.\n`,
  });
});

test.each([
  [["deliveries", "webhook_nothing"], /^There is no webhook webhook_nothing\. `webhooks list` lists them\./],
  [["retry", "whdel_nothing"], /^There is no delivery whdel_nothing\. /],
  [
    ["deliveries", "webhook_nothing", "--status", "lost"],
    /^No status lost\. Statuses: pending, succeeded, failed, abandoned\./,
  ],
  [["deliveries", "webhook_nothing", "--limit", "0"], /1 to 1,?000/],
])("%s fails with a sentence", async (args, sentence) => {
  const { status, printed } = await run(...args);
  expect(status).not.toBe(0);
  expect(printed).toMatch(sentence);
});
