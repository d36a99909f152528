import type { CommandStartedEvent, Document } from "mongodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { handler as sesEvents } from "#callbacks/ses_events.ts";
import { removeUnredeemedTrials } from "#core/billing/trials/remove_unredeemed.ts";
import { DAY } from "#core/clock.ts";
import { moveEvents } from "#core/events/move_events.ts";
import { cursorAfter } from "#core/paging.ts";
import { billing, outboxes, stripe } from "#core/parts.ts";
import { findPerson } from "#core/personal_data/find_person.ts";
import { eraseAccount, readAccount } from "#core/personal_data/personal_data.ts";
import { COLLECTIONS } from "#core/repositories/index_setup.ts";
import { PersonalDocuments } from "#core/repositories/personal_documents.ts";
import { serveEvent } from "#entry/event.ts";
import { addIdentifier, askToVerify, callWith, email, sentSecret } from "#tests/support/identifiers.ts";
import { lambdaContext } from "#tests/support/lambda_event.ts";
import { as as asUser, newMember, newOwner } from "#tests/support/members.ts";
import {
  linkIn,
  linkRequest,
  MAC,
  NATIVE,
  NOWHERE,
  SIMPLE,
  startNest,
  type TestNest,
  V1,
  V2,
} from "#tests/support/nest.ts";
import { codeToLink, linkAccount, newPerson, REDEEM_FIELDS, redeem, visit } from "#tests/support/oauth.ts";
import { enrolPasskey, signInByPasskey } from "#tests/support/passkeys.ts";
import { register, setPassword } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";
import { giveRole, setRoles } from "#tests/support/roles.ts";
import { addWebhook, callWebhooks, deliver, sendTest } from "#tests/support/webhooks.ts";

/** The collection and the filter of a command that the driver sent. */
interface Query {
  collection: string;
  filter: Document;
  /** The fields that order a page of a list; absent for other queries. */
  order?: string[];
}

const CURSOR = cursorAfter(
  { createdAt: "2026-01-01T00:00:00.000Z", _id: "session_1" },
  { method: "list_sessions" },
);
const AUDIT_CURSOR = cursorAfter(
  { createdAt: "2026-01-01T00:00:00.000Z", _id: "audit_1" },
  { method: "list_audit_logs", filter: { outcome: "failure", from: "2020-01-01T00:00:00.000Z" } },
);
let nest: TestNest;
const queries: Query[] = [];

const sortFieldsOf = (sort: Document | Map<string, unknown>) =>
  sort instanceof Map ? [...sort.keys()] : Object.keys(sort);

function note({ commandName, command }: CommandStartedEvent): void {
  const collection = String(command[commandName]);
  const statements: Document[] = command.updates ?? command.deletes ?? [];
  const single = command.filter ?? command.query ?? command.pipeline?.[0]?.$match;
  const filters = [...statements.map(({ q }) => q), ...(single ? [single] : [])];
  const order = command.limit && command.sort ? { order: sortFieldsOf(command.sort) } : {};
  for (const filter of filters) queries.push({ collection, filter, ...order });
  for (const { $unionWith, $lookup } of (command.pipeline ?? []) as Document[]) {
    if ($unionWith) queries.push({ collection: $unionWith.coll, filter: $unionWith.pipeline[0].$match });
    if ($lookup) queries.push({ collection: $lookup.from, filter: { [$lookup.foreignField]: "a value" } });
  }
}

