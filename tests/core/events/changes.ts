import type { EventType } from "#core/repositories/outbox.ts";
import type { RpcHandler } from "#entry/rpc.ts";
import { handler as setConsent } from "#methods/2020-12-14/set_marketing_consent.ts";
import { handler as acceptInvite } from "#methods/2026-12-01/accounts/accept_account_invite.ts";
import { handler as addUser } from "#methods/2026-12-01/accounts/add_account_user.ts";
import { handler as createAccount } from "#methods/2026-12-01/accounts/create_account.ts";
import { handler as removeUser } from "#methods/2026-12-01/accounts/remove_account_user.ts";
import { handler as setMemberRole } from "#methods/2026-12-01/accounts/set_account_user_role.ts";
import { handler as updateAccount } from "#methods/2026-12-01/accounts/update_account.ts";
import { handler as removeIdentifier } from "#methods/2026-12-01/identifiers/remove_identifier.ts";
import { handler as sendVerification } from "#methods/2026-12-01/identifiers/send_verification.ts";
import { handler as setPrimary } from "#methods/2026-12-01/identifiers/set_primary_identifier.ts";
import { handler as verifyIdentifier } from "#methods/2026-12-01/identifiers/verify_identifier.ts";
import { handler as regenerateCodes } from "#methods/2026-12-01/mfa/regenerate_recovery_codes.ts";
import { handler as removeFactor } from "#methods/2026-12-01/mfa/remove_mfa_factor.ts";
import { handler as verifyFactor } from "#methods/2026-12-01/mfa/verify_mfa_factor.ts";
import { handler as linkOAuth } from "#methods/2026-12-01/oauth/link_oauth.ts";
import { handler as unlinkOAuth } from "#methods/2026-12-01/oauth/unlink_oauth.ts";
import { handler as createReset } from "#methods/2026-12-01/passwords/create_password_reset.ts";
import { handler as resetPassword } from "#methods/2026-12-01/passwords/reset_password.ts";
import { handler as sendReset } from "#methods/2026-12-01/passwords/send_password_reset.ts";
import { handler as setPassword } from "#methods/2026-12-01/passwords/set_password.ts";
import { handler as deleteRole } from "#methods/2026-12-01/roles/delete_role.ts";
import { handler as setRole } from "#methods/2026-12-01/roles/set_role.ts";
import { handler as setUserRoles } from "#methods/2026-12-01/roles/set_user_roles.ts";
import { handler as disownSession } from "#methods/2026-12-01/sessions/disown_session.ts";
import { handler as revokeAll } from "#methods/2026-12-01/sessions/revoke_all_sessions.ts";
import { handler as revokeSession } from "#methods/2026-12-01/sessions/revoke_session.ts";
import { handler as revokeToken } from "#methods/2026-12-01/sessions/revoke_token.ts";
import { handler as authenticate } from "#methods/2026-12-01/sign_in/authenticate_user.ts";
import { handler as register } from "#methods/2026-12-01/sign_in/register_user.ts";
import { handler as createUser } from "#methods/2026-12-01/users/create_user.ts";
import { handler as deleteUser } from "#methods/2026-12-01/users/delete_user.ts";
import { handler as updateUser } from "#methods/2026-12-01/users/update_user.ts";
import { handler as createWebhook } from "#methods/2026-12-01/webhooks/create_webhook.ts";
import { handler as deleteWebhook } from "#methods/2026-12-01/webhooks/delete_webhook.ts";
import { handler as retryDelivery } from "#methods/2026-12-01/webhooks/retry_webhook_delivery.ts";
import { handler as rotateSecret } from "#methods/2026-12-01/webhooks/rotate_webhook_secret.ts";
import { handler as sendTestMessage } from "#methods/2026-12-01/webhooks/send_test_webhook.ts";
import { handler as updateWebhook } from "#methods/2026-12-01/webhooks/update_webhook.ts";
import { digitsIn } from "#tests/support/codes.ts";
import { addIdentifier, email, sentSecret } from "#tests/support/identifiers.ts";
import { as, newAddress, newMember, newOwner, type Owner, userToAdd } from "#tests/support/members.ts";
import { appCode, createFactor, enrol, firstStep, presentFactor } from "#tests/support/mfa.ts";
import { exchange, linkIn, MAC, NATIVE, REDIRECT, SIMPLE, type TestNest } from "#tests/support/nest.ts";
import { codeToLink, linkAccount, newPerson, REDEEM_FIELDS, visit } from "#tests/support/oauth.ts";
import { P1, P2, sentReset, signInWith } from "#tests/support/passwords.ts";
import { giveRole } from "#tests/support/roles.ts";
import { disownToken } from "#tests/support/user_codes.ts";
import { addWebhook, deliver, sendTest } from "#tests/support/webhooks.ts";

