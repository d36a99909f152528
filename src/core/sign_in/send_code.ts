import type { Call } from "#core/call.ts";
import { plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { LIMITS } from "#core/rate_limits/limits.ts";
import type { Verification, VerificationPurpose } from "#core/repositories/verifications.ts";
import { type ChannelCore, type ChannelMessage, openChannel } from "#core/sign_in/code_channel.ts";
import { type CustomEmail, changeOf } from "#core/sign_in/custom_email.ts";
import { codeAndEmailUrl, tokenUrl } from "#core/sign_in/link_url.ts";
import { storeAndSend } from "#core/sign_in/send_verification.ts";
import type { CodeKey } from "#core/verifications/code_key.ts";
import type { CheckedCode } from "#core/verifications/code_request.ts";
import { newVerification, type VerificationSecrets } from "#core/verifications/new_verification.ts";

/** What the requester of a code gets. The code itself is in the message only. */
export interface SentCode {
  /** 32 random bytes, hex. It is presented with the code. */
  nonce: string;
  expiresAt: Date;
  /** From when another code can be requested. */
  resendAt: Date;
}

type SendCore = ChannelCore & Pick<Core, "stage" | "verifications"> & { codeKey: CodeKey };

/** A code or a link that is requested. */
export interface AskedCode extends CheckedCode {
  /** The page that the link opens. Undefined: the message has a code. */
  redirectUri: string | undefined;
  /** What the mail of a link has in place of the usual. */
  email: CustomEmail | null;
}

/**
 * Sends a code to an address or a phone number, or a link to an address, and stores it for 10 minutes. It replaces earlier
 * codes and links for the same purpose. A client with closed registration sends to existing users only. The response is the same for
 * other people.
 * @throws NestError rate_limited, unavailable; delivery_failed if registration is open
 */
export async function sendCode(
  core: SendCore,
  purpose: VerificationPurpose,
  asked: AskedCode,
  call: Call,
): Promise<SentCode> {
  const channel = await openChannel(core, asked, call);
  const now = core.clock.now();
  const { client, target, redirectUri, email } = asked;
  const { verification, secrets } = newVerification(core, {
    ...{ purpose, clientId: client.id, target, now },
    sends: { code: redirectUri === undefined, redirectUri },
  });
  const isNeutral = client.registration !== "open";
  const message =
    isNeutral && !channel.isKnown ? null : messageOf(core, { client, email }, verification, secrets);
  await storeAndSend(core, channel, { verification, message, isNeutral });
  return {
    nonce: secrets.nonce,
    expiresAt: new Date(verification.expiresAt),
    resendAt: plusSeconds(now, LIMITS.codes_per_identifier.seconds),
  };
}

function messageOf(
  { stage }: Pick<Core, "stage">,
  { client, email }: Pick<AskedCode, "client" | "email">,
  { redirectUri, identifierValue }: Verification,
  { code, token }: VerificationSecrets,
): ChannelMessage {
  if (token === null || redirectUri === undefined)
    return { mail: { template: "sign_in_code", variables: { code } }, sms: { code } };
  const url =
    client.linkQuery === "code_and_email"
      ? codeAndEmailUrl(redirectUri, token, identifierValue)
      : tokenUrl({ redirectUri, client, token, stage, flow: "sign_in" });
  return {
    mail: { template: "sign_in_link", variables: { magicLinkUrl: url } },
    ...(email && { change: changeOf(email, { url, locale: client.locale }) }),
    sms: { code },
  };
}