/** Calls every method and callback, with every rate limit on. */
async function live(): Promise<void> {
  const ada = await nest.signIn("ada@example.com");
  const as = { bearer: ada.access_token };
  const own = { user_id: ada.user_id };
  const failed = await nest.emailedCode();
  await nest.redeem(failed, { code_verifier: "wrong" });
  nest.ses.fault({ calls: 1, kind: "rejected" });
  await nest.call(`${V1}send_magic_link`, linkRequest());
  const added = await addIdentifier(nest, ada, email("second@example.com"));
  await callWith(nest, "set_primary_identifier", ada, added);
  await callWith(nest, "remove_identifier", ada, added);
  const pending = await sentSecret(nest, ada, { ...email("third@example.com"), delivery: "link" });
  await nest.call(`${V3}check_verification`, { client_id: MAC, ...pending.proof });
  await askToVerify(nest, ada, { identifier_id: pending.identifier_id });
  await callWith(nest, "remove_identifier", ada, pending.identifier_id);
  const { body: member } = await register(nest, { identifier_value: "member@example.com" });
  await setPassword(nest, member);
  for (const [path, body] of [
    [`${V2}get_user`, own],
    [`${V3}get_user`, {}],
    [`${V3}list_account_users`, {}],
    [`${V2}list_sessions`, own],
    [`${V3}list_sessions`, { limit: 1, cursor: CURSOR }],
    [`${V3}revoke_session`, { session_id: "session_none" }],
    [`${V3}revoke_all_sessions`, {}],
    [`${V1}set_marketing_consent`, { ...own, level: "none" }],
    [`${V1}get_marketing_consent`, own],
    [`${V2}get_subscription_status`, own],
    [`${V1}list_news_items`, { client_id: MAC }],
    [`${V2}revoke_session`, { ...own, session_id: "session_none" }],
  ] as const)
    await nest.call(path, body, as);
  await useAccounts();
  await useProviders(ada.access_token);
  const { authenticator } = await enrolPasskey(nest, "passkeys@example.com");
  await signInByPasskey(nest, authenticator);
  await giveRole(nest, { key: "desk", ...own });
  await setRoles(nest, ada.user_id, ["admin"]);
  await setRoles(nest, (await nest.signIn("other@example.com")).user_id, ["admin"]);
  await setRoles(nest, ada.user_id, []);
  for (const [method, body] of [
    ["list_users", {}],
    ["list_users", { role: "admin", status: "active" }],
    ["list_users", { query: "ada" }],
    ["list_users", { query: "ada", status: "deleted" }],
    ["create_user", { client_id: SIMPLE, ...email("created@example.com"), roles: ["desk"] }],
    ["update_user", { ...own, name: "Ada", status: "disabled" }],
    ["update_user", { ...own, status: "active" }],
    ["get_billing_history", own],
    ["get_sign_in_history", own],
    ["get_sign_in_history", { address: "nobody@example.com" }],
    ["list_audit_logs", own],
    ["list_audit_logs", { account_id: "account_none" }],
    ["list_audit_logs", { outcome: "failure", from: "2020-01-01", limit: 1, cursor: AUDIT_CURSOR }],
    ["delete_user", { user_id: member.user_id }],
    ["list_roles", {}],
    ["delete_role", { scope: "platform", key: "desk" }],
  ] as const)
    await nest.call(`${V3}${method}`, body, { internal: true });
  await useWebhooks();
  const tested = { client_id: MAC, ...own, device: { device_id: "d" } };
  await nest.call(`${V3}issue_token`, tested, { internal: true });
  const { body: next } = await nest.refresh(ada.refresh_token);
  await nest.refresh(ada.refresh_token);
  await nest.call(`${V2}get_user`, own, { bearer: next.access_token });
  nest.clock.advance(11);
  await nest.refresh(ada.refresh_token);
  await nest.call(`${V2}revoke_token`, { client_id: MAC, refresh_token: next.refresh_token });
  const trial = linkRequest({ identifier_value: "trial@example.com" });
  for (let asked = 0; asked < 2; asked++) await nest.call(`${V2}create_trial_and_magic_link`, trial);
  for (const email of ["ada@example.com", "ada@example.com", "new@example.com"])
    nest.stripe.createSubscription({ email });
  await nest.deliverEvents();
  await nest.deliverEvents();
  await serveEvent(sesEvents.declaration, nest.gateway)(
    {
      id: "e1",
      time: nest.clock.now().toISOString(),
      detail: {
        eventType: "Bounce",
        mail: { messageId: "m" },
        bounce: { bounceType: "Permanent", bouncedRecipients: [{ emailAddress: "ada@example.com" }] },
      },
    },
    lambdaContext(),
  );
  for (const plan of ["beak", "beak"]) {
    const page = "http://localhost:3000/";
    const body = { plan, success_url: page, cancel_url: page };
    const { access_token: bearer } = await nest.signIn("buyer@example.com");
    nest.stripe.fault({ calls: 1, kind: "error", on: "POST /v1/checkout/sessions" });
    for (let asked = 0; asked < 2; asked++)
      await nest.call("/1/2026-12-01/create_checkout_session", body, { bearer });
  }
  // Commands of an operator, about a user without a subscription.
  const eve = await nest.signIn("eve@example.com");
  const { mongo } = nest.gateway;
  const core = {
    ...nest.gateway.core,
    stripe: null,
    personalDocuments: new PersonalDocuments(mongo.database),
  };
  const person = await findPerson(core, "eve@example.com");
  const account = await readAccount(core, person);
  expect(account.refreshTokens).toHaveLength(1);
  await eraseAccount(core, person);
  expect(await core.users.find(eve.user_id)).toBeNull();
  await moveEvents({ ...core, outboxes: nest.gateway.part(outboxes) }, Number.POSITIVE_INFINITY);
  await core.auditLogs.list({ action: "session.revoked" }, 10);
  nest.clock.advance(60 * DAY);
  nest.stripe.advance(0);
  await nest.deliverEvents();
  const parts = { stripe: nest.gateway.part(stripe), billing: nest.gateway.part(billing) };
  const { removed } = await removeUnredeemedTrials({ ...core, ...parts }, Number.POSITIVE_INFINITY);
  expect(removed).toHaveLength(1);
}

