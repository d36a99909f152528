import type { MoneyReturn } from "#core/repositories/subscriptions.ts";
import type { Scenario } from "#tests/callbacks/chaos/scenario.ts";
import type { TestNest } from "#tests/support/nest.ts";

type Document = { _id: string; [field: string]: unknown };
/** Nest's timestamps and ids differ between runs. Only whether these are set must agree. */
const SET_OR_NOT = new Set([
  ...["createdAt", "rejectedAt", "refundedAt", "disputedAt"],
  ...["periodStartsAt", "periodEndsAt", "returnedAt"],
  ...["oldestOpenInvoiceAt", "paidUntil", "pastDueUntil", "defaultAccountId"],
]);
/** Ids, fields that count writes, the time from which events are due, and mails, which are counted in the inbox. */
const IGNORED = new Set(["_id", "userId", "updatedAt", "version", "mails", "eventsDueAt"]);
/** Summaries of fields whose content depends on the order of Stripe's events or on Stripe's ids. */
const SUMMARIES: Readonly<Record<string, (value: unknown) => unknown>> = {
  returns: returnsOf,
  events: eventsOf,
};

/** The state after a run, with stable names instead of ids, so that runs can be compared. */
export async function stateOf(nest: TestNest, scenario: Scenario): Promise<Record<string, unknown>> {
  const { names, addresses } = scenario;
  const everyone = [...addresses.values()];
  const identifiers = await find(nest, "identifiers", { identifierValue: { $in: everyone } });
  const people = new Map(
    identifiers.map(({ userId, identifierValue }) => [
      String(userId),
      [...addresses].find(([, address]) => address === identifierValue)?.[0] ?? "nobody",
    ]),
  );
  const userIds = [...people.keys()];
  const normalize = (value: unknown): unknown => {
    if (typeof value === "string") return names.get(value) ?? people.get(value) ?? value;
    if (Array.isArray(value)) return value.map(normalize);
    if (typeof value !== "object" || value === null) return value;
    const fields = Object.entries(value)
      .filter(([field]) => !IGNORED.has(field))
      .map(([field, inner]): [string, unknown] => [field, SUMMARIES[field]?.(inner) ?? inner]);
    return Object.fromEntries(
      fields.map(([field, inner]) => [field, SET_OR_NOT.has(field) ? inner != null : normalize(inner)]),
    );
  };
  const sorted = (documents: Document[], by: string) =>
    documents
      .map(
        (document): Record<string, unknown> => ({
          user: people.get(String(document.userId)),
          ...(normalize(document) as object),
        }),
      )
      .sort((one, other) => String(one[by]).localeCompare(String(other[by])));
  const subscriptions = await find(nest, "subscriptions", { userId: { $in: userIds } });
  const ledger = await find(nest, "stripe-events", {
    _id: { $in: nest.stripe.events().map(({ id }) => id) },
  });
  return {
    identifiers: sorted(identifiers, "identifierValue").map(({ user }) => user),
    users: (await find(nest, "users", { _id: { $in: userIds } }))
      .map((user) => ({ user: people.get(user._id), ...(normalize(user) as object) }))
      .sort((one, other) => String(one.user).localeCompare(String(other.user))),
    mappings: sorted(await find(nest, "provider-mappings", { userId: { $in: userIds } }), "providerValue"),
    subscriptions: sorted(withoutDates(nest, subscriptions), "stpSubscriptionId"),
    stripe: nest.stripe
      .subscriptions()
      .filter(({ id }) => names.has(id))
      .map(({ id, status }) => `${names.get(id)}: ${status}`),
    refunds: refundsOf(nest, names),
    ledger: ledger
      .map(({ type, status, reason }) => `${type}: ${status}${reason ? ` (${reason})` : ""}`)
      .sort(),
  };
}

/**
 * The events of a document. Of the changes of a subscription, only the last status: how many there were depends on the
 * order of Stripe's events.
 * @throws Error if a change does not begin with the status that the change before it ended with
 */
