import type { Call } from "#core/call.ts";
import { type OAuthClients, requireRedirectUri } from "#core/clients/oauth_clients.ts";
import { MINUTE, plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { newId } from "#core/ids.ts";
import { isSuppressed } from "#core/messages/mail_events.ts";
import { type MailChange, type Mailer, mayHaveBeenSent } from "#core/messages/mailer.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import type { Sampled } from "#core/rate_limits/sampling.ts";
import type { Authorization, Device } from "#core/repositories/authorizations.ts";
import { purgeAfter } from "#core/retention.ts";
import { hashSecret, newSecret } from "#core/secrets.ts";
import { countLinkRequest, countMail, type LimitedLink, releaseLink } from "#core/sign_in/link_limits.ts";
import { magicLinkUrl } from "#core/sign_in/link_url.ts";
import { type Address, parseAddress } from "#core/users/address.ts";

export const CODE_LIFETIME_SECONDS = 20 * MINUTE;

export interface LinkRequest {
  clientId: string;
  redirectUri: string;
  state: string;
  codeChallenge: string;
  /** As the user typed it. */
  address: string;
  device: Device | null;
  /** The caller has an internal key. */
  isInternal: boolean;
}

/** A request with an enabled client, one of its redirect URIs, and a valid address. */
export interface CheckedLink {
  request: LinkRequest;
  address: Address;
  /** The locale of the mail. No user is read for it, so that known and unknown addresses take the same steps. */
  locale: string;
}

/** A request that is within the rate limits. */
export interface AllowedLink extends CheckedLink, LimitedLink {}

/** A link that is stored and not mailed yet. */
export interface StoredLink extends AllowedLink {
  /** The count of the deployment's sampled limit; null if it did not count this link. */
  sampled: Sampled | null;
  /** The address bounced recently: no mail is sent, and the caller gets the usual response (contract 1.5). */
  isSuppressed: boolean;
  template: "magic-link" | "trial-magic-link";
  /** The URL in the mail. It contains the secret, which is not stored. */
  url: string;
}

/**
 * Checks a link request without I/O.
 * @throws NestError client_not_found, invalid_redirect_uri, invalid_email
 */
export function checkLink(core: { oauthClients: OAuthClients }, request: LinkRequest): CheckedLink {
  const client = core.oauthClients.require(request.clientId);
  requireRedirectUri(client, request.redirectUri);
  return { request, address: parseAddress(request.address), locale: client.locale };
}

/**
 * Counts a link request against the rate limits; one round trip for a link and two for a trial, unless they refuse it.
 * @param options.isTrial the link opens a trial
 * @param options.isCode the mailbox gets one link in 60 s
 * @throws NestError rate_limited
 */
export async function limitLinkRequest(
  core: Pick<Core, "identifiers" | "trials"> & { rateLimiter: RateLimiter },
  checked: CheckedLink,
  call: Call,
  { isTrial = false, isCode = false } = {},
): Promise<AllowedLink> {
  const { address, request } = checked;
  return {
    ...checked,
    ...(await countLinkRequest(core, { address, device: request.device, call, isTrial, isCode })),
  };
}

/**
 * Runs the steps between the count of a trial request and its mail. If one of them fails, no mail was sent: the counts of
 * the mailbox are released, so that requests which are refused do not use up its links.
 * @throws every error of the steps
 */
export async function releaseIfRefused<Result>(
  core: { rateLimiter: RateLimiter },
  link: AllowedLink,
  steps: () => Promise<Result>,
): Promise<Result> {
  try {
    return await steps();
  } catch (error) {
    await releaseLink(core, { ...link, sampled: null }, false);
    throw error;
  }
}

/**
 * Stores the authorization of a link and reads whether its address bounced recently; one round trip.
 * @param trialId the trial that the link belongs to, if any
 * @param more fields of some links, which depend on the id of the link
 */
export async function storeLink(
  core: Pick<Core, "authorizations" | "clock" | "log" | "mailEvents"> & { rateLimiter: RateLimiter },
  link: AllowedLink,
  trialId: string | null = null,
  more: (id: string) => Partial<Authorization> = () => ({}),
): Promise<StoredLink> {
  const { request, address } = link;
  const id = newId("authorization");
  const secret = newSecret();
  const storing = core.authorizations.insert({
    _id: id,
    key: hashSecret(secret),
    trialId,
    ...newAuthorization(link, core.clock.now()),
    ...more(id),
  });
  const [, suppressed, sampled] = await Promise.all([
    storing,
    isSuppressed(core, address),
    countMail(core, link),
  ]);
  const isTrial = trialId !== null;
  const url = magicLinkUrl({ ...request, code: `${id}.${secret}`, isTrial });
  const template = isTrial ? "trial-magic-link" : "magic-link";
  return { ...link, sampled, isSuppressed: suppressed, template, url };
}

/** The document of a new link, without its id and the hash of its secret. */
export function newAuthorization(
  { request, address }: CheckedLink,
  now: Date,
): Omit<Authorization, "_id" | "key" | "trialId"> {
  const expiresAt = plusSeconds(now, CODE_LIFETIME_SECONDS);
  return {
    clientId: request.clientId,
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
  };
}

/**
 * Mails a link to its address. Known and unknown addresses take the same steps and get the same response.
 * @throws NestError email_not_sent; then the link is no longer counted, so the user can request another
 */
export async function mailLink(
  core: Pick<Core, "log"> & { mailer: Mailer; rateLimiter: RateLimiter },
  link: StoredLink & { userCode?: string | null; change?: MailChange },
  call: Call,
): Promise<void> {
  if (link.isSuppressed) {
    core.log.warn("mail_suppressed", { request_id: call.requestId });
    return;
  }
  const { address, locale, template, url } = link;
  try {
    const variables = { magicLinkUrl: url, userCode: link.userCode ?? null };
    await core.mailer.send({ to: address.recipient, locale, template, variables }, link.change);
  } catch (error) {
    await releaseLink(core, link, mayHaveBeenSent(error));
    throw error;
  }
}
