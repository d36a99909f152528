import type { ServerResponse } from "node:http";
import { Webhook as Verifier } from "standardwebhooks";
import { moveAndAnnounce } from "#core/events/move_events.ts";
import { mailer, outboxes } from "#core/parts.ts";
import { Receiver } from "#core/services/receiver.ts";
import { type DeliverOutcome, deliverWebhooks } from "#core/webhooks/deliver.ts";
import { receiver, webhookKeys } from "#core/webhooks/webhook_parts.ts";
import type { Reply, TestNest } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";
import { type RecordedRequest, startRecordingServer } from "#tests/support/recording_server.ts";

/** How a receiver answers: a status, or a function that answers itself. */
type Answer = number | ((response: ServerResponse) => void);

/** A receiver on this machine. */
export interface TestReceiver extends AsyncDisposable {
  /** Host and port, for WEBHOOK_ALLOW_HOSTS. */
  host: string;
  url: string;
  requests: RecordedRequest[];
  /** Answers of the next requests; 204 after them. */
  answers: Answer[];
}

export async function startReceiver(): Promise<TestReceiver> {
  const answers: Answer[] = [];
  const server = await startRecordingServer((response) => {
    const answer = answers.shift() ?? 204;
    if (typeof answer === "function") answer(response);
    else response.writeHead(answer).end();
  });
  return {
    ...{ host: new URL(server.url).host, url: `${server.url}/hook`, requests: server.requests, answers },
    [Symbol.asyncDispose]: server[Symbol.asyncDispose],
  };
}

export const callWebhooks = (nest: TestNest, method: string, body: object): Promise<Reply> =>
  nest.call(`${V3}${method}`, body, { internal: true });

/** Creates a webhook. @throws Error if that fails */
export async function addWebhook(
  nest: TestNest,
  change: { url: string; events?: string[]; client_ids?: string[] },
): Promise<{ id: string; secret: string }> {
  const { status, body, raw } = await callWebhooks(nest, "create_webhook", {
    events: ["webhook.test"],
    ...change,
  });
  if (status !== 200) throw new Error(raw);
  return { id: body.webhook.id, secret: body.secret };
}

/** Sends a test message. @returns the id of its delivery */
export async function sendTest(nest: TestNest, webhook_id: string): Promise<string> {
  const { status, body, raw } = await callWebhooks(nest, "send_test_webhook", { webhook_id });
  if (status !== 200) throw new Error(raw);
  return body.delivery_id;
}

/** How a run of the job differs from one of a deployment. */
interface RunOptions {
  /** The deadline, in milliseconds from now. */
  deadlineMs?: number;
  patienceMs?: number;
  /** Replaces the client of receivers. */
  client?: Receiver;
}

/** Runs what the job runs, once. */
export async function deliver(
  { gateway }: Pick<TestNest, "gateway">,
  { deadlineMs = 30_000, patienceMs = 0, client }: RunOptions = {},
): Promise<DeliverOutcome> {
  const deadline = Date.now() + deadlineMs;
  const core = {
    ...gateway.core,
    ...{ mailer: gateway.part(mailer), outboxes: gateway.part(outboxes) },
    ...{ receiver: client ?? gateway.part(receiver), webhookKeys: gateway.part(webhookKeys) },
  };
  await moveAndAnnounce(core, deadline);
  return deliverWebhooks(core, { deadline, patienceMs });
}

/** A client of receivers that waits a shorter time. */
export const impatient = ({ gateway }: Pick<TestNest, "gateway">, limitMs: number): Receiver =>
  new Receiver(gateway.part(receiver).hosts, limitMs);

export const listDeliveries = async (nest: TestNest, webhook_id: string, more: object = {}) =>
  (await callWebhooks(nest, "list_webhook_deliveries", { webhook_id, ...more })).body.items;

/**
 * Verifies a request as a receiver does, with the reference library of Standard Webhooks.
 * @param now the time of the receiver
 * @throws Error if no signature is of the secret
 */
export function verifySignature(secret: string, { headers, body }: RecordedRequest, now: Date): unknown {
  const named = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
  const real = Date.now;
  // The library compares the timestamp with the clock of this process.
  Date.now = () => now.getTime();
  try {
    return new Verifier(secret).verify(body, named);
  } finally {
    Date.now = real;
  }
}
