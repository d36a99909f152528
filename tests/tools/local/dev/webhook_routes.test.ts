import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { V3 } from "#tests/support/plans.ts";
import { startReceiver } from "#tests/support/webhooks.ts";
import { listFiles } from "#tests/tools/docs/markdown.ts";
import { readShellSettings } from "#tools/local/shell_settings.ts";

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

const call = (method: string, body: object, on = stack) =>
  on.ask("POST", `${V3}${method}`, body, { authorization: `internal ${on.secrets.internalKey}` });
const received = async () => (await stack.ask("GET", "/dev/webhooks")).body.items;

test("the local stack receives messages of its own webhooks, and lists the newest first", async () => {
  expect(await received()).toEqual([]);
  const url = `${stack.api.url}/dev/webhooks`;
  const { body } = await call("create_webhook", { url, events: ["*"] });
  for (let count = 1; count <= 2; count++) {
    await call("send_test_webhook", { webhook_id: body.webhook.id });
    await stack.ask("POST", "/dev/jobs/deliver_webhooks");
    await expect.poll(async () => (await received()).length).toBe(count);
  }
  const [newest, first] = await received();
  expect(newest).toEqual({
    received_at: expect.stringMatching(/^\d{4}-/),
    message: {
      type: "webhook.test",
      timestamp: expect.any(String),
      data: expect.objectContaining({ event_id: expect.stringMatching(/^event_/) }),
    },
  });
  expect(newest.message.data.event_id).not.toBe(first.message.data.event_id);
  const { items } = (await call("list_webhook_deliveries", { webhook_id: body.webhook.id })).body;
  expect(items.map(({ status }: { status: string }) => status)).toEqual(["succeeded", "succeeded"]);
});

test("keeps the newest 100 messages, and takes only objects of JSON", async () => {
  for (let number = 0; number < 101; number++) await stack.ask("POST", "/dev/webhooks", { number });
  const items: { message: { number: number } }[] = await received();
  expect([items.length, items[0]?.message.number, items.at(-1)?.message.number]).toEqual([100, 100, 1]);
  for (const wrong of ["[]", "1", "{", ""]) {
    const { status } = await stack.ask("POST", "/dev/webhooks", wrong);
    expect(status, wrong).toBe(400);
  }
  const foreign = await stack.ask("POST", "/dev/webhooks", {}, { origin: "https://evil.example" });
  expect(foreign.status).toBe(403);
  expect(await received()).toHaveLength(100);
});

test("a receiver of the developer gets webhooks only if its host was named at the start", async () => {
  await using receiver = await startReceiver();
  const refused = await call("create_webhook", { url: receiver.url, events: ["*"] });
  expect([refused.status, refused.body.code]).toEqual([400, "webhook_url_not_allowed"]);

  const { taken, ignored } = await readShellSettings({ WEBHOOK_ALLOW_HOSTS: receiver.host });
  expect([taken, ignored]).toEqual([{ WEBHOOK_ALLOW_HOSTS: receiver.host }, []]);
  await using named = await startTestStack({ settings: taken });
  const urls = [receiver.url, `${named.api.url}/dev/webhooks`];
  for (const url of urls)
    expect((await call("create_webhook", { url, events: ["*"] }, named)).status).toBe(200);
});

test("every route for scripts is in the table of docs/local_stack.md", async () => {
  const page = await readFile("docs/local_stack.md", "utf8");
  const table = page.slice(page.indexOf("## Routes for scripts"));
  const sources = await Promise.all(
    listFiles("tools/local/*.ts", "tools/local/dev/*.ts").map((file) => readFile(file, "utf8")),
  );
  const paths = sources.flatMap((source) =>
    [...source.matchAll(/\broute\(\s*"[A-Z]+",\s*"([^"]+)"/g)].map(([, path = ""]) => path),
  );
  expect(paths).toContain("/dev/webhooks");
  const missing = paths.filter(
    (path) => !new RegExp(`${path.replace(":id", "<\\w+>")}(?![\\w/-])`).test(table),
  );
  expect(missing).toEqual([]);
});
