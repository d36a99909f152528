/** A process with the webhook and trial functions. It kills itself with SIGKILL at its crash point. */
import { handler as stripeWebhook } from "#callbacks/stripe_webhook.ts";
import { openCore } from "#core/core.ts";
import { serveRpc } from "#entry/rpc.ts";
import { serveWebhook } from "#entry/webhook.ts";
import { handler as createTrial } from "#methods/2021-10-06/create_trial_and_magic_link.ts";
import { type CrashPoint, crashAt } from "#tests/support/crash.ts";
import { lambdaContext, toTrialEvent, toWebhookEvent } from "#tests/support/lambda_event.ts";

export interface Delivery {
  id: number;
  body: string;
  /** Signature of a webhook; null: the body is a trial request. */
  signature: string | null;
  /** How far the clock of the test is ahead, in ms. */
  offset: number;
}

let offset = 0;
const clock = { now: () => new Date(Date.now() + offset) };
const open = openCore(process.env, { clock, write: () => undefined });
const crashPoint = JSON.parse(process.env.CRASH_POINT ?? "") as CrashPoint;
const { open: crashing } = crashAt(open, crashPoint, () => process.kill(process.pid, "SIGKILL"));
const webhook = serveWebhook(stripeWebhook.declaration, crashing);
const trial = serveRpc(createTrial.declaration, crashing);
process.on("message", async (delivery: Delivery) => {
  offset = delivery.offset;
  const { body, signature } = delivery;
  const context = lambdaContext();
  const { statusCode } = await (signature === null
    ? trial(toTrialEvent(body), context)
    : webhook(toWebhookEvent(body, signature), context));
  process.send?.({ id: delivery.id, status: statusCode });
});
