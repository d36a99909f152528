import { ACCOUNTS_LIMIT } from "#core/members/accounts.ts";
import { as, newAddress, newMember, newOwner, type Owner } from "#tests/support/members.ts";
import { type CallOptions, linkIn, NATIVE, type Reply, type TestNest } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";
import type { Asker } from "#tests/tools/openapi/provoke.ts";

type Body = Record<string, unknown>;

/** The methods with an account policy. The asker calls them as an owner. */
export const ACCOUNT_METHODS = [
  ...["list_account_users", "add_account_user", "remove_account_user", "set_account_user_role"],
  ...["list_accounts", "get_account", "create_account", "update_account", "accept_account_invite"],
];
const WITH_MEMBER = ["remove_account_user", "set_account_user_role"];

/** Puts an account of the caller, and a member of it, in place of the samples. */
export async function readyForAccounts(
  nest: TestNest,
  method: string,
  body: Body,
): Promise<{ body: Body; address: string; options: CallOptions }> {
  const owner = await newOwner(nest);
  const { cursor: _ofAnotherAccount, ...rest } = body;
  const member = WITH_MEMBER.includes(method) ? await newMember(nest, owner) : null;
  const invited = method === "accept_account_invite" ? await invite(nest, owner) : null;
  if (invited) return { body: { ...rest, ...invited.body }, address: "", options: invited.options };
  return {
    body: {
      ...rest,
      ...("account_id" in body && { account_id: owner.account_id }),
      ...(member && { user_id: member.user_id }),
      ...("identifier_value" in body && { identifier_value: newAddress() }),
    },
    address: owner.address,
    options: { bearer: owner.access_token },
  };
}

/** Invites another person. @returns what they send */
async function invite(nest: TestNest, owner: Owner) {
  const person = await newOwner(nest);
  const identified = { identifier_type: "email", identifier_value: person.address };
  await as(nest, owner, "add_account_user", identified);
  const token = linkIn(nest.lastMail(person.address)).searchParams.get("token");
  return { body: { client_id: NATIVE, token }, options: { bearer: person.access_token } };
}

type Provocation = (asker: Asker) => Promise<Reply>;

/** An owner's id and the credential of the owner. */
async function ownerOf({ nests }: Asker, { isVerified = true } = {}) {
  const owner = await newOwner(nests.good, { isVerified });
  return { owner, as: { bearer: owner.access_token } };
}

/** An owner, and a member whom the owner added. */
async function withMember({ nests }: Asker): Promise<{ owner: Owner; member: Owner }> {
  const owner = await newOwner(nests.good);
  return { owner, member: await newMember(nests.good, owner) };
}

/** Removes a member from the account and deletes the user. */
const deleteAs = ({ nests }: Asker, person: Owner, { user_id }: Owner): Promise<Reply> =>
  as(nests.good, person, "remove_account_user", { user_id, delete_user: true });

