import { as, newAddress, newMember, newOwner } from "#tests/support/members.ts";
import type { CallOptions, Reply, TestNest } from "#tests/support/nest.ts";
import type { Asker } from "#tests/tools/openapi/provoke.ts";

type Body = Record<string, unknown>;

/** The methods with an account policy. The asker calls them as an owner. */
export const ACCOUNT_METHODS = ["list_account_users", "add_account_user", "remove_account_user"];

/** Puts an account of the caller, and a member of it, in place of the samples. */
export async function readyForAccounts(
  nest: TestNest,
  method: string,
  body: Body,
): Promise<{ body: Body; address: string; options: CallOptions }> {
  const owner = await newOwner(nest);
  const { cursor: _ofAnotherAccount, ...rest } = body;
  const member = method === "remove_account_user" ? await newMember(nest, owner) : null;
  return {
    body: {
      ...rest,
      account_id: owner.account_id,
      ...(member && { user_id: member.user_id }),
      ...("identifier_value" in body && { identifier_value: newAddress() }),
    },
    address: owner.address,
    options: { bearer: owner.access_token },
  };
}

type Provocation = (asker: Asker) => Promise<Reply>;

/** An owner's id and the credential of the owner. */
async function ownerOf({ nests }: Asker, { isVerified = true } = {}) {
  const owner = await newOwner(nests.good, { isVerified });
  return { owner, as: { bearer: owner.access_token } };
}

/** Ways to provoke the errors of methods that concern accounts. */
export const ACCOUNT_PROVOCATIONS: Readonly<Record<string, Provocation>> = {
  account_not_found: (asker) => asker.send({ account_id: "account_nothing" }),
  "get_user:account_not_found": (asker) => asker.send({ account_id: "account_nothing" }),
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
  "remove_account_user:user_not_found": (asker) => asker.send({ user_id: "user_nobody" }),
  "remove_account_user:capability_escalation": async (asker) => {
    const owner = await newOwner(asker.nests.good);
    const admin = await newMember(asker.nests.good, owner, "admin");
    const { access_token: bearer, account_id } = admin;
    return asker.send({ account_id, user_id: owner.user_id }, { bearer });
  },
  "remove_account_user:last_owner": async (asker) => {
    const { owner } = await ownerOf(asker);
    return as(asker.nests.good, owner, "remove_account_user", { user_id: owner.user_id });
  },
};
