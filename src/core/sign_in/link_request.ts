import { enum as oneOf, type output, strictObject } from "zod/mini";
import type { Caller } from "#core/call.ts";
import type { LinkRequest } from "#core/sign_in/magic_link.ts";
import { text, typedAddress } from "#core/wire.ts";

/** The device that requests the link. */
export const deviceFields = strictObject({
  platform: oneOf(["mac", "windows", "linux"]),
  beak_id: text(),
  fingerprint: text(),
});

/** The parameters of every method that mails a link (contract B2). */
export const linkFields = {
  client_id: text(),
  redirect_uri: text(),
  state: text(1024),
  code_challenge_method: oneOf(["S256"]),
  code_challenge: text(128),
  identifier_type: oneOf(["email"]),
  identifier_value: typedAddress(),
};

const withoutDevice = strictObject(linkFields);

/** Translates a link request from wire names. */
export function readLinkRequest(
  asked: output<typeof withoutDevice> & { device?: output<typeof deviceFields> | undefined },
  caller: Caller,
): LinkRequest {
  const { device } = asked;
  return {
    clientId: asked.client_id,
    redirectUri: asked.redirect_uri,
    state: asked.state,
    codeChallenge: asked.code_challenge,
    address: asked.identifier_value,
    device: device
      ? { platform: device.platform, beakId: device.beak_id, fingerprint: device.fingerprint }
      : null,
    isInternal: caller.kind === "internal",
  };
}
