/**
 * Creates a user with a password who is a member of an account, or invites a person by mail.
 *
 * The caller must have verified an address or number of their own, unless the client's app file has `addsBeforeProof`. Callers grant only
 * roles that allow no more than their own role in the account. With `password`, the user signs in with it and must set another one; if
 * somebody else verifies the address first, the password and the membership end. A call that failed with a status of 500 or above can be
 * repeated with the same password. Without `password`, the address gets a link to `redirect_uri`, whose page calls `accept_account_invite`;
 * the response is the same whether or not the address has a user.
 */
import { nullable, optional, strictObject, string } from "zod/mini";
import { memberOf } from "#core/call.ts";
import { addMember } from "#core/members/add_member.ts";
import {
  countAdded,
  judgeGrantedRole,
  needsNoProof,
  requireProvedCaller,
} from "#core/members/granted_role.ts";
import { inviteMember } from "#core/members/invite_member.ts";
import { breachedPasswords, codeKey, mailer, passwordHasher, rateLimiter } from "#core/parts.ts";
import { typedPassword } from "#core/passwords/password_text.ts";
import { MEMBER } from "#core/roles/built_in.ts";
import { roleKey } from "#core/roles/role_key.ts";
import { readTarget } from "#core/verifications/code_request.ts";
import { targetType } from "#core/verifications/target_type.ts";
import { invalidBody, text, typedAddress } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({
  account_id: optional(text()),
  identifier_type: targetType,
  identifier_value: typedAddress(),
  password: optional(typedPassword()),
  role_key: optional(roleKey()),
  redirect_uri: optional(text()),
});
export const response = strictObject({ account_id: string(), user_id: nullable(string()), status: string() });

export const handler = rpc({
  name: "add_account_user",
  version: "2026-12-01",
  summary: "Creates a user with a password who is a member of an account, or invites a person by mail.",
  access: "acct:account.users.manage",
  request,
  response,
  errors: [
    "account_not_found",
    "own_address_not_verified",
    "role_not_found",
    "capability_escalation",
    "invalid_identifier",
    "country_not_allowed",
    "invalid_redirect_uri",
    "identifier_taken",
    "password_not_acceptable",
    "rate_limited",
    "delivery_failed",
  ],
  parts: { breachedPasswords, codeKey, mailer, passwordHasher, rateLimiter },
  async reads({ core, caller }) {
    const userId = caller.kind === "user" ? caller.userId : "";
    const [own, identifiers] = await Promise.all([
      core.roles.list("account"),
      core.identifiers.listByUser(userId),
    ]);
    return { own, identifiers };
  },
  async run({ core, request: asked, reads: { own, identifiers }, caller, call }) {
    const member = memberOf(caller);
    const client = core.oauthClients.require(member.clientId);
    if (!needsNoProof(client, asked)) requireProvedCaller(identifiers);
    const role = judgeGrantedRole(member.account, asked.role_key ?? MEMBER, own);
    const target = readTarget(client, asked.identifier_type, asked.identifier_value);
    const { password, redirect_uri: redirectUri } = asked;
    if (password === undefined && target.type === "phone")
      throw invalidBody("needs a password for a phone number: invitations go by mail");
    await countAdded(core, member);
    if (password !== undefined) {
      const user_id = await addMember(core, { client, target, password, role }, member, call);
      return { account_id: member.account.accountId, user_id, status: "active" };
    }
    if (target.type === "email")
      await inviteMember(core, { client, target, role, redirectUri, identifiers }, member, call);
    return { account_id: member.account.accountId, user_id: null, status: "invited" };
  },
});
