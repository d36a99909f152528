import fc from "fast-check";
import type { DoubleEvent } from "#stripe_double/types.ts";
import { hearOf, recordTrialUse, tryTrial, usable } from "#tests/model/billing_rules.ts";
import { newest, operation, type Plan } from "#tests/model/operation.ts";
import { knows, makeLink, mayAsk, takeLink } from "#tests/model/rules.ts";
import { asBearer, letIn, ownerOf } from "#tests/model/session_plans.ts";
import { machine, person } from "#tests/model/sign_in_plans.ts";
import type { AccessToken, Person } from "#tests/model/state.ts";
import { V2 } from "#tests/support/nest.ts";

/** Starts a trial for any address on any device. */
export const startsTrial: fc.Arbitrary<Plan> = fc.tuple(machine, person).map(
  ([on, of]): Plan =>
    (_state, world, name) => {
      const atStripe = world.atStripe();
      return operation({
        says: `${on} starts a trial for ${of}: link ${name}`,
        async call(system) {
          const body = system.linkRequest(name, on, of);
          const reply = await system.nest.call(`${V2}create_trial_and_magic_link`, body, {
            ip: system.app(on).ip,
          });
          if (reply.status === 204) system.readMail(name);
          return system.answer(reply);
        },
        begin(state) {
          const isKnown = knows(state, of, on);
          const wanted = { person: of, machine: on, atStripe };
          const refused = mayAsk(state, of, isKnown) ? tryTrial(state, wanted) : "rate_limited";
          return { isKnown, refused };
        },
        finish(state, { isKnown, refused }) {
          if (refused !== null) return { code: refused };
          if (!takeLink(state, of, isKnown)) return { code: "rate_limited" };
          makeLink(state, name, { person: of, machine: on, isTrial: true });
          return { code: "204" };
        },
      });
    },
);

/** Delivers one of the pending events, in any order. */
export const hears: fc.Arbitrary<Plan> = fc.nat(9).map(
  (nth): Plan =>
    (_state, system) => {
      const events = system.pending();
      const event = events[nth % Math.max(1, events.length)];
      if (!event) return null;
      const atStripe = system.atStripe();
      const name = system.nameOf((event.data.object as { id: string }).id);
      return operation({
        says: `Stripe delivers ${event.type}${name ? ` of ${name}` : ""}`,
        isWebhook: true,
        call: async (system) => ({ code: await system.deliver(event), holds: {} }),
        begin: (state) => (name === null ? "200" : hearOf(state, happening(event), name, atStripe)),
        finish: (_state, code) => ({ code }),
      });
    },
);

const happening = ({ type }: DoubleEvent) => type.slice(type.lastIndexOf(".") + 1);

/** Reads the status of a person's subscription. */
export const looks: fc.Arbitrary<Plan> = fc.nat(5).map((back) => (before, system, name) => {
  const of = newest(before.verified, back);
  return of === undefined ? null : looksAt(of)(before, system, name);
});

export function looksAt(of: Person): Plan {
  return () =>
    operation({
      says: `reads the subscription of ${of}`,
      async call(system) {
        const user_id = system.get(`user ${of}`);
        const reply = await system.nest.call(`${V2}get_subscription_status`, { user_id }, { internal: true });
        const answer = system.answer(reply);
        return reply.status === 200 ? { ...answer, code: reply.body.status } : answer;
      },
      begin: (state) => usable(state, of),
      finish: (_state, status) => ({ code: status ?? "no_active_subscription" }),
    });
}

/** Reads the status with an access token, which uses a trial. */
export const uses: fc.Arbitrary<Plan> = fc.nat(5).map((back) => (before, system) => {
  const of = newest(Object.keys(before.accessTokens), back);
  if (of === undefined) return null;
  const { person } = ownerOf(before, before.accessTokens[of] as AccessToken);
  const atStripe = system.atStripe();
  return operation({
    says: `reads the own subscription of ${person} with access token ${of}`,
    async call(system) {
      const { options, user_id } = asBearer(system, before, of);
      const reply = await system.nest.call(`${V2}get_subscription_status`, { user_id }, options);
      const answer = system.answer(reply);
      return reply.status === 200 ? { ...answer, code: reply.body.status } : answer;
    },
    begin: (state) => letIn(state, of),
    finish(state, refused) {
      if (refused !== null) return { code: refused };
      const { createdAt } = ownerOf(state, state.accessTokens[of] as AccessToken);
      return { code: recordTrialUse(state, person, createdAt, atStripe) ?? "no_active_subscription" };
    },
  });
});