/** A call that changes something. */
interface Change {
  body: object;
  /** The access token of the caller, or what the caller is otherwise. */
  by: { bearer: string } | "internal" | "nobody";
}

/** A method, and the event that records its change. */
export interface RecordedChange {
  handler: RpcHandler;
  action: EventType;
  /** `each`: a repeated call makes another change, so it is recorded again. Default: once, however often it is repeated. */
  records?: "each";
  /** An event whose message the call sends again. */
  resends?: EventType;
  /** Prepares a call on documents that no other call uses. */
  prepare(nest: TestNest): Promise<Change>;
}

const byOwner = (owner: Owner, body: object = {}): Change => ({ by: { bearer: owner.access_token }, body });
const internally = (body: object): Change => ({ by: "internal", body });
const publicly = (body: object): Change => ({ by: "nobody", body });

let keys = 0;
const newKey = () => `crash_${++keys}`;
const roleOf = (key: string) => ({
  ...{ scope: "platform", key, name: "Desk", level: 20, capabilities: ["users.read"] },
});

/** A webhook that gets none of these events. The earlier ones are deleted, because an app has 20 at most. */
async function otherWebhook(nest: TestNest): Promise<string> {
  await nest.collection("webhooks").deleteMany({ eventTypes: ["webhook.test"] });
  return (await addWebhook(nest, { url: await urlOf(nest) })).id;
}

/** The URL of the receiver of the webhook that gets every event. */
async function urlOf(nest: TestNest): Promise<string> {
  const webhook = await nest.collection("webhooks").findOne({ eventTypes: ["*"] });
  return String(webhook?.url);
}

async function withMember(nest: TestNest, body: object = {}): Promise<Change> {
  const owner = await newOwner(nest);
  const { user_id } = await newMember(nest, owner);
  return byOwner(owner, { user_id, ...body });
}

/** The secrets of a reset of a user's password. */
async function askedReset(nest: TestNest): Promise<Change> {
  const { address } = await newOwner(nest);
  const { token } = await sentReset(nest, { identifier_value: address, client_id: NATIVE });
  return publicly({ client_id: NATIVE, token, password: P2 });
}

/** A user with a session on another device, whose last second is over. */
async function withOtherSession(nest: TestNest): Promise<Owner> {
  const owner = await newOwner(nest);
  await signInWith(nest, owner.address);
  return owner;
}

/** A second address of a user, with what proves it. */
async function secondAddress(nest: TestNest) {
  const owner = await newOwner(nest);
  const asked = { ...email(newAddress("second")), delivery: "code" };
  return { owner, sent: await sentSecret(nest, owner, asked) };
}

/** A call of a user about a second address that they verified. */
async function withSecondAddress(nest: TestNest): Promise<Change> {
  const owner = await newOwner(nest);
  const asked = { ...email(newAddress("second")), delivery: "code" };
  return byOwner(owner, { identifier_id: await addIdentifier(nest, owner, asked) });
}

/** Redeems a link of a new address. */
async function withLink(nest: TestNest): Promise<Change> {
  return publicly(exchange(await nest.emailedCode({ identifier_value: newAddress("link") })));
}

/** A session of a user who presented an authenticator app. */
async function withBothFactors(nest: TestNest) {
  const address = newAddress("factor");
  const { seed, factorId: factor_id } = await enrol(nest, address);
  const proof = { factor_id, code: appCode(seed, nest.clock.now()) };
  const { body } = await presentFactor(nest, await firstStep(nest, address), proof);
  return { owner: { ...body, address } as Owner, factor_id };
}

/** Redeems the code of a new person at a provider. */
async function withVisit(nest: TestNest): Promise<Change> {
  const { code } = await visit(nest, newPerson());
  return publicly({ grant_type: "authorization_code", ...REDEEM_FIELDS, code });
}

