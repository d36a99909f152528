import type { output } from "zod/mini";
import { type OAuthClient, type OAuthClients, requireRedirectUri } from "#core/clients/oauth_clients.ts";
import { NestError } from "#core/errors.ts";
import type { Registration } from "#core/sign_in/registration/registration.ts";
import { type codeDevice, readCodeDevice } from "#core/verifications/code_device.ts";
import { type CodeTarget, readTarget } from "#core/verifications/code_request.ts";

/** A registration on the wire. */
interface AskedRegistration {
  client_id: string;
  identifier_type: CodeTarget["type"];
  identifier_value: string;
  password?: string | undefined;
  name?: string | undefined;
  account_name?: string | undefined;
  phone_number?: string | undefined;
  redirect_uri?: string | undefined;
  device?: output<typeof codeDevice> | undefined;
  options?:
    | {
        send_email?: boolean | undefined;
        send_sms?: boolean | undefined;
        send_reset_email?: boolean | undefined;
        verify_email?: boolean | undefined;
      }
    | undefined;
}

/**
 * Reads a registration from wire names, without I/O.
 * @throws NestError client_not_found; registration_disabled; grant_not_allowed if the client lists no grant that completes it, or a
 *   password is sent and the client may not ask for passwords; invalid_identifier, country_not_allowed, invalid_redirect_uri
 */
export function readRegistration(
  { oauthClients }: { oauthClients: OAuthClients },
  asked: AskedRegistration,
): Registration {
  const client = oauthClients.require(asked.client_id);
  if (client.registration === "closed") throw new NestError("registration_disabled");
  requireGrants(client, asked.password !== undefined);
  const { options = {} } = asked;
  const [firstPage = ""] = client.redirectUris;
  return {
    client,
    target: readTarget(client, asked.identifier_type, asked.identifier_value),
    password: asked.password ?? null,
    name: asked.name ?? null,
    accountName: asked.account_name ?? null,
    phone: asked.phone_number === undefined ? null : readTarget(client, "phone", asked.phone_number).identity,
    redirectUri:
      asked.redirect_uri === undefined ? firstPage : requireRedirectUri(client, asked.redirect_uri),
    options: {
      sendEmail: options.send_email === true,
      sendSms: options.send_sms === true,
      sendResetEmail: options.send_reset_email === true,
      verifyEmail: options.verify_email === true,
    },
    ...readCodeDevice(asked.device),
  };
}

/** @throws NestError grant_not_allowed */
function requireGrants({ grants, registrationMode }: OAuthClient, hasPassword: boolean): void {
  const isMissing =
    (registrationMode === "verify_first" && !grants.includes("otp")) ||
    (hasPassword && !grants.includes("password"));
  if (isMissing) throw new NestError("grant_not_allowed");
}
