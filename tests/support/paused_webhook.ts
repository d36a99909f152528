import { handler as stripeWebhook } from "#callbacks/stripe_webhook.ts";
import type { Environment } from "#core/config.ts";
import { type OpenCore, openCore, type Part } from "#core/core.ts";
import { StripeApi } from "#core/services/stripe.ts";
import type { Result } from "#entry/answer.ts";
import { serveWebhook } from "#entry/webhook.ts";
import { lambdaContext, toWebhookEvent } from "#tests/support/lambda_event.ts";
import type { TestNest } from "#tests/support/nest.ts";

/** A webhook function that pauses after Stripe's n-th response arrived and before its code gets it. */
export interface PausedWebhook {
  post(event: object): Promise<Result>;
  /** Resolves when the response has arrived. */
  reached: Promise<void>;
  resume(): void;
  close(): Promise<void>;
}

/** @param at number of the request to Stripe at whose response it pauses, from 1 */
export function pauseWebhook(environment: Environment, nest: TestNest, at: number): PausedWebhook {
  const reached = Promise.withResolvers<void>();
  const resumed = Promise.withResolvers<void>();
  const open = openCore(environment, { clock: nest.clock, write: () => undefined });
  const paused = withPause(open, at, () => {
    reached.resolve();
    return resumed.promise;
  });
  const serve = serveWebhook(stripeWebhook.declaration, paused);
  return {
    reached: reached.promise,
    resume: () => resumed.resolve(),
    post(event) {
      const { body, header } = nest.stripe.signedEvent(event);
      return serve(toWebhookEvent(body, header), lambdaContext());
    },
    close: () => open.mongo.client.close(),
  };
}

function withPause(open: OpenCore, at: number, pause: () => Promise<void>): OpenCore {
  let requests = 0;
  const pausing = (stripe: StripeApi): StripeApi =>
    new Proxy(stripe, {
      get(target, name) {
        if (name === "until") return (deadline: number) => pausing(target.until(deadline));
        if (name !== "request") return Reflect.get(target, name, target);
        return async (...args: Parameters<StripeApi["request"]>) => {
          const isPaused = ++requests === at;
          const answer = await target.request(...args);
          if (isPaused) await pause();
          return answer;
        };
      },
    });
  return {
    ...open,
    part<Opened>(part: Part<Opened>): Opened {
      const opened = open.part(part);
      return opened instanceof StripeApi ? (pausing(opened) as Opened) : opened;
    },
  };
}