/** Every change that an event records in the write that makes it. */
export const CHANGES: readonly RecordedChange[] = [
  {
    ...{ handler: createAccount, action: "account.created", records: "each" },
    prepare: async (nest) => byOwner(await newOwner(nest), { name: "Acme" }),
  },
  {
    ...{ handler: updateAccount, action: "account.updated" },
    prepare: async (nest) => byOwner(await newOwner(nest), { name: "Acme" }),
  },
  {
    ...{ handler: addUser, action: "account.user_added" },
    prepare: async (nest) => byOwner(await newOwner(nest), userToAdd()),
  },
  {
    ...{ handler: acceptInvite, action: "account.user_added" },
    async prepare(nest) {
      const [head, person] = [await newOwner(nest), await newOwner(nest)];
      await as(nest, head, "add_account_user", email(person.address));
      const token = linkIn(nest.lastMail(person.address)).searchParams.get("token");
      return byOwner(person, { client_id: NATIVE, token });
    },
  },
  {
    ...{ handler: setMemberRole, action: "account.user_role_changed" },
    prepare: (nest) => withMember(nest, { role_key: "admin" }),
  },
  { handler: removeUser, action: "account.user_removed", prepare: (nest) => withMember(nest) },
  {
    ...{ handler: setRole, action: "role.changed" },
    prepare: async () => internally(roleOf(newKey())),
  },
  {
    ...{ handler: deleteRole, action: "role.changed" },
    async prepare(nest) {
      const key = newKey();
      await giveRole(nest, { key });
      return internally({ scope: "platform", key });
    },
  },
  {
    ...{ handler: setUserRoles, action: "user.roles_changed" },
    async prepare(nest) {
      const key = newKey();
      await giveRole(nest, { key });
      return internally({ user_id: (await newOwner(nest)).user_id, roles: [key] });
    },
  },
  {
    ...{ handler: createUser, action: "user.created" },
    prepare: async () => internally({ client_id: SIMPLE, ...email(newAddress("created")) }),
  },
  {
    ...{ handler: updateUser, action: "user.updated" },
    prepare: async (nest) => internally({ user_id: (await newOwner(nest)).user_id, name: "Ada" }),
  },
  {
    ...{ handler: updateUser, action: "user.disabled" },
    prepare: async (nest) => internally({ user_id: (await newOwner(nest)).user_id, status: "disabled" }),
  },
  {
    ...{ handler: deleteUser, action: "user.deleted" },
    prepare: async (nest) => internally({ user_id: (await newOwner(nest)).user_id }),
  },
  {
    ...{ handler: createWebhook, action: "webhook.created", records: "each" },
    async prepare(nest) {
      await otherWebhook(nest);
      return internally({ url: await urlOf(nest), events: ["webhook.test"] });
    },
  },
  {
    ...{ handler: updateWebhook, action: "webhook.updated" },
    prepare: async (nest) => internally({ webhook_id: await otherWebhook(nest), enabled: false }),
  },
  {
    ...{ handler: rotateSecret, action: "webhook.updated", records: "each" },
    prepare: async (nest) => internally({ webhook_id: await otherWebhook(nest) }),
  },
  {
    ...{ handler: sendTestMessage, action: "webhook.test", records: "each" },
    prepare: async (nest) => internally({ webhook_id: await otherWebhook(nest) }),
  },
  {
    ...{ handler: retryDelivery, action: "webhook.updated", records: "each", resends: "webhook.test" },
    async prepare(nest) {
      const delivery_id = await sendTest(nest, await otherWebhook(nest));
      await deliver(nest);
      return internally({ delivery_id });
    },
  },
  {
    ...{ handler: deleteWebhook, action: "webhook.deleted" },
    prepare: async (nest) => internally({ webhook_id: await otherWebhook(nest) }),
  },
  {
    ...{ handler: sendVerification, action: "identifier.added" },
    async prepare(nest) {
      const asked = { client_id: MAC, ...email(newAddress("second")), delivery: "code" };
      return byOwner(await newOwner(nest), asked);
    },
  },
  {
    ...{ handler: verifyIdentifier, action: "identifier.verified" },
    async prepare(nest) {
      const { sent } = await secondAddress(nest);
      return publicly({ client_id: MAC, ...sent.proof });
    },
  },
  { handler: setPrimary, action: "user.updated", prepare: withSecondAddress },
  { handler: removeIdentifier, action: "identifier.removed", prepare: withSecondAddress },
  {
    ...{ handler: linkOAuth, action: "oauth.linked" },
    async prepare(nest) {
      const owner = await newOwner(nest);
      return byOwner(owner, { ...REDEEM_FIELDS, code: await codeToLink(nest, owner.access_token) });
    },
  },
  {
    ...{ handler: unlinkOAuth, action: "oauth.unlinked" },
    async prepare(nest) {
      const owner = await newOwner(nest);
      return byOwner(owner, { oauth_identity_id: await linkAccount(nest, owner.access_token) });
    },
  },
  {
    ...{ handler: setPassword, action: "password.set" },
    prepare: async (nest) => byOwner(await newOwner(nest), { password: P2, current_password: P1 }),
  },
  {
    ...{ handler: sendReset, action: "password.reset_requested", records: "each" },
    async prepare(nest) {
      const { address } = await newOwner(nest);
      return publicly({ client_id: NATIVE, ...email(address), redirect_uri: REDIRECT });
    },
  },
  {
    ...{ handler: createReset, action: "password.reset_requested", records: "each" },
    async prepare(nest) {
      const { address } = await newOwner(nest);
      return internally({ client_id: SIMPLE, ...email(address) });
    },
  },
  { handler: resetPassword, action: "password.reset", prepare: askedReset },
  {
    ...{ handler: revokeSession, action: "session.revoked" },
    async prepare(nest) {
      const owner = await withOtherSession(nest);
      const { items } = (await as(nest, owner, "list_sessions")).body;
      const other = items.find(({ current }: { current: boolean }) => !current);
      return byOwner(owner, { session_id: other.id });
    },
  },
  {
    ...{ handler: revokeAll, action: "session.revoked" },
    prepare: async (nest) => byOwner(await withOtherSession(nest)),
  },
  {
    ...{ handler: revokeToken, action: "session.revoked" },
    async prepare(nest) {
      const { client_id, refresh_token } = await newOwner(nest);
      return publicly({ client_id, refresh_token });
    },
  },
  {
    ...{ handler: disownSession, action: "session.revoked" },
    prepare: async (nest) => publicly({ token: await disownToken(nest, newAddress("disown")) }),
  },
  {
    ...{ handler: setConsent, action: "consent.updated" },
    async prepare(nest) {
      const owner = await newOwner(nest);
      return byOwner(owner, { user_id: owner.user_id, level: "general" });
    },
  },
  {
    ...{ handler: register, action: "user.created" },
    prepare: async () => publicly({ client_id: SIMPLE, ...email(newAddress("new")), password: P1 }),
  },
  {
    ...{ handler: verifyFactor, action: "mfa.factor_added" },
    async prepare(nest) {
      const owner = await newOwner(nest);
      // A mailed code, unlike that of an app, is still right when the call is repeated 61 s later.
      const { factor_id } = (await createFactor(nest, owner, { factor_type: "email" })).body;
      return byOwner(owner, { factor_id, code: digitsIn(nest.lastMail(owner.address).text) });
    },
  },
  {
    ...{ handler: removeFactor, action: "mfa.factor_removed" },
    async prepare(nest) {
      const { owner, factor_id } = await withBothFactors(nest);
      return byOwner(owner, { factor_id });
    },
  },
  {
    ...{ handler: regenerateCodes, action: "mfa.recovery_codes_regenerated", records: "each" },
    prepare: async (nest) => byOwner((await withBothFactors(nest)).owner),
  },
  {
    ...{ handler: authenticate, action: "mfa.recovery_code_used" },
    async prepare(nest) {
      const address = newAddress("factor");
      const { recoveryCodes } = await enrol(nest, address);
      const mfa_token = await firstStep(nest, address);
      return publicly({ client_id: NATIVE, grant_type: "mfa", mfa_token, recovery_code: recoveryCodes[0] });
    },
  },
  { handler: authenticate, action: "user.created", prepare: withLink },
  { handler: authenticate, action: "oauth.linked", prepare: withVisit },
  { handler: authenticate, action: "user.created", prepare: withVisit },
  { handler: authenticate, action: "user.signed_in", prepare: withLink },
];

