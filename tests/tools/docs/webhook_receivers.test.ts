import { symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Webhook as Signer } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { fencedBlocks } from "#tests/support/fenced_blocks.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { V3 } from "#tests/support/plans.ts";
import { type Program, runCommand, temporaryFolder } from "#tests/support/program.ts";
import type { RecordedRequest } from "#tests/support/recording_server.ts";
import { startReceiver, type TestReceiver } from "#tests/support/webhooks.ts";
import { freePort, run } from "#tools/machine/child_process.ts";

/** How a reader runs each receiver of the page. A missing program fails the test: CI has all of them. */
const LANGUAGES = {
  js: { file: "receiver.mjs", command: (file: string) => [process.execPath, file] },
  python: { file: "receiver.py", command: (file: string) => ["python3", file] },
  go: { file: "receiver.go", command: (file: string) => [file.replace(/\.go$/, "")] },
};
type Language = keyof typeof LANGUAGES;
const languages = Object.keys(LANGUAGES) as Language[];

/** A receiver of the page, and a message that the local stack signed for it. */
interface Running {
  url: string;
  secret: string;
  program: Program;
  message: RecordedRequest;
}

/** For a busy machine. */
const WAIT = { timeout: 60_000 };

let stack: TestStack;
let recorder: TestReceiver;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const running: Partial<Record<Language, Running>> = {};
const ports: Record<Language, number> = { js: 0, python: 0, go: 0 };

const call = async (method: string, body: object) => {
  const authorization = `internal ${stack.secrets.internalKey}`;
  const answer = await stack.ask("POST", `${V3}${method}`, body, { authorization });
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  return answer.body;
};

/** Sends a test message as the job does. @returns its delivery */
async function sendTest(webhook_id: string): Promise<{ status: string; attempts: { status: number }[] }> {
  const { delivery_id } = await call("send_test_webhook", { webhook_id });
  const find = async () => {
    await stack.ask("POST", "/dev/jobs/deliver_webhooks");
    const { items } = await call("list_webhook_deliveries", { webhook_id });
    return items.find(({ id }: { id: string }) => id === delivery_id);
  };
  return vi.waitFor(async () => {
    const delivery = await find();
    if (delivery.attempts.length === 0) throw new Error("The stack has sent nothing.");
    return delivery;
  }, WAIT);
}

async function startFromPage(language: Language, code: string): Promise<void> {
  const { file, command } = LANGUAGES[language];
  const path = join(folder.path, file);
  await writeFile(path, code);
  if (language === "go") await run("go", ["build", "-o", path.replace(/\.go$/, ""), path]);
  const url = `http://localhost:${ports[language]}`;
  const { webhook, secret } = await call("create_webhook", { url, events: ["webhook.test"] });
  const [program = "", ...args] = command(path);
  const environment = { WEBHOOK_SECRET: secret, PORT: String(ports[language]) };
  const started = runCommand(program, args, environment);
  running[language] = { url, secret, program: started, message: await acceptedMessage(webhook.id, url) };
}

/** The receiver accepts a message of the stack itself. Then the stack sends one, with the same secret, to where it is recorded. */
async function acceptedMessage(webhook_id: string, url: string): Promise<RecordedRequest> {
  await vi.waitFor(() => fetch(url), WAIT);
  expect(await sendTest(webhook_id)).toMatchObject({ status: "succeeded", attempts: [{ status: 204 }] });
  await call("update_webhook", { webhook_id, url: recorder.url });
  await sendTest(webhook_id);
  const message = recorder.requests.pop();
  if (!message) throw new Error("The stack sent no message.");
  return message;
}