function eventsOf(events: unknown): string[] {
  let last: string | null = null;
  for (const { type, data } of events as { type: string; data: Record<string, string | null> }[]) {
    if (type !== "subscription.updated") continue;
    if (data.previous !== last)
      throw new Error(`The status was ${last}, and an event changes ${data.previous}.`);
    last = data.status ?? null;
  }
  const others = (events as { type: string }[])
    .map(({ type }) => type)
    .filter((type) => type !== "subscription.updated");
  return last === null ? others : [...others, `subscription.updated: ${last}`];
}

/** What a rejection returned, without Stripe's ids and the number of attempts. */
function returnsOf(returns: unknown): object[] {
  return Object.values(returns as Record<string, MoneyReturn>).map(
    ({ to, amount, currency, reason, status, returnedAt }) => ({
      to,
      amount,
      currency,
      reason,
      status,
      returnedAt,
    }),
  );
}

/** Number of mails of a run, by person and subject. */
export function mailsTo(nest: TestNest, { addresses }: Scenario): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { to, subject } of nest.ses.inbox) {
    const person = [...addresses].find(([, address]) => address === to)?.[0];
    if (person) counts.set(`${person}: ${subject}`, (counts.get(`${person}: ${subject}`) ?? 0) + 1);
  }
  return new Map([...counts].sort());
}

const MARKS: Readonly<Record<string, string>> = {
  "Welcome to Beak!": "welcome",
  "Your Beak Trial has begun!": "welcome",
  "Your Beak trial ends soon": "trialWillEnd",
  "Duplicate Beak Subscription": "duplicate",
  "Your Beak subscription was replaced": "replaced",
};

/** Mails that were sent and are not recorded as sent. */
export async function unrecordedMails(nest: TestNest, scenario: Scenario): Promise<Set<string>> {
  const unrecorded = new Set<string>();
  for (const mail of mailsTo(nest, scenario).keys()) {
    const [person = "", subject = ""] = mail.split(": ");
    const [identifier] = await find(nest, "identifiers", { identifierValue: scenario.addresses.get(person) });
    const subscriptions = await find(nest, "subscriptions", { userId: identifier?.userId });
    const marks = subscriptions.flatMap(({ mails }) =>
      Object.entries(mails as Record<string, { sentAt: string | null }>),
    );
    // The mark of a reminder ends with its day.
    const isRecorded = marks.some(
      ([name, { sentAt }]) => sentAt !== null && name.split("-")[0] === MARKS[subject],
    );
    if (!isRecorded) unrecorded.add(mail);
  }
  return unrecorded;
}

function find(nest: TestNest, collection: string, filter: object): Promise<Document[]> {
  return nest.collection(collection).find(filter).toArray() as Promise<Document[]>;
}

/** Stripe's dates as days since the subscription was created, since runs differ in time. */
function withoutDates(nest: TestNest, documents: Document[]): Document[] {
  const made = new Map(nest.stripe.subscriptions().map(({ id, created }) => [id, created]));
  return documents.map((document) => {
    const since = made.get(String(document.stpSubscriptionId)) ?? 0;
    const moved = ["startsAt", "endsAt", "cancelAt", "cancelledAt", "stpCreatedAt"].map((field) => {
      const value = document[field];
      if (typeof value !== "string") return [field, value];
      const days = Math.round((Date.parse(value) / 1000 - since) / 86_400);
      // Runs that begin in different months have periods of different lengths.
      return [field, days >= 28 && days <= 31 ? "a month" : days];
    });
    return { ...document, ...Object.fromEntries(moved) };
  });
}

function refundsOf(nest: TestNest, names: ReadonlyMap<string, string>): string[] {
  const customers = new Map(
    nest.stripe
      .events()
      .filter(({ type }) => type.startsWith("payment_intent."))
      .map(({ data }) => data.object as { id: string; customer: string })
      .map(({ id, customer }) => [id, customer]),
  );
  return nest.stripe
    .refunds()
    .map(
      ({ payment_intent, amount }) =>
        [names.get(customers.get(String(payment_intent)) ?? ""), amount] as const,
    )
    .filter(([name]) => name !== undefined)
    .map(([name, amount]) => `${name}: ${amount}`)
    .sort();
}
