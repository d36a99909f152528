import type { Call } from "#core/call.ts";
import type { OAuthClients } from "#core/clients/oauth_clients.ts";
import { MINUTE, plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { newId } from "#core/ids.ts";
import { isSuppressed } from "#core/messages/mail_events.ts";
import { type Mailer, mayHaveGone } from "#core/messages/mailer.ts";
import type { RateLimiter } from "#core/rate_limiter.ts";
import type { Device } from "#core/repositories/authorizations.ts";
import { purgeAfter } from "#core/retention.ts";
import { hashSecret, newSecret } from "#core/secrets.ts";
import { giveLinkBack, type LimitedLink, requireLinkAllowed, takeLink } from "#core/sign_in/link_limits.ts";
import { type Address, parseAddress } from "#core/users/address.ts";

export const CODE_LIFETIME_SECONDS = 20 * MINUTE;

export interface LinkRequest {
  clientId: string;
  redirectUri: string;
  state: string;
  codeChallenge: string;
  /** As typed. */
  address: string;
  device: Device | null;
}

/** A request that names a client, one of its redirect URIs, and an address that could receive mail. */
export interface CheckedLink {
  request: LinkRequest;
  address: Address;
}

/** A request for a link that may be granted. */
export interface AllowedLink extends CheckedLink, LimitedLink {
  /** The address bounced hard lately: no mail goes to it, and nobody is told (contract 1.5). */
  isSuppressed: boolean;
}

/**
 * Checks what a request for a link says, without asking anybody.
 * @throws NestError client_not_found, invalid_redirect_uri, invalid_email
 */
export function checkLink(core: { oauthClients: OAuthClients }, request: LinkRequest): CheckedLink {
  const client = core.oauthClients.require(request.clientId);
  if (!client.redirectUris.includes(request.redirectUri)) throw new NestError("invalid_redirect_uri");
  return { request, address: parseAddress(request.address) };
}

/**
 * Counts a request for a link against the limits, and looks whether its address takes mail; one trip.
 * @throws NestError rate_limited
 */
export async function allowLink(
  core: Pick<Core, "identifiers" | "mailEvents" | "clock"> & { rateLimiter: RateLimiter },
  checked: CheckedLink,
  call: Call,
): Promise<AllowedLink> {
  const [suppressed, limited] = await Promise.all([
    isSuppressed(core, checked.address.identity),
    requireLinkAllowed(core, checked.address, checked.request.device, call),
  ]);
  return { ...checked, ...limited, isSuppressed: suppressed };
}

/**
 * Stores an authorization that its link redeems once, and counts the link against what its address and the fleet may
 * have beside that; one trip.
 * @param trialId the trial that the link belongs to, if any
 * @returns the link; it holds the secret, which is stored nowhere
 * @throws NestError rate_limited, after which nothing is stored
 */
export async function storeLink(
  core: Pick<Core, "authorizations" | "clock" | "log"> & { rateLimiter: RateLimiter },
  link: AllowedLink,
  trialId: string | null = null,
): Promise<string> {
  const { request, address } = link;
  const now = core.clock.now();
  const expiresAt = plusSeconds(now, CODE_LIFETIME_SECONDS);
  const id = newId("authorization");
  const secret = newSecret();
  const storing = core.authorizations.insert({
    _id: id,
    key: hashSecret(secret),
    clientId: request.clientId,
    state: request.state,
    codeChallengeMethod: "S256",
    codeChallenge: request.codeChallenge,
    redirectUri: request.redirectUri,
    identifierType: "email",
    identifierValue: address.identity,
    device: request.device,
    trialId,
    createdAt: now.toISOString(),
    expiresAt: expiresAt.toISOString(),
    usedAt: null,
    revokedAt: null,
    failedRedemptions: 0,
    purgeAt: purgeAfter(expiresAt),
  });
  const [, taken] = await Promise.all([
    storing,
    takeLink(core, link).catch((refusal: unknown) => ({ refusal })),
  ]);
  if (taken) {
    await core.authorizations.discard(id);
    throw taken.refusal;
  }
  const flow = trialId === null ? "" : "&flow=trial";
  return `${request.redirectUri}?code=${id}.${secret}&state=${encodeURIComponent(request.state)}${flow}`;
}

/**
 * Mails a link to the address it was asked for. Known and unknown addresses take the same steps and get the same answer.
 * @throws NestError email_not_sent, after which the person can simply ask again
 */
export async function mailLink(
  core: Pick<Core, "log"> & { mailer: Mailer; rateLimiter: RateLimiter },
  link: AllowedLink,
  template: "magic-link" | "trial-magic-link",
  magicLinkUrl: string,
  call: Call,
): Promise<void> {
  if (link.isSuppressed) {
    core.log.warn("mail_suppressed", { request_id: call.requestId });
    return;
  }
  const mail = { to: link.address.recipient, template, variables: { magicLinkUrl } };
  try {
    await core.mailer.send(mail);
  } catch (error) {
    await giveLinkBack(core, link, mayHaveGone(error), call);
    throw error;
  }
}