beforeAll(async () => {
  [folder, recorder] = await Promise.all([temporaryFolder(), startReceiver()]);
  for (const language of languages) ports[language] = await freePort();
  const hosts = [recorder.host, ...languages.map((language) => `localhost:${ports[language]}`)];
  stack = await startTestStack({ settings: { WEBHOOK_ALLOW_HOSTS: hosts.join(",") } });
  // The page tells readers to install `standardwebhooks`.
  await symlink(join(process.cwd(), "node_modules"), join(folder.path, "node_modules"));
  const blocks = await fencedBlocks("docs/webhooks.md");
  for (const language of languages) {
    const [code, ...more] = blocks.filter((block) => block.language === language).map((block) => block.code);
    expect([typeof code, more], language).toEqual(["string", []]);
    await startFromPage(language, code ?? "");
  }
});
afterAll(async () => {
  for (const { program } of Object.values(running)) {
    program.process.kill("SIGKILL");
    await program.ended;
  }
  await stack[Symbol.asyncDispose]();
  await Promise.all([recorder[Symbol.asyncDispose](), folder[Symbol.asyncDispose]()]);
});

describe.each(languages)("the receiver of docs/webhooks.md in %s", (language) => {
  const started = () => {
    const found = running[language];
    if (!found) throw new Error(`The receiver in ${language} did not start.`);
    return found;
  };
  const headersOf = ({ headers }: RecordedRequest) =>
    Object.fromEntries(
      ["content-type", "webhook-id", "webhook-timestamp", "webhook-signature"].map((name) => [
        name,
        String(headers[name]),
      ]),
    );
  /** Sends the recorded message. @param change replaces headers; an undefined one is left out */
  async function replay(change: Record<string, string | undefined> = {}, body?: string): Promise<number> {
    const { url, message } = started();
    const headers = Object.entries({ ...headersOf(message), ...change }).filter(
      ([, value]) => value !== undefined,
    );
    const sent = { method: "POST", headers: headers as [string, string][], body: body ?? message.body };
    return (await fetch(url, sent)).status;
  }
  /** The message, signed by its sender a while ago. */
  function signedAgo(seconds: number, secret = started().secret): Record<string, string> {
    const at = new Date(Date.now() - seconds * 1_000);
    const { message } = started();
    const id = String(message.headers["webhook-id"]);
    return {
      "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
      "webhook-signature": new Signer(secret).sign(id, at, message.body),
    };
  }

  test("accepts a delivery of the local stack, and prints its type", async () => {
    expect(await replay()).toBe(204);
    expect(started().program.printed()).toContain("webhook.test");
  });

  test("accepts one of several signatures, as during a rotation of the secret", async () => {
    const right = started().message.headers["webhook-signature"];
    expect(await replay({ "webhook-signature": `v1,${btoa("another")} ${right}` })).toBe(204);
  });

  test("refuses a changed body and a changed id", async () => {
    const { body } = started().message;
    expect(await replay({}, body.replace("webhook.test", "webhook.tesT"))).toBe(400);
    expect(await replay({}, `${body} `)).toBe(400);
    expect(await replay({ "webhook-id": "msg_other" })).toBe(400);
  });

  test("refuses a message that was signed more than 5 minutes ago, or for a later time", async () => {
    expect(await replay(signedAgo(240))).toBe(204);
    expect(await replay(signedAgo(330))).toBe(400);
    expect(await replay(signedAgo(-330))).toBe(400);
    expect(await replay({ "webhook-timestamp": String(Math.floor(Date.now() / 1_000) - 10) })).toBe(400);
    expect(await replay({ "webhook-timestamp": "soon" })).toBe(400);
  });

  test("refuses a signature of another secret, of another version, and a missing one", async () => {
    const other = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
    expect(await replay(signedAgo(0, other))).toBe(400);
    const right = String(started().message.headers["webhook-signature"]);
    expect(await replay({ "webhook-signature": right.replace("v1,", "v2,") })).toBe(400);
    expect(await replay({ "webhook-signature": "v1,\u00e9" })).toBe(400);
    for (const name of ["webhook-id", "webhook-timestamp", "webhook-signature"])
      expect(await replay({ [name]: undefined }), name).toBe(400);
    // It still serves.
    expect(await replay()).toBe(204);
  });
});
