/**
 * Mails a link that signs its reader in once.
 *
 * Answers the same way for a known and an unknown address, so nobody can use it to find users. Not idempotent: each
 * call sends a mail.
 */
import { enum as oneOf, optional, strictObject } from "zod/mini";
import { sendMagicLink } from "#core/auth/magic_link.ts";
import { mailer } from "#core/parts.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

const device = strictObject({
  platform: oneOf(["mac", "windows", "linux"]),
  beak_id: text(),
  fingerprint: text(),
});

export const request = strictObject({
  client_id: text(),
  redirect_uri: text(),
  state: text(1024),
  code_challenge_method: oneOf(["S256"]),
  code_challenge: text(128),
  identifier_type: oneOf(["email"]),
  identifier_value: text(254),
  device: optional(device),
});

export const handler = rpc({
  name: "send_magic_link",
  version: "2020-12-14",
  summary: "Mails a link that signs its reader in once.",
  access: "public",
  request,
  response: null,
  errors: ["client_not_found", "invalid_redirect_uri", "invalid_email", "rate_limited", "email_not_sent"],
  parts: { mailer },
  async run({ core, request: { device, ...asked }, call }) {
    await sendMagicLink(
      core,
      {
        clientId: asked.client_id,
        redirectUri: asked.redirect_uri,
        state: asked.state,
        codeChallenge: asked.code_challenge,
        address: asked.identifier_value,
        device: device
          ? { platform: device.platform, beakId: device.beak_id, fingerprint: device.fingerprint }
          : null,
      },
      call,
    );
  },
});
