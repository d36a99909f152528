import type { Call, Caller } from "#core/call.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import { plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { byCaller } from "#core/events/event_source.ts";
import { identifierAdded } from "#core/events/identifier_events.ts";
import { type AskedIdentifier, judgeAsked } from "#core/identifiers/judge_verification.ts";
import { newId } from "#core/ids.ts";
import { LIMITS } from "#core/rate_limits/limits.ts";
import { carrying } from "#core/repositories/outbox.ts";
import type { PendingIdentifier } from "#core/repositories/pending_identifiers.ts";
import type { Verification } from "#core/repositories/verifications.ts";
import { settleAll } from "#core/settle.ts";
import { type ChannelCore, type ChannelMessage, openChannel } from "#core/sign_in/code_channel.ts";
import { type TokenLink, tokenUrl } from "#core/sign_in/link_url.ts";
import { releaseIfFailed } from "#core/sign_in/send_verification.ts";
import type { CodeKey } from "#core/verifications/code_key.ts";
import { pageOf } from "#core/verifications/link_page.ts";
import { newVerification, type VerificationSecrets } from "#core/verifications/new_verification.ts";

type SendCore = ChannelCore &
  Pick<Core, "pendingIdentifiers" | "stage" | "verifications"> & { codeKey: CodeKey };

/** A user who wants to prove an address or number. */
export interface VerificationRequest extends AskedIdentifier {
  client: OAuthClient;
  caller: Extract<Caller, { kind: "user" }>;
  /** Whether the mail has a link, and the page that it opens. */
  delivery: "code" | "link";
  redirectUri: string | undefined;
}

/** What the requester gets. Code and token are in the message only. */
export interface SentVerification {
  identifierId: string;
  /** 32 random bytes, hex. It is presented with the code. */
  nonce: string;
  expiresAt: string;
  /** From when another message can be requested. */
  resendAt: Date;
}

/**
 * Sends a code or a link with which a user proves an address or number. A new one is stored as pending, which claims nothing. If
 * it belongs to another user, the caller gets the same answer, and the message says so without a code.
 * @throws NestError identifier_not_found, already_verified, invalid_identifier, country_not_allowed, invalid_redirect_uri,
 *   reauthentication_required, identifier_not_verified, rate_limited, delivery_failed, unavailable
 */
export async function sendVerification(
  core: SendCore,
  request: VerificationRequest,
  call: Call,
): Promise<SentVerification> {
  const now = core.clock.now();
  const { client, caller } = request;
  const { userId, sessionId } = caller;
  const { target, known } = judgeAsked(request, now);
  const redirectUri = pageOf(core, request, target.type);
  const isLink = redirectUri !== undefined;
  const channel = await openChannel(core, { client, target, device: null, isLink }, call);
  const { verification, secrets } = newVerification(core, {
    ...{ purpose: "verify_identifier", clientId: client.id, target, now, userId, sessionId },
    sends: { code: !isLink, redirectUri },
  });
  const pending = known ? null : newPending(verification, byCaller(caller, call));
  const [isAdmitted, stored] = await releaseIfFailed(channel, () =>
    settleAll([
      channel.admit(),
      pending && core.pendingIdentifiers.ensure(pending),
      known && core.pendingIdentifiers.keepUntil(known._id, verification.purgeAt),
      core.verifications.insert(verification),
    ]),
  );
  const isTaken = channel.identifier !== null && channel.identifier.userId !== userId;
  const message = isTaken ? IN_USE : messageOf({ client, stage: core.stage }, verification, secrets);
  const sending = isAdmitted ? releaseIfFailed(channel, () => channel.deliver(message, null)) : null;
  await settleAll([sending, core.verifications.revokeEarlier(verification, now.toISOString())]);
  core.log.info("verification_sent", { type: target.type, delivery: request.delivery, client_id: client.id });
  return {
    identifierId: known?._id ?? stored?._id ?? "",
    nonce: secrets.nonce,
    expiresAt: verification.expiresAt,
    resendAt: plusSeconds(now, LIMITS.codes_per_identifier.seconds),
  };
}

const IN_USE: ChannelMessage = {
  mail: { template: "address_in_use", variables: {} },
  sms: { note: "inUse" },
};

function messageOf(
  { client, stage }: Pick<TokenLink, "client" | "stage">,
  { redirectUri }: Verification,
  { code, token }: VerificationSecrets,
): ChannelMessage {
  const isLink = token !== null && redirectUri !== undefined;
  const variables = isLink
    ? { url: tokenUrl({ redirectUri, client, token, stage, flow: "verify_identifier" }) }
    : { code };
  return { mail: { template: "verify_address", variables }, sms: { code } };
}

function newPending(
  { userId = "", identifierType, identifierValue, createdAt, purgeAt }: Verification,
  source: ReturnType<typeof byCaller>,
): PendingIdentifier {
  const named = { _id: newId("identifier"), userId, identifierType };
  return {
    ...{ ...named, identifierValue, createdAt, purgeAt, endedAt: null, endedBy: null },
    ...carrying([identifierAdded(named, source, createdAt)]),
  };
}