async function useProviders(bearer: string): Promise<void> {
  const person = newPerson();
  await redeem(nest, (await visit(nest, person)).code);
  await redeem(nest, (await visit(nest, person)).code);
  const joining = newPerson();
  await nest.signIn(String(joining.email));
  await redeem(nest, (await visit(nest, joining)).code, { code_verifier: "wrong" });
  const oauth_identity_id = await linkAccount(nest, bearer);
  const code = await codeToLink(nest, bearer, person);
  for (const [method, body] of [
    ["link_oauth", { ...REDEEM_FIELDS, code }],
    ["list_oauth_identities", {}],
    ["unlink_oauth", { oauth_identity_id }],
  ] as const)
    await nest.call(`${V3}${method}`, body, { bearer });
}

async function useWebhooks(): Promise<void> {
  const { id: webhook_id } = await addWebhook(nest, { url: `http://${NOWHERE}/`, events: ["*"] });
  const delivery_id = await sendTest(nest, webhook_id);
  await deliver(nest);
  for (const [method, body] of [
    ["list_webhooks", {}],
    ["list_webhook_deliveries", { webhook_id, limit: 1 }],
    ["list_webhook_deliveries", { webhook_id, limit: 1, status: "pending" }],
    ["retry_webhook_delivery", { delivery_id }],
    ["rotate_webhook_secret", { webhook_id }],
    ["update_webhook", { webhook_id, enabled: false }],
    ["delete_webhook", { webhook_id }],
  ] as const)
    await callWebhooks(nest, method, body);
}

beforeAll(async () => {
  const names = ["ADDRESS_AND_NETWORK", "ADDRESS", "KNOWN_DEVICE", "NETWORK"].map(
    (name) => `LINKS_PER_${name}`,
  );
  const networks = ["TRIAL_REQUESTS", "NEW_TRIALS", "FAILURES", "OAUTH_VISITS", "PASSKEY_CHALLENGES"];
  const limits = [...names, ...networks.map((name) => `${name}_PER_NETWORK`)];
  nest = await startNest({
    environment: Object.fromEntries(limits.map((name) => [`LIMIT_${name}`, "100"])),
  });
  nest.gateway.mongo.client.on("commandStarted", note);
  await live();
  nest.gateway.mongo.client.off("commandStarted", note);
});
afterAll(() => nest.stop());

/**
 * Whether a condition can use an index: an equality or a list of values, and no negation; or a range that repeats the
 * condition of a partial index, which has few entries.
 */
const isNarrow = (value: unknown) =>
  typeof value !== "object" ||
  value === null ||
  value instanceof Date ||
  "$in" in value ||
  "$eq" in value ||
  ("$exists" in value && "$lte" in value);

/** Whether an index has the equalities of a page's query, and then its order: the page reads its own documents only. */
function isOrderedByIndex({ collection, filter, order }: Query): boolean {
  return (COLLECTIONS[collection] ?? []).some(({ key }) => {
    const fields = Object.keys(key);
    const [first = ""] = order ?? [];
    const start = fields.indexOf(first);
    return (
      start >= 0 &&
      order?.every((field, each) => fields[start + each] === field) === true &&
      fields.slice(0, start).every((field) => field in filter)
    );
  });
}

/** Adds, finds and removes the members of an account. */
async function useAccounts(): Promise<void> {
  const owner = await newOwner(nest);
  const added = await newMember(nest, owner, "owner");
  const list = (cursor?: string) => asUser(nest, owner, "list_account_users", { limit: 1, cursor });
  await list((await list()).body.next_cursor);
  const changed = { user_id: added.user_id, role_key: "admin" };
  await asUser(nest, owner, "set_account_user_role", changed);
  await asUser(nest, owner, "update_account", { name: "Acme" });
  await asUser(nest, owner, "create_account", {});
  await asUser(nest, owner, "list_accounts", {});
  const invited = { identifier_type: "email", identifier_value: owner.address };
  await asUser(nest, owner, "add_account_user", invited);
  const token = linkIn(nest.lastMail(owner.address)).searchParams.get("token");
  await asUser(nest, owner, "accept_account_invite", { client_id: NATIVE, token });
  await asUser(nest, owner, "remove_account_user", { user_id: added.user_id });
  const role = { scope: "account", key: "helper" };
  const content = { name: "Helper", level: 1, capabilities: [] };
  await nest.call(`${V3}set_role`, { ...role, ...content }, { internal: true });
  await nest.call(`${V3}delete_role`, role, { internal: true });
}

function restsOnIndex(query: Query): boolean {
  const { collection, filter } = query;
  if (isOrderedByIndex(query)) return true;
  const leading = ["_id", ...(COLLECTIONS[collection] ?? []).map(({ key }) => Object.keys(key)[0] ?? "")];
  if (leading.some((field) => field in filter && isNarrow(filter[field]))) return true;
  const branches = filter.$or as Document[] | undefined;
  return branches?.every((branch) => restsOnIndex({ collection, filter: branch })) === true;
}

test("every query of calls and operators uses an index, except the query for news items", () => {
  const asked = new Set(queries.map(({ collection }) => collection));
  expect([...asked].sort()).toEqual(Object.keys(COLLECTIONS).sort());
  const scans = queries.filter((query) => query.collection !== "news-items" && !restsOnIndex(query));
  expect(scans).toEqual([]);
});