/** Ways to provoke the errors of methods that concern accounts. */
export const ACCOUNT_PROVOCATIONS: Readonly<Record<string, Provocation>> = {
  account_not_found: (asker) => asker.send({ account_id: "account_nothing" }),
  "get_user:account_not_found": (asker) => asker.send({ account_id: "account_nothing" }),
  "list_audit_logs:account_not_found": async (asker) => {
    const { as: options } = await ownerOf(asker);
    return asker.send({ account_id: "account_nothing" }, { ...options, internal: false });
  },
  "create_account:own_address_not_verified": async (asker) =>
    asker.send({}, (await ownerOf(asker, { isVerified: false })).as),
  own_address_not_verified: async (asker) => {
    const { owner, as: options } = await ownerOf(asker, { isVerified: false });
    return asker.send({ account_id: owner.account_id }, options);
  },
  "add_account_user:role_not_found": (asker) => asker.send({ role_key: "nothing" }),
  "add_account_user:capability_escalation": async (asker) => {
    const { nests } = asker;
    const owner = await newOwner(nests.good);
    const admin = await newMember(nests.good, owner, "admin");
    const at = nests.good.clock.now().toISOString();
    await nests.good
      .collection("identifiers")
      .updateOne({ userId: admin.user_id }, { $set: { verifiedAt: at } });
    const { access_token: bearer, account_id } = admin;
    return asker.send({ account_id, role_key: "owner" }, { bearer });
  },
  "add_account_user:country_not_allowed": (asker) =>
    asker.send({ identifier_type: "phone", identifier_value: "+33612345678" }),
  "add_account_user:identifier_taken": async (asker) => {
    const { owner, as: options } = await ownerOf(asker);
    return asker.send({ account_id: owner.account_id, identifier_value: owner.address }, options);
  },
  "add_account_user:rate_limited": async (asker) => {
    const { owner, as: options } = await ownerOf(asker);
    const { strict } = asker.nests;
    const send = (identifier_value: string) =>
      asker.send({ account_id: owner.account_id, identifier_value }, options, 0, strict);
    await send(newAddress());
    return send(newAddress());
  },
  too_many_accounts: async (asker) => {
    const { owner, as: options } = await ownerOf(asker);
    const rows = Array.from({ length: ACCOUNTS_LIMIT }, (_, each) => ({
      ...{
        _id: `acctmem_${owner.user_id}${each}` as never,
        accountId: `account_many${each}`,
        role: "member",
      },
      ...{ userId: owner.user_id, status: "active", createdAt: "2026-01-01T00:00:00.000Z", removedAt: null },
    }));
    await asker.nests.good.collection("account_members").insertMany(rows);
    return asker.send({}, options);
  },
  "add_account_user:invalid_redirect_uri": (asker) =>
    asker.send({ password: undefined, redirect_uri: "https://evil.example/" }),
  "add_account_user:delivery_failed": async (asker) => {
    const { as: options } = await ownerOf(asker);
    const { good } = asker.nests;
    good.ses.fault({ calls: 1, kind: "error" });
    const invited = { identifier_type: "email", identifier_value: "undelivered@example.com" };
    return good.call(`${V3}add_account_user`, invited, options);
  },
  "accept_account_invite:verification_not_found": (asker) => asker.send({ token: "0".repeat(64) }),
  "accept_account_invite:rate_limited": async (asker) => {
    const { as: options } = await ownerOf(asker);
    const body = { client_id: NATIVE, token: "0".repeat(64) };
    await asker.send(body, options, 0, asker.nests.strict);
    return asker.send(body, options, 0, asker.nests.strict);
  },
  "set_account_user_role:role_not_found": (asker) => asker.send({ role_key: "nothing" }),
  "set_account_user_role:user_not_found": (asker) => asker.send({ user_id: "user_nobody" }),
  "set_account_user_role:capability_escalation": async (asker) => {
    const owner = await newOwner(asker.nests.good);
    const { access_token: bearer, account_id, user_id } = await newMember(asker.nests.good, owner, "admin");
    return asker.send({ account_id, user_id, role_key: "owner" }, { bearer });
  },
  "set_account_user_role:last_owner": async (asker) => {
    const { owner, as: options } = await ownerOf(asker);
    return asker.send({ account_id: owner.account_id, user_id: owner.user_id, role_key: "member" }, options);
  },
  "remove_account_user:user_not_found": (asker) => asker.send({ user_id: "user_nobody" }),
  "remove_account_user:capability_escalation": async (asker) => {
    const owner = await newOwner(asker.nests.good);
    const admin = await newMember(asker.nests.good, owner, "admin");
    const { access_token: bearer, account_id } = admin;
    return asker.send({ account_id, user_id: owner.user_id }, { bearer });
  },
  "remove_account_user:delete_not_allowed": async (asker) => {
    const { owner, member } = await withMember(asker);
    const created = { _id: `acctmem_${member.user_id}_in` as never, userId: member.user_id, removedAt: null };
    const elsewhere = { accountId: "account_other", role: "member", status: "active" };
    await asker.nests.good
      .collection("account_members")
      .insertOne({ ...created, ...elsewhere, createdAt: "2026-01-01T00:00:00.000Z" });
    return deleteAs(asker, owner, member);
  },
  "remove_account_user:reauthentication_required": async (asker) => {
    const { member } = await withMember(asker);
    const longAgo = { $set: { authTime: "2020-01-01T00:00:00.000Z" } };
    await asker.nests.good.collection("sessions").updateMany({ userId: member.user_id }, longAgo);
    return deleteAs(asker, member, member);
  },
  "remove_account_user:active_subscription": async (asker) => {
    const { owner, member } = await withMember(asker);
    const { good } = asker.nests;
    const { user_id: userId } = member;
    const paid = { _id: `subscr_${userId}` as never, userId, stpSubscriptionId: `sub_${userId}` };
    const subscriptions = good.collection("subscriptions");
    await subscriptions.insertOne({ ...paid, status: "active", rejectedAt: null, trialId: null });
    const reply = await deleteAs(asker, owner, member);
    await subscriptions.deleteOne({ _id: paid._id });
    return reply;
  },
  "remove_account_user:last_admin": async (asker) => {
    const { member } = await withMember(asker);
    const users = asker.nests.good.collection("users");
    await users.updateMany({ roles: "admin" }, { $unset: { roles: "" } });
    await users.updateOne({ _id: member.user_id as never }, { $set: { roles: ["admin"] } });
    const reply = await deleteAs(asker, member, member);
    await users.updateMany({ roles: "admin" }, { $unset: { roles: "" } });
    return reply;
  },
  "remove_account_user:stripe_error": async (asker) => {
    const { owner, member } = await withMember(asker);
    const { good } = asker.nests;
    const { user_id: userId } = member;
    const began = { _id: userId.replace("user_", "checkout_") as never, userId };
    await good.collection("checkouts").insertOne(began);
    const customer = { _id: `provmap_${userId}` as never, userId, removedAt: null };
    const mapping = { ...customer, providerType: "stripe", providerValue: `cus_${userId}` };
    await good.collection("provider-mappings").insertOne(mapping);
    good.stripe.fault({ calls: 1, kind: "error" });
    return deleteAs(asker, owner, member);
  },
  "delete_user:last_owner": async (asker) => {
    const { owner } = await ownerOf(asker);
    await newMember(asker.nests.good, owner);
    return asker.send({ user_id: owner.user_id });
  },
  "remove_account_user:last_owner": async (asker) => {
    const { owner } = await ownerOf(asker);
    return as(asker.nests.good, owner, "remove_account_user", { user_id: owner.user_id });
  },
};
