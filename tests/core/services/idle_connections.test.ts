import { connect } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AwsService } from "#core/services/aws.ts";
import { StripeApi } from "#core/services/stripe.ts";
import { runProgram } from "#tests/support/program.ts";
import { startRecordingServer } from "#tests/support/recording_server.ts";
import { startTcpRelay } from "#tests/support/tcp_relay.ts";

/** Longer than an idle connection is kept. */
const FROZEN_MS = 4_500;

const SERVICES = {
  Stripe: (url: string) => {
    const stripe = StripeApi.open("sk_test_idle", url);
    return () => stripe.request((sdk, options) => sdk.customers.retrieve("cus_1", {}, options));
  },
  AWS: (url: string) => {
    const service = new AwsService("ses", { AWS_ENDPOINT_URL: url });
    return () => service.post({ path: "/", headers: {}, body: "{}", limitMs: 2_000 });
  },
};

describe.each(["Stripe", "AWS"] as const)("an idle connection to %s", (name) => {
  let server: Awaited<ReturnType<typeof startRecordingServer>>;
  let relay: Awaited<ReturnType<typeof startTcpRelay>>;
  beforeEach(async () => {
    server = await startRecordingServer((response) => response.end('{"id":"cus_1","object":"customer"}'));
    relay = await startTcpRelay({ host: "127.0.0.1", port: Number(new URL(server.url).port) });
  });
  afterEach(async () => {
    await relay.close();
    await server[Symbol.asyncDispose]();
  });

  test("is reused at once, and closed after a few seconds, so that a dropped connection costs no call", async () => {
    const call = SERVICES[name](`http://127.0.0.1:${relay.port}`);
    await call();
    await call();
    expect(relay.connections()).toBe(1);
    relay.dropSilently();
    await relay.allClosed();
    // A request on the dropped connection would time out, and no request is retried.
    await call();
    expect(server.requests).toHaveLength(3);
  }, 20_000);

  test("is not reused after a freeze of the process", async () => {
    const program = `
      import { AwsService } from "#core/services/aws.ts";
      import { StripeApi } from "#core/services/stripe.ts";
      const url = "http://127.0.0.1:${relay.port}";
      const stripe = StripeApi.open("sk_test_idle", url);
      const aws = new AwsService("ses", { AWS_ENDPOINT_URL: url });
      const call = {
        Stripe: () => stripe.request((sdk, options) => sdk.customers.retrieve("cus_1", {}, options)),
        AWS: () => aws.post({ path: "/", headers: {}, body: "{}", limitMs: 2_000 }),
      }.${name};
      // Each line of standard input is one call, made directly in the callback of the event, as in Lambda.
      process.stdin.on("data", () => {
        call().then(() => console.log("done"), (error) => console.log("failed " + error));
      });`;
    const { process: child, until, ended } = runProgram("--input-type=module", ["-e", program]);
    child.stdin?.write("1\n");
    await until(/^done/m);
    // As Lambda freezes an instance between two calls. A gateway forgets the connection meanwhile.
    child.kill("SIGSTOP");
    relay.dropSilently();
    await wait(FROZEN_MS);
    child.stdin?.write("2\n");
    child.kill("SIGCONT");
    const [, second] = await until(/^done[\s\S]*^(done|failed.*)/m);
    child.kill("SIGKILL");
    await ended;
    expect(second).toBe("done");
  }, 20_000);
});

test.skipIf(process.platform !== "linux")(
  "a connection to Stripe that is never accepted ends within the limit of a request",
  async () => {
    const program = `
      import { createServer } from "node:net";
      const server = createServer().listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => {
        console.log("port " + server.address().port);
      });`;
    const { process: child, until, ended } = runProgram("--input-type=module", ["-e", program]);
    const port = Number((await until(/port (\d+)/))[1]);
    // A stopped server accepts nothing. Once its queue is full, the kernel drops further connections.
    child.kill("SIGSTOP");
    const waiting = Array.from({ length: 8 }, () => connect(port, "127.0.0.1").on("error", () => undefined));
    const call = SERVICES.Stripe(`http://127.0.0.1:${port}`);
    // The kernel itself would give up after two minutes.
    await expect(call()).rejects.toMatchObject({ code: "stripe_error" });
    for (const socket of waiting) socket.destroy();
    child.kill("SIGKILL");
    await ended;
  },
  60_000,
);
