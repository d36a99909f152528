import { derivedIdOf } from "#core/ids.ts";
import type { AuditLog } from "#core/repositories/audit_logs.ts";
import type { Outbox } from "#core/repositories/outbox.ts";
import type { ProxiedNest } from "#tests/faults/proxied_nest.ts";

type Document = Record<string, unknown>;

/**
 * Fields that depend on the number of tries and not on the outcome. If a call can't record that a token was
 * acknowledged, the next call with the token records it.
 */
const RETRY_FIELDS = new Set([
  "acknowledgedGeneration",
  "updatedAt",
  "_id",
  "version",
  "attempt",
  "attempts",
  "userCodeAttempts",
  // A repeated call treats the user whom the failed one created as claimed. There is nothing of a stranger to end.
  "unprovedEndedAt",
  "attemptedAt",
  // Counts decisions about the owners of an account, and members who join it.
  "leavingVersion",
  // Salted, so that equal passwords have different hashes.
  "hash",
  "reason",
  "claimedAt",
  "leasedUntil",
  // Compared as `events` of the user.
  "events",
  "eventsDueAt",
]);
/** Notices of a change that has been made. They are sent once, in one attempt, and their failure is logged. */
const NOTICE =
  /password was changed|sign-in was changed|recovery code|account was deleted|signed out of .* on other devices|^The addresses of your|^The ways to sign in/;
/** The mail about a new device, which has a secret. A call that is repeated sends it; a call that succeeds may log its failure. */
const WATCH = /^New sign-in/;
/** The part of the end state that a call may lack which succeeded in spite of the fault. */
export const NOTICES = "notices of a new device";
/** A device whose notice was not sent stays unknown. */
export const KNOWN_DEVICES = "known devices";
/** Purposes of links and codes with which the same request can be repeated until their use is recorded as complete. */
const REPEATABLE = ["reset_password", "invite"];
/** The links and codes of those purposes whose use is not recorded as complete. A call that succeeds may leave one. */
export const OPEN_ATTEMPTS = "links and codes that may be used again";
/** Collections in which an extra document has no effect: a link or code that was not sent, a token that is not valid. */
const HARMLESS = ["authorizations", "access_tokens", "refresh-tokens", "verifications"];
/**
 * A password signs in as often as it is presented, and issue_token as often as it is called. A call whose response was lost leaves a
 * session that nobody has tokens of.
 */
const isRepeatable = (value: unknown) =>
  /"(type|grant)":"(password|issue_token)"/.test(JSON.stringify(value ?? null));
/** A repeated call that presents a used code is one more failed sign-in. */
const FAILED_SIGN_IN = "user.sign_in_failed";

