import { handler as stripeWebhook } from "#callbacks/stripe_webhook.ts";
import type { Environment } from "#core/config.ts";
import { openCore } from "#core/core.ts";
import type { Result } from "#entry/answer.ts";
import { serveWebhook } from "#entry/webhook.ts";
import { interceptIo } from "#tests/support/io_interceptor.ts";
import { lambdaContext, toWebhookEvent } from "#tests/support/lambda_event.ts";
import type { TestNest } from "#tests/support/nest.ts";

/** A webhook function that pauses after the n-th response of a service arrived and before its code gets it. */
export interface PausedWebhook {
  post(event: object): Promise<Result>;
  /** Resolves when the response has arrived. */
  reached: Promise<void>;
  resume(): void;
  close(): Promise<void>;
}

/**
 * @param at number (from 1) of the request after whose response it pauses
 * @param name the kind of request: to Stripe, or to a repository's method such as `UserRepository.find`
 */
export function pauseWebhook(
  environment: Environment,
  nest: TestNest,
  at: number,
  name = "StripeApi.request",
): PausedWebhook {
  const reached = Promise.withResolvers<void>();
  const resumed = Promise.withResolvers<void>();
  const open = openCore(environment, { clock: nest.clock, write: () => undefined });
  let requests = 0;
  const paused = interceptIo(open, async (operation, work) => {
    const isPaused = operation.name === name && ++requests === at;
    const response = await work();
    if (isPaused) {
      reached.resolve();
      await resumed.promise;
    }
    return response;
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
