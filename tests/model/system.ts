import { decodeJwt } from "jose";
import { STRIPE_EVENT_TYPES } from "#core/billing/events/event_types.ts";
import type { DoubleEvent, Subscription as StripeSubscription } from "#stripe_double/types.ts";
import type { AtStripe } from "#tests/model/billing_rules.ts";
import { APPS, MACHINES, type Machine, PEOPLE, type Person } from "#tests/model/state.ts";
import {
  codeIn,
  linkRequest,
  MAC,
  pkcePair,
  type Reply,
  type TestClock,
  type TestNest,
  WINDOWS,
} from "#tests/support/nest.ts";
import type { Scheduler } from "#tests/support/scheduler.ts";
import type { SentMail } from "#tools/local/ses_double.ts";

/** Tokens, codes and ids of the service by their name in the model. */
export type Names = Map<string, string>;

/** A response: `200`, `204` or an error code, with its values by kind. */
export interface Answer {
  code: string;
  holds: Record<string, string>;
}

/** A clock that only `advance` moves. */
export function standingClock(): TestClock {
  let now = Math.ceil(Date.now() / 1000) * 1000;
  return {
    now: () => new Date(now),
    advance: (seconds) => {
      now += seconds * 1000;
    },
  };
}

const IPS: Readonly<Record<Machine, string>> = {
  "ada's laptop": "203.0.113.1",
  "ada's desktop": "203.0.113.2",
  "bob's laptop": "203.0.113.3",
  "eve's laptop": "203.0.113.4",
};
const CLIENTS = { mac: MAC, windows: WINDOWS } as const;

/** The service under test, with the tokens of one history. Each history has its own people and devices. */
export class SystemUnderTest {
  readonly nest: TestNest;
  readonly scheduler: Scheduler;
  readonly names: Names = new Map();
  /** Every operation with its response, in words. */
  readonly history: string[] = [];
  /** Ids of events that got a 2xx response. */
  readonly delivered = new Set<string>();
  readonly #id: string;
  readonly #pkce = new Map(MACHINES.map((machine) => [machine, pkcePair()]));

  constructor(nest: TestNest, scheduler: Scheduler, id: string) {
    this.nest = nest;
    this.scheduler = scheduler;
    this.#id = id;
  }

  addressOf(person: Person): string {
    return `${person}.${this.#id}@example.com`;
  }

  /** The client, device and PKCE pair of the app on a device. */
  app(machine: Machine) {
    const id = `${machine} ${this.#id}`;
    const { verifier, challenge } = this.#pkce.get(machine) as { verifier: string; challenge: string };
    return {
      clientId: CLIENTS[APPS[machine]],
      ip: IPS[machine],
      verifier,
      challenge,
      device: { platform: "mac", beak_id: `b ${id}`, fingerprint: `f ${id}` },
    };
  }

  /** The value with this name. @throws Error if there is none */
  get(name: string): string {
    const value = this.names.get(name);
    if (value === undefined) throw new Error(`no value is known for ${name}`);
    return value;
  }

  /** The request for a link. Its `state` has the name of the link. */
  linkRequest(name: string, on: Machine, to: Person): Record<string, unknown> {
    const { clientId, challenge, device } = this.app(on);
    return linkRequest({
      client_id: clientId,
      code_challenge: challenge,
      device,
      identifier_value: this.addressOf(to),
      state: this.#stateOf(name),
    });
  }

  /** Stores the code of a link from its mail. @throws Error if no mail arrived */
  readMail(name: string): void {
    const stateIn = ({ text }: SentMail) => new URLSearchParams(/\?(\S+)/.exec(text)?.[1]).get("state");
    const mail = this.nest.ses.inbox.findLast((sent) => stateIn(sent) === this.#stateOf(name));
    if (!mail) throw new Error(`no mail arrived for link ${name}`);
    this.names.set(`link ${name}`, codeIn(mail));
  }

  #stateOf(name: string): string {
    return `${this.#id}.${name}.`;
  }

  /** Converts a response for the model. */
  answer({ status, body }: Reply): Answer {
    const [reason] = body?.reasons ?? [];
    if (status >= 300) return { code: status === 401 ? `${body.code} ${reason.code}` : body.code, holds: {} };
    if (body?.access_token === undefined) return { code: String(status), holds: {} };
    const { access_token, refresh_token, user_id } = body;
    const { sid } = decodeJwt(access_token);
    return { code: "200", holds: { access_token, refresh_token, user_id, session_id: String(sid) } };
  }

  /** Events that have not been delivered successfully, oldest first. */
  pending(): DoubleEvent[] {
    const types: readonly string[] = STRIPE_EVENT_TYPES;
    return this.nest.stripe
      .events()
      .filter(({ id, type }) => types.includes(type) && !this.delivered.has(id));
  }

  async deliver(event: DoubleEvent): Promise<string> {
    const { status, body } = await this.nest.webhook(event);
    if (status < 300) this.delivered.add(event.id);
    return status < 300 ? "200" : body.code;
  }

  /** Delivers events until all have succeeded. @throws Error if some do not succeed in 20 rounds */
  async deliverAll(): Promise<void> {
    for (let round = 0; round < 20; round++) {
      const events = this.pending();
      if (events.length === 0) return;
      for (const event of events) await this.deliver(event);
    }
    throw new Error(`some events never succeeded: ${this.pending().map(({ type }) => type)}`);
  }

  /** Every subscription of these people at Stripe, by name. */
  atStripe(): Record<string, AtStripe> {
    return Object.fromEntries(
      [...this.#named()].map(([name, { person, stripe }]) => [name, asModel(person, stripe)]),
    );
  }

  /** Stripe's id of a subscription. */
  stripeIdOf(name: string): string {
    return this.#named().get(name)?.stripe.id ?? "";
  }

  nameOf(stripeId: string): string | null {
    return [...this.#named()].find(([, { stripe }]) => stripe.id === stripeId)?.[0] ?? null;
  }

  #named(): Map<string, { person: Person; stripe: StripeSubscription }> {
    const { stripe } = this.nest;
    const owners = new Map(
      stripe.customers().flatMap((customer) => {
        const person = PEOPLE.find((one) => !customer.deleted && customer.email === this.addressOf(one));
        return person ? [[customer.id, person] as const] : [];
      }),
    );
    const named = new Map<string, { person: Person; stripe: StripeSubscription }>();
    const counts = new Map<string, number>();
    for (const subscription of stripe.subscriptions()) {
      const person = owners.get(subscription.customer);
      if (!person) continue;
      const kind = `${person}'s ${subscription.metadata.trial_id === undefined ? "purchase" : "trial"}`;
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      named.set(`${kind} ${counts.get(kind)}`, { person, stripe: subscription });
    }
    return named;
  }
}

function asModel(person: Person, stripe: StripeSubscription): AtStripe {
  const periods = stripe.items.data.map(({ current_period_end }) => current_period_end);
  const end = stripe.ended_at ?? stripe.cancel_at ?? Math.max(...periods);
  return {
    person,
    isTrial: stripe.metadata.trial_id !== undefined,
    status: stripe.status,
    createdAt: stripe.created * 1000,
    endsAt: end * 1000,
    isScheduled: stripe.cancel_at_period_end || stripe.cancel_at !== null,
  };
}
