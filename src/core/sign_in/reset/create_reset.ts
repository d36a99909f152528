import type { Call, Caller } from "#core/call.ts";
import { type OAuthClient, requireRedirectUri } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { isSuppressed } from "#core/messages/mail_events.ts";
import type { Mailer } from "#core/messages/mailer.ts";
import type { Texter } from "#core/messages/texter.ts";
import { settleAll } from "#core/settle.ts";
import { sendMail, sendSms } from "#core/sign_in/code_channel.ts";
import { type NewReset, newReset, resetMail } from "#core/sign_in/reset/new_reset.ts";
import type { CodeKey } from "#core/verifications/code_key.ts";
import type { CodeTarget } from "#core/verifications/code_request.ts";

export type CreateResetCore = Pick<
  Core,
  "app" | "clock" | "identifiers" | "log" | "mailEvents" | "stage" | "verifications"
> & { codeKey: CodeKey; mailer: Mailer; texter: Texter };

/** A reset that an internal caller starts for a user. */
export interface OrderedReset {
  client: OAuthClient;
  target: CodeTarget;
  /** Default: the first redirect URI of the client. */
  redirectUri: string | undefined;
  /** Whether Nest sends the link and the code too. */
  isDelivered: boolean;
}

/** Every secret of a reset. The caller sends one of them to the user. */
export interface CreatedReset {
  nonce: string;
  code: string;
  token: string;
  expiresAt: string;
}

/**
 * Creates a link and a code with which a user chooses a new password, for a caller who sends them. No rate limit counts it.
 * @throws NestError user_not_found, invalid_redirect_uri, unavailable; delivery_failed, and then the reset stays valid
 */
export async function createReset(
  core: CreateResetCore,
  ordered: OrderedReset,
  { caller, call }: { caller: Caller; call: Call },
): Promise<CreatedReset> {
  const { client, target } = ordered;
  const [first] = client.redirectUris;
  const redirectUri = requireRedirectUri(client, ordered.redirectUri ?? first ?? "");
  const identifier = await core.identifiers.findActive(target.type, target.identity);
  if (identifier === null) throw new NestError("user_not_found");
  const now = core.clock.now();
  const reset = newReset(core, { client, target, redirectUri, caller, call }, identifier, now);
  const { verification, secrets } = reset;
  if (secrets.token === null) throw new Error("a reset with a page has a token");
  await settleAll([
    core.verifications.insert(verification),
    core.verifications.revokeEarlier(verification, now.toISOString()),
  ]);
  if (ordered.isDelivered) await deliver(core, ordered, reset);
  const { nonce, code, token } = secrets;
  return { nonce, code, token, expiresAt: verification.expiresAt };
}

/** @throws NestError delivery_failed */
async function deliver(
  core: CreateResetCore,
  { client, target }: OrderedReset,
  reset: NewReset,
): Promise<void> {
  const { locale } = client;
  if (target.type === "phone") {
    await sendSms(core, { client, target, text: { code: reset.secrets.code } });
    return;
  }
  if (await isSuppressed(core, target.address)) return;
  await sendMail(core.mailer, {
    to: target.address.recipient,
    locale,
    ...resetMail(reset, { client, stage: core.stage }),
  });
}