/**
 * The state of a user after a call: documents, objects at Stripe and mails, without ids and times, so that the states of
 * two users can be compared.
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
  const disownments = await find("verifications", { ...own, purpose: "disown" });
  const verifications = await find("verifications", { ...own, revokedAt: null, purpose: { $ne: "disown" } });
  const repeatable = verifications.filter(({ purpose }) => REPEATABLE.includes(String(purpose)));
  const members = await find("account_members", byUser);
  const documents = {
    identifiers: identifiers.map((one): Document => ({ ...one, knownDevices: undefined })),
    trials,
    users: await find("users", { _id: { $in: userIds } }),
    passwords: await find("passwords", byUser),
    oauth_identities: await find("oauth_identities", byUser),
    pending_identifiers: await find("pending_identifiers", byUser),
    // The latest request replaces the earlier ones.
    verifications: verifications.map((one) =>
      repeatable.includes(one) ? { ...one, redemption: undefined } : one,
    ),
    accounts: await find("accounts", { _id: { $in: members.map(({ accountId }) => accountId) } }),
    account_members: members,
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
  const rows = (await find("audit_logs", { userId: { $in: userIds } })) as unknown as AuditLog[];
  const stripe = nest.stripe.subscriptions().filter(({ customer }) => customerIds.includes(customer));
  const payments = nest.stripe
    .events()
    .map(({ data }) => data.object as { id: string; customer?: string })
    .filter(({ id, customer }) => id.startsWith("pi_") && customerIds.includes(String(customer)))
    .map(({ id }) => id);
  return {
    events: eventsOf(Object.values(documents).flat(), rows),
    ...Object.fromEntries(
      Object.entries(documents).map(([name, found]) => {
        const normalized = new Map(
          found.map((document, number) => [keyOf(name, number, document), normalize(document)]),
        );
        return [
          name,
          [...normalized].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, document]) => document),
        ];
      }),
    ),
    customers: customers.length,
    "subscriptions at Stripe": stripe.map(({ status }) => status).sort(),
    refunds: nest.stripe.refunds().filter(({ payment_intent }) => payments.includes(String(payment_intent)))
      .length,
    mails: [
      ...new Set(
        nest.ses.inbox
          .filter(({ to, subject }) => to === address && !NOTICE.test(subject) && !WATCH.test(subject))
          .map(({ subject }) => subject.replace(/\b\d{6}\b/, "a code")),
      ),
    ].sort(),
    [OPEN_ATTEMPTS]: repeatable.filter(({ redemption }) => redemption !== null).length,
    [KNOWN_DEVICES]: identifiers.map(({ knownDevices }) => normalize(knownDevices)),
    [NOTICES]: [
      ...new Set([
        ...nest.ses.inbox
          .filter(({ to, subject }) => to === address && WATCH.test(subject))
          .map(() => "mail"),
        ...disownments.map((one) => JSON.stringify(normalize(one))),
      ]),
    ].sort(),
  };
}

/**
 * Every event of a user, on documents and in the audit log. An event on two documents, or both on a document and in the log,
 * would be listed twice.
 */
function eventsOf(documents: readonly Outbox[], rows: readonly AuditLog[]): string[] {
  // An event may be moved twice. Its row has the same id.
  const moved = new Set(rows.map(({ _id }) => _id));
  const pending = documents
    .flatMap(({ events = [] }) => events)
    .filter(({ id }) => !moved.has(derivedIdOf(id, "auditLog")));
  const all = [
    ...pending.map(({ type, data }) => [type, data]),
    ...rows.map(({ action, data }) => [action, data]),
  ].filter(([type]) => type !== FAILED_SIGN_IN);
  const texts = all.map((event) => JSON.stringify(normalize(event)));
  return texts.filter((text, index) => !isRepeatable(all[index]) || texts.indexOf(text) === index).sort();
}

/** Key for sorting documents. Harmless documents with equal content have equal keys. */
function keyOf(collection: string, number: number, document: Document): string {
  const text = JSON.stringify(normalize(document));
  const isHarmless =
    HARMLESS.includes(collection) || (collection === "sessions" && isRepeatable(document.rootGrant));
  return isHarmless ? text : `${text} ${number}`;
}

/** A value without ids, hashes and times. */
function normalize(value: unknown): unknown {
  if (value instanceof Date) return "a time";
  if (Array.isArray(value)) return value.map(normalize);
  if (typeof value === "string") {
    if (/^\d{4}-\d\d-\d\dT/.test(value)) return "a time";
    if (/^[0-9a-f]{64}$/.test(value)) return "a hash";
    // Of the session that `issue_token` starts.
    if (/^[0-9a-f]{8}$/.test(value)) return "a random value";
    // Each user has another number.
    if (/^\+65\d{8}$/.test(value)) return "their number";
    return (
      value
        .replace(/(?<=^|-)([a-z]+)_[0-9A-Za-z]{14,}/, "$1_…")
        .replace(/\S+@example\.com/, "them")
        // Each person at the double of a provider has another number, and each double another port.
        .replace(/^(subject-|person\.)\d+/, "$1…")
        .replace(/127\.0\.0\.1:\d+/, "the double")
    );
  }
  if (typeof value !== "object" || value === null) return value;
  // A claim for a mail that was not sent has expired.
  const isIgnored = ([field, inner]: [string, unknown]) =>
    RETRY_FIELDS.has(field) || (inner as { claimedAt?: string; sentAt?: null } | null)?.sentAt === null;
  const fields = Object.entries(value).filter((entry) => !isIgnored(entry));
  // A field can be named by an id, such as the payments of a subscription.
  return Object.fromEntries(fields.map(([field, inner]) => [normalize(field), normalize(inner)]));
}
