/**
 * Creates a user with an email address or a phone number that nobody has verified.
 *
 * Needs the capability `users.write`. The user has no password: by default, if the client has passwords, the person gets a mail with
 * a link to choose one, which works for 24 hours. There is one mail at most, and none to a phone number. `client_id` is the client
 * whose page the link opens, by default the caller's own; internal callers must send it. When the owner of the address verifies it,
 * everything that others set for the user meanwhile is dropped, but not what this call set.
 *
 * Not idempotent: an address that has a user is `identifier_taken`. If a call fails with a status of 500 or above, repeat it: the
 * call goes on where it stopped. After `delivery_failed` it may also be repeated without a mail.
 */
import { array, boolean, maxLength, optional, strictObject } from "zod/mini";
import { createUser } from "#core/administration/create_user.ts";
import type { Caller } from "#core/call.ts";
import { codeKey, mailer } from "#core/parts.ts";
import { roleKey } from "#core/roles/role_key.ts";
import { metadata, userFields, userToWire } from "#core/users/user_view.ts";
import { readTarget } from "#core/verifications/code_request.ts";
import { targetType } from "#core/verifications/target_type.ts";
import { invalidField, nameText, text, typedAddress } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

const flag = optional(boolean());

export const request = strictObject({
  identifier_type: targetType,
  identifier_value: typedAddress(),
  client_id: optional(text()),
  name: optional(nameText(128)),
  roles: optional(array(roleKey()).check(maxLength(20))),
  account_id: optional(text()),
  metadata: optional(metadata),
  redirect_uri: optional(text()),
  options: optional(strictObject({ send_email: flag, send_reset_email: flag, verify_email: flag })),
});
export const response = strictObject({ user: userFields });

/** @throws NestError validation_failed */
function clientIdOf(caller: Caller, named: string | undefined): string {
  if (named !== undefined) return named;
  if (caller.kind === "user") return caller.clientId;
  throw invalidField(["client_id"], "is required for internal callers", "required");
}

export const handler = rpc({
  name: "create_user",
  version: "2026-12-01",
  summary: "Creates a user with an address or number that nobody has verified.",
  access: "cap:users.write",
  request,
  response,
  errors: [
    "reauthentication_required",
    "client_not_found",
    "invalid_identifier",
    "country_not_allowed",
    "invalid_redirect_uri",
    "role_not_found",
    "capability_escalation",
    "account_not_found",
    "identifier_taken",
    "delivery_failed",
  ],
  reads: ({ core }) => core.roles.list("platform"),
  parts: { codeKey, mailer },
  async run({ core, request: asked, reads: own, caller, call }) {
    const { identifier_type: type, options = {}, name = null, metadata, roles = [] } = asked;
    const client = core.oauthClients.require(clientIdOf(caller, asked.client_id));
    const target = readTarget(client, type, asked.identifier_value);
    const wanted = {
      ...{ client, target, name, metadata, roles },
      ...{ accountId: asked.account_id, redirectUri: asked.redirect_uri },
      options: {
        sendEmail: options.send_email === true,
        sendResetEmail: options.send_reset_email,
        verifyEmail: options.verify_email === true,
      },
    };
    const { user, identifier } = await createUser(core, wanted, { caller, call, own });
    return { user: userToWire(user, [identifier], own) };
  },
});
