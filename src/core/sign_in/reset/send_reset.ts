import type { Call } from "#core/call.ts";
import { type OAuthClient, requireRedirectUri } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import type { Device } from "#core/repositories/authorizations.ts";
import { type ChannelCore, openChannel } from "#core/sign_in/code_channel.ts";
import { newReset, resetMail } from "#core/sign_in/reset/new_reset.ts";
import { storeAndSend } from "#core/sign_in/send_verification.ts";
import type { CodeKey } from "#core/verifications/code_key.ts";
import type { CodeTarget } from "#core/verifications/code_request.ts";

export type SendResetCore = ChannelCore & Pick<Core, "stage" | "verifications"> & { codeKey: CodeKey };

/** A request for a new password by somebody who can't sign in. */
export interface AskedReset {
  client: OAuthClient;
  target: CodeTarget;
  redirectUri: string;
  device: Device | null;
}

/** What the requester gets. The code and the token are in the message only. */
export interface SentReset {
  /** 32 random bytes, hex. It is presented with the code. */
  nonce: string;
  expiresAt: string;
}

/**
 * Sends a link and a code by mail, or a code by SMS, with which a person chooses a new password. It replaces those that were
 * sent before. The address need not be proved. The response, the work and the time are the same for people without an
 * account: an address gets a mail which says so; a number gets no SMS, and each response about a number comes after 1.5 s.
 * @throws NestError invalid_redirect_uri, rate_limited, unavailable; delivery_failed if a mail can't be sent
 */
export async function sendReset(core: SendResetCore, asked: AskedReset, call: Call): Promise<SentReset> {
  const { client, target } = asked;
  const redirectUri = requireRedirectUri(client, asked.redirectUri);
  const isMail = target.type === "email";
  const channel = await openChannel(core, { ...asked, isLink: isMail }, call);
  const { identifier } = channel;
  const request = { client, target, call, caller: { kind: "anonymous" } as const };
  const reset = newReset(
    core,
    { ...request, redirectUri: isMail ? redirectUri : undefined },
    identifier,
    core.clock.now(),
  );
  const { verification, secrets } = reset;
  const noAccount = { template: "no_account", variables: {} } as const;
  const mail = isMail && identifier !== null ? resetMail(reset, { client, stage: core.stage }) : noAccount;
  const message = { mail, sms: { code: secrets.code } };
  const isWanted = isMail || identifier !== null;
  await storeAndSend(core, channel, {
    ...{ verification, isNeutral: !isMail, message: isWanted ? message : null },
  });
  core.log.info("reset_requested", { type: target.type, client_id: client.id });
  return { nonce: secrets.nonce, expiresAt: verification.expiresAt };
}
