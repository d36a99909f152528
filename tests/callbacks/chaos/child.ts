/** The webhook's function in a process of its own, which kills itself at its fated effect. */
import { handler as stripeWebhook } from "#callbacks/stripe_webhook.ts";
import { openCore } from "#core/core.ts";
import { serveWebhook } from "#entry/webhook.ts";
import { type Fate, mortal } from "#tests/support/mortal.ts";
import { toWebhookEvent } from "#tests/support/webhook_event.ts";

export interface Delivery {
  id: number;
  body: string;
  signature: string;
  /** How far the test's clock is ahead, in ms. */
  offset: number;
}

let offset = 0;
const clock = { now: () => new Date(Date.now() + offset) };
const open = openCore(process.env, { clock, write: () => undefined });
const fate = JSON.parse(process.env.FATE ?? "") as Fate;
const { open: mortalOpen } = mortal(open, fate, () => process.kill(process.pid, "SIGKILL"));
const serve = serveWebhook(stripeWebhook.declaration, mortalOpen);
process.on("message", async (delivery: Delivery) => {
  offset = delivery.offset;
  const event = toWebhookEvent(delivery.body, delivery.signature);
  const { statusCode } = await serve(event, { awsRequestId: "request" } as never);
  process.send?.({ id: delivery.id, status: statusCode });
});
