import { fork } from "node:child_process";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { handler as stripeWebhook } from "#callbacks/stripe_webhook.ts";
import { openCore } from "#core/core.ts";
import type { Handler } from "#entry/lambda.ts";
import { serveRpc } from "#entry/rpc.ts";
import { serveWebhook } from "#entry/webhook.ts";
import { handler as createTrial } from "#methods/2021-10-06/create_trial_and_magic_link.ts";
import type { Delivery } from "#tests/callbacks/chaos/child.ts";
import { type CrashPoint, crashAt } from "#tests/support/crash.ts";
import { lambdaContext, toTrialEvent, toWebhookEvent } from "#tests/support/lambda_event.ts";
import type { TestNest } from "#tests/support/nest.ts";

/** A worker that handles webhooks and trial requests until it crashes. */
export interface Worker {
  /** Status of the response to a webhook; null: it has crashed. */
  post(body: string, signature: string): Promise<number | null>;
  /** Status of the response to a trial request; null: it has crashed. */
  startTrial(body: string): Promise<number | null>;
  /** Stops it. Resolves when its requests have reached the doubles and the database. */
  close(): Promise<void>;
}

/** A worker in this process. From its crash point on it writes nothing and does not respond. */
export function startWorker(nest: TestNest, crashPoint: CrashPoint): Worker {
  const open = openCore(nest.environment, { clock: nest.clock, write: (line) => nest.logLines.push(line) });
  const crashed = Promise.withResolvers<null>();
  const worker = crashAt(open, crashPoint, () => crashed.resolve(null));
  const webhook = serveWebhook(stripeWebhook.declaration, worker.open);
  const trial = serveRpc(createTrial.declaration, worker.open);
  const ask = async (serve: Handler, event: APIGatewayProxyEventV2) => {
    const answer = serve(event, lambdaContext());
    return (await Promise.race([answer, crashed.promise]))?.statusCode ?? null;
  };
  return {
    post: (body, signature) => ask(webhook, toWebhookEvent(body, signature)),
    startTrial: (body) => ask(trial, toTrialEvent(body)),
    async close() {
      await worker.settled();
      await open.mongo.client.close();
    },
  };
}

/** A worker in its own process, which kills itself with SIGKILL at its crash point. */
export function startChild(nest: TestNest, crashPoint: CrashPoint): Worker {
  const child = fork(new URL("./child.ts", import.meta.url), [], {
    env: { ...process.env, ...nest.environment, CRASH_POINT: JSON.stringify(crashPoint) },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const waiting = new Map<number, (status: number | null) => void>();
  let lastId = 0;
  child.on("message", ({ id, status }: { id: number; status: number }) => {
    waiting.get(id)?.(status);
    waiting.delete(id);
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  void ended.then(() => {
    for (const answer of waiting.values()) answer(null);
  });
  const ask = (body: string, signature: string | null) => {
    const id = ++lastId;
    const offset = nest.clock.now().getTime() - Date.now();
    return new Promise<number | null>((resolve) => {
      waiting.set(id, resolve);
      if (child.connected) child.send({ id, body, signature, offset } satisfies Delivery);
      else resolve(null);
    });
  };
  return {
    post: (body, signature) => ask(body, signature),
    startTrial: (body) => ask(body, null),
    async close() {
      child.kill("SIGKILL");
      await ended;
      // The doubles run in this process and handle requests that they received before the kill in their next turns.
      for (let turn = 0; turn < 20; turn++) await nextTurn();
    },
  };
}