/** Methods that change something and are not in `CHANGES`, each with the reason. */
export const NOT_CRASHED: Readonly<Record<string, string>> = {
  start_oauth: "Stores a visit at a provider. That is no event: nothing of a user changes.",
  issue_token: "The row is beside its session, as after a sign-in. It is refused in production.",
  send_magic_link: "Stores a link and mails it. Neither is an event: nothing of a user changes.",
  create_mfa_challenge: "Stores a challenge. Nothing of a user changes before a factor is presented.",
  create_passkey_challenge: "Stores a challenge. Nothing of a user changes before a passkey has signed it.",
  create_mfa_factor: "Stores a factor that counts only once verify_mfa_factor has accepted its first code.",
  send_mfa_code: "Stores a code and sends it. Neither is an event: nothing of a user changes.",
  send_otp: "Stores a code and sends it. Neither is an event: nothing of a user changes.",
  enrol_alpha_user: "Adds an address to a list of MailChimp. No user of Nest changes.",
  create_checkout_session: "Stripe reports the purchase. The suite crashes the handling of its events.",
  change_plan: "Stripe reports the change. The suite crashes it in return_money.test.ts.",
  create_trial_and_magic_link: "Stripe reports the trial. The suite chaos crashes requests of trials.",
};

/** Methods that read only. A read of other people's rows is recorded before its response, and changes nothing. */
export const READS: readonly string[] = [
  ...["check_verification", "get_account", "get_billing_history", "get_marketing_consent"],
  ...["get_sign_in_history", "get_subscription_status", "get_user", "list_account_users", "list_accounts"],
  ...[
    "list_audit_logs",
    "list_mfa_factors",
    "list_news_items",
    "list_plans",
    "list_roles",
    "list_sessions",
    "list_users",
  ],
  ...["list_oauth_identities", "list_oauth_providers", "list_webhook_deliveries", "list_webhooks"],
];
