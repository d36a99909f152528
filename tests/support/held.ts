import { StripeApi } from "#core/clients/stripe.ts";
import type { OpenCore, Part } from "#core/core.ts";

/** A core that has Stripe's answer to its n-th request and does not get to hear it until it is let go. */
export interface Held {
  open: OpenCore;
  /** Resolves when that answer is there. */
  reached: Promise<void>;
  letGo(): void;
}

/** @param at which request, from 1 */
export function holdStripe(open: OpenCore, at: number): Held {
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let asked = 0;
  const held = (stripe: StripeApi) =>
    new Proxy(stripe, {
      get(target, name) {
        const value = Reflect.get(target, name, target);
        if (name !== "request") return value;
        return async (...args: Parameters<StripeApi["request"]>) => {
          const isHeld = ++asked === at;
          const answer = await target.request(...args);
          if (isHeld) {
            reached.resolve();
            await released.promise;
          }
          return answer;
        };
      },
    });
  return {
    reached: reached.promise,
    letGo: () => released.resolve(),
    open: {
      ...open,
      part<Opened>(part: Part<Opened>): Opened {
        const opened = open.part(part);
        return opened instanceof StripeApi ? (held(opened) as Opened) : opened;
      },
    },
  };
}
