import type { Call } from "#core/call.ts";
import { MINUTE, plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { isSuppressed } from "#core/email/mail_events.ts";
import type { Mailer } from "#core/email/mailer.ts";
import { NestError } from "#core/errors.ts";
import { newId } from "#core/ids.ts";
import { networkOf } from "#core/network.ts";
import { refuseIfOver } from "#core/rate_limiter.ts";
import type { Device } from "#core/repositories/authorizations.ts";
import { purgeAfter } from "#core/retention.ts";
import { hashSecret, newSecret } from "#core/secrets.ts";
import { type Address, parseAddress } from "#core/users/address.ts";

const CODE_LIFETIME_SECONDS = 20 * MINUTE;

export interface LinkRequest {
  clientId: string;
  redirectUri: string;
  state: string;
  codeChallenge: string;
  /** As typed. */
  address: string;
  device: Device | null;
}

type LinkCore = Pick<
  Core,
  "oauthClients" | "authorizations" | "identifiers" | "mailEvents" | "rateLimiter" | "clock" | "log"
> & {
  mailer: Mailer;
};

/**
 * Mails a link that signs its reader in once. Known and unknown addresses take the same steps and get the same answer;
 * so does one that bounced hard, to which no mail goes (contract 1.5).
 * @throws NestError client_not_found, invalid_redirect_uri, invalid_email, rate_limited, email_not_sent
 */
export async function sendMagicLink(core: LinkCore, request: LinkRequest, call: Call): Promise<void> {
  const client = core.oauthClients.require(request.clientId);
  if (!client.redirectUris.includes(request.redirectUri)) throw new NestError("invalid_redirect_uri");
  const address = parseAddress(request.address);
  // One trip: the counters, the look for a known machine and the one for a bounce go side by side.
  const [suppressed] = await Promise.all([
    isSuppressed(core, address.identity),
    requireWithinLimits(core, address, request.device, call),
  ]);

  const now = core.clock.now();
  const expiresAt = plusSeconds(now, CODE_LIFETIME_SECONDS);
  const id = newId("authorization");
  const secret = newSecret();
  await core.authorizations.insert({
    _id: id,
    key: hashSecret(secret),
    clientId: client.id,
    state: request.state,
    codeChallengeMethod: "S256",
    codeChallenge: request.codeChallenge,
    redirectUri: request.redirectUri,
    identifierType: "email",
    identifierValue: address.identity,
    device: request.device,
    createdAt: now.toISOString(),
    expiresAt: expiresAt.toISOString(),
    usedAt: null,
    revokedAt: null,
    failedRedemptions: 0,
    purgeAt: purgeAfter(expiresAt),
  });
  const magicLinkUrl = `${request.redirectUri}?code=${id}.${secret}&state=${encodeURIComponent(request.state)}`;
  if (suppressed) {
    core.log.warn("mail_suppressed", { request_id: call.requestId });
    return;
  }
  await core.mailer.send(
    { to: address.recipient, template: "magic-link", variables: { magicLinkUrl } },
    call.deadline,
  );
}

/**
 * Counts this request against every limit. A machine that signed this address in
 * before has a limit of its own, so that strangers can't use up its owner's (contract 1.2).
 */
async function requireWithinLimits(
  core: LinkCore,
  address: Address,
  device: Device | null,
  call: Call,
): Promise<void> {
  const network = networkOf(call.ip);
  const { rateLimiter } = core;
  const [identifier, perNetworkAndAddress, perAddress, perNetwork, ownDevice, mails] = await Promise.all([
    core.identifiers.findActive("email", address.identity),
    rateLimiter.count("links_per_address_and_network", address.identity, network),
    rateLimiter.count("links_per_address", address.identity),
    rateLimiter.count("links_per_network", network),
    device ? rateLimiter.count("links_per_known_device", address.identity, device.beakId) : null,
    rateLimiter.count("mails_per_hour", "fleet"),
  ]);
  const isKnown = device !== null && identifier?.knownDevices?.includes(hashSecret(device.beakId)) === true;
  if (mails.ratio > 1)
    core.log.warn("mail_ceiling_passed", { ratio: Number(mails.ratio.toFixed(2)), known_device: isKnown });
  if (isKnown && ownDevice && ownDevice.ratio <= 1) return;
  try {
    refuseIfOver([perNetworkAndAddress, perAddress, perNetwork, { ...mails, ratio: mails.ratio / 10 }]);
  } catch (refusal) {
    // What many share must not be used up by requests that sent nothing.
    await Promise.all([
      rateLimiter.giveBack("links_per_address", address.identity),
      rateLimiter.giveBack("mails_per_hour", "fleet"),
    ]);
    throw refusal;
  }
}
