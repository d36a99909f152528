import { handler as stripeWebhook } from "#callbacks/stripe_webhook.ts";
import type { Environment } from "#core/config.ts";
import { type OpenCore, openCore, type Part } from "#core/core.ts";
import { StripeApi } from "#core/services/stripe.ts";
import type { Result } from "#entry/answer.ts";
import { serveWebhook } from "#entry/webhook.ts";
import { lambdaContext, toWebhookEvent } from "#tests/support/lambda_event.ts";
import type { TestNest } from "#tests/support/nest.ts";

/** The webhook's function, which has Stripe's answer to its n-th request and does not hear it until it is let go. */
export interface HeldWebhook {
  post(event: object): Promise<Result>;
  /** Resolves when that answer is there. */
  reached: Promise<void>;
  letGo(): void;
  close(): Promise<void>;
}

/** @param at which request, from 1 */
export function holdWebhook(environment: Environment, nest: TestNest, at: number): HeldWebhook {
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const open = openCore(environment, { clock: nest.clock, write: () => undefined });
  const held = holding(open, at, () => {
    reached.resolve();
    return released.promise;
  });
  const serve = serveWebhook(stripeWebhook.declaration, held);
  return {
    reached: reached.promise,
    letGo: () => released.resolve(),
    post(event) {
      const { body, header } = nest.stripe.signedEvent(event);
      return serve(toWebhookEvent(body, header), lambdaContext());
    },
    close: () => open.mongo.client.close(),
  };
}

function holding(open: OpenCore, at: number, hold: () => Promise<void>): OpenCore {
  let asked = 0;
  const slow = (stripe: StripeApi): StripeApi =>
    new Proxy(stripe, {
      get(target, name) {
        if (name === "until") return (deadline: number) => slow(target.until(deadline));
        if (name !== "request") return Reflect.get(target, name, target);
        return async (...args: Parameters<StripeApi["request"]>) => {
          const isHeld = ++asked === at;
          const answer = await target.request(...args);
          if (isHeld) await hold();
          return answer;
        };
      },
    });
  return {
    ...open,
    part<Opened>(part: Part<Opened>): Opened {
      const opened = open.part(part);
      return opened instanceof StripeApi ? (slow(opened) as Opened) : opened;
    },
  };
}
