import type { ProxiedNest } from "#tests/faults/proxied_nest.ts";

type Document = Record<string, unknown>;

/**
 * What tells how often something was tried, and not what it has led to. That a token was seen is recorded by the next call
 * with it where it could not be by this one.
 */
const TRIES = new Set([
  "acknowledgedGeneration",
  "updatedAt",
  "_id",
  "version",
  "attempt",
  "attempts",
  "attemptedAt",
  "reason",
  "claimedAt",
  "leasedUntil",
]);
/** Documents of which another one more or less changes nothing: a link that nobody was sent, a token that has fallen. */
const IDLE = ["authorizations", "access_tokens", "refresh-tokens"];

/**
 * Everything that a call has led to for a person, in words that are the same whatever ids and times it has: what the
 * database holds, what Stripe does, and which mails have come.
 */
export async function endState({ nest }: ProxiedNest, address: string): Promise<Record<string, unknown>> {
  const find = (collection: string, filter: object) =>
    nest.collection(collection).find(filter).toArray() as Promise<Document[]>;
  const customers = nest.stripe.customers().filter((one) => !one.deleted && one.email === address);
  const customerIds = customers.map(({ id }) => id);
  const own = { identifierValue: address };
  const [identifiers, trials] = await Promise.all([find("identifiers", own), find("trials", own)]);
  const userIds = [...identifiers, ...trials].map(({ userId }) => userId);
  const byUser = { userId: { $in: userIds } };
  const documents = {
    identifiers,
    trials,
    users: await find("users", { _id: { $in: userIds } }),
    authorizations: await find("authorizations", own),
    sessions: await find("sessions", byUser),
    access_tokens: await find("access_tokens", byUser),
    "refresh-tokens": await find("refresh-tokens", byUser),
    "marketing-consent": await find("marketing-consent", byUser),
    subscriptions: await find("subscriptions", byUser),
    "provider-mappings": await find("provider-mappings", byUser),
    "stripe-events": await find("stripe-events", { customerId: { $in: customerIds } }),
    "mail-events": await find("mail-events", { identifierValues: address }),
  };
  const stripe = nest.stripe.subscriptions().filter(({ customer }) => customerIds.includes(customer));
  const payments = nest.stripe
    .events()
    .map(({ data }) => data.object as { id: string; customer?: string })
    .filter(({ id, customer }) => id.startsWith("pi_") && customerIds.includes(String(customer)))
    .map(({ id }) => id);
  return {
    ...Object.fromEntries(
      Object.entries(documents).map(([name, found]) => {
        const said = new Map(
          found.map((document, number) => [keyOf(name, number, document), inWords(document)]),
        );
        return [
          name,
          [...said].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, document]) => document),
        ];
      }),
    ),
    customers: customers.length,
    "subscriptions at Stripe": stripe.map(({ status }) => status).sort(),
    refunds: nest.stripe.refunds().filter(({ payment_intent }) => payments.includes(String(payment_intent)))
      .length,
    mails: [
      ...new Set(nest.ses.inbox.filter(({ to }) => to === address).map(({ subject }) => subject)),
    ].sort(),
  };
}

/** By it documents are sorted; idle ones that look the same are one. */
function keyOf(collection: string, number: number, document: Document): string {
  const text = JSON.stringify(inWords(document));
  return IDLE.includes(collection) ? text : `${text} ${number}`;
}

/** A value without what differs from run to run. */
function inWords(value: unknown): unknown {
  if (value instanceof Date) return "a time";
  if (Array.isArray(value)) return value.map(inWords);
  if (typeof value === "string") {
    if (/^\d{4}-\d\d-\d\dT/.test(value)) return "a time";
    if (/^[0-9a-f]{64}$/.test(value)) return "a hash";
    return value.replace(/^([a-z]+)_[0-9A-Za-z]{14,}/, "$1_…").replace(/\S+@example\.com/, "them");
  }
  if (typeof value !== "object" || value === null) return value;
  // A claim whose mail did not go out has lapsed.
  const isIdle = ([field, inner]: [string, unknown]) =>
    TRIES.has(field) || (inner as { claimedAt?: string; sentAt?: null } | null)?.sentAt === null;
  const fields = Object.entries(value).filter((entry) => !isIdle(entry));
  return Object.fromEntries(fields.map(([field, inner]) => [field, inWords(inner)]));
}
