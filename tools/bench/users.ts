import { createHash } from "node:crypto";
import type { Db } from "mongodb";
import app from "#app";
import { ownAccount, ownAccountId, ownMembership } from "#core/accounts/own_account.ts";
import { DAY, plusSeconds } from "#core/clock.ts";
import type { AccessToken } from "#core/repositories/access_tokens.ts";
import { purgeAfter } from "#core/retention.ts";
import { hashSecret } from "#core/secrets.ts";
import { mintAccessToken, type TokenMint } from "#core/sessions/access_token.ts";
import { sampleClient } from "#tools/stage/sample_client.ts";

export const { clientId: CLIENT, redirectUri: REDIRECT } = sampleClient(app);
/** RFC 7636, appendix B. */
export const VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
export const CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/** A user of the filled database. Ids, addresses and secrets derive from the number. */
export interface BenchUser {
  address: string;
  userId: string;
  beakId: string;
  sessionId: string;
  refreshToken: string;
  code: string;
}

/** An id like Nest's: 27 characters, unordered. */
const idOf = (prefix: string, number: number) =>
  `${prefix}_${createHash("sha256").update(`${prefix} ${number}`).digest("base64").replace(/\W/g, "0").slice(0, 27)}`;
const secretOf = (what: string, number: number) =>
  createHash("sha256").update(`the ${what} of ${number}`).digest("hex");

export function userOf(number: number): BenchUser {
  return {
    address: `user.${number}@example.com`,
    userId: idOf("user", number),
    beakId: `mach-${number}`,
    sessionId: idOf("session", number),
    refreshToken: `01.${idOf("reftok", number)}.${secretOf("refresh token", number)}`,
    code: `${idOf("authzcode", number)}.${secretOf("code", number)}`,
  };
}

const grantOf = (number: number) => ({ type: "authorization_code" as const, value: idOf("earlier", number) });

function accessTokenOf(number: number, now: Date): AccessToken {
  const expiresAt = plusSeconds(now, DAY);
  return {
    _id: idOf("acstok", number),
    clientId: CLIENT,
    userId: idOf("user", number),
    sessionId: idOf("session", number),
    generation: 1,
    grant: grantOf(number),
    rootGrant: grantOf(number),
    cidrBlocks: ["203.0.113.9"],
    createdAt: now.toISOString(),
    expiresAt: expiresAt.toISOString(),
    revokedAt: null,
    purgeAt: purgeAfter(expiresAt),
  };
}

/** The signed access token of a user in the database. */
export const bearerOf = (mint: TokenMint, number: number, now: Date) =>
  mintAccessToken(mint, accessTokenOf(number, now), { deviceId: null, copies: {} }, null);

/** Stripe's ids of a user and their subscription. */
export interface AtStripe {
  customer: string;
  id: string;
}

/** An unused magic link. */
export function authorizationOf(address: string, code: string, beakId: string, now: Date) {
  const [id = "", secret = ""] = code.split(".");
  return {
    _id: id,
    key: hashSecret(secret),
    clientId: CLIENT,
    state: "s",
    codeChallengeMethod: "S256",
    codeChallenge: CHALLENGE,
    redirectUri: REDIRECT,
    identifierType: "email",
    identifierValue: address,
    device: { platform: "mac", beakId, fingerprint: `fingerprint of ${beakId}` },
    trialId: null,
    createdAt: now.toISOString(),
    expiresAt: plusSeconds(now, DAY).toISOString(),
    usedAt: null,
    revokedAt: null,
    failedRedemptions: 0,
    purgeAt: purgeAfter(plusSeconds(now, DAY)),
  };
}

/** Every document of one user, who is signed in on one device, subscribed, and has an unused magic link. */
function documentsOf(number: number, now: Date, stripe: AtStripe): Record<string, object> {
  const user = userOf(number);
  const at = now.toISOString();
  const token = accessTokenOf(number, now);
  const [, refreshTokenId = "", refreshSecret = ""] = user.refreshToken.split(".");
  const authorization = authorizationOf(user.address, user.code, user.beakId, now);
  const { _id: _token, ...issued } = token;
  return {
    users: { _id: user.userId, createdAt: at, defaultAccountId: ownAccountId(user.userId) },
    accounts: ownAccount({ _id: user.userId, createdAt: at }),
    account_members: ownMembership({ _id: user.userId, createdAt: at }),
    identifiers: {
      _id: idOf("userident", number),
      userId: user.userId,
      identifierType: "email",
      identifierValue: user.address,
      createdAt: at,
      updatedAt: at,
      verifiedAt: at,
      removedAt: null,
      knownDevices: [hashSecret(user.beakId)],
    },
    sessions: {
      _id: user.sessionId,
      userId: user.userId,
      clientId: CLIENT,
      rootGrant: grantOf(number),
      device: authorization.device,
      ip: "203.0.113.9",
      userAgent: `${app.name}/1.0`,
      createdAt: at,
      lastUsedAt: at,
      generation: 1,
      acknowledgedGeneration: 1,
      expiresAt: plusSeconds(now, 365 * DAY).toISOString(),
      revokedAt: null,
      revokedReason: null,
      purgeAt: purgeAfter(plusSeconds(now, 365 * DAY)),
    },
    access_tokens: token,
    "refresh-tokens": {
      ...issued,
      _id: refreshTokenId,
      key: hashSecret(refreshSecret),
      expiresAt: plusSeconds(now, 365 * DAY).toISOString(),
      usedAt: null,
      rotation: null,
    },
    authorizations: authorization,
    subscriptions: {
      _id: idOf("sub", number),
      userId: user.userId,
      stpProductId: app.plans[0]?.prices.local.productId ?? "prod_none",
      isOtherProduct: false,
      stpSubscriptionId: stripe.id,
      stpCustomerId: stripe.customer,
      status: "active",
      startsAt: at,
      endsAt: plusSeconds(now, 30 * DAY).toISOString(),
      cancelAt: null,
      cancelType: null,
      cancelledAt: null,
      createdAt: at,
      updatedAt: null,
      trialId: null,
      stpCreatedAt: at,
      version: 1,
      rejectedAt: null,
      isRejectedSilently: false,
      refundedAt: null,
      disputedAt: null,
      disputeStatus: null,
      disputes: [],
      mails: { welcome: { claimedAt: at, sentAt: at } },
      cardFingerprints: [],
      cardSeenBeforeAt: null,
    },
    "provider-mappings": {
      _id: idOf("provmap", number),
      userId: user.userId,
      providerType: "stripe",
      providerValue: stripe.customer,
      createdAt: at,
      updatedAt: null,
      removedAt: null,
    },
    "marketing-consent": {
      _id: idOf("mktngconsent", number),
      userId: user.userId,
      level: "general",
      createdAt: at,
      updatedAt: at,
      history: [],
    },
  };
}

const BATCH = 2_000;

/**
 * Inserts the users 0 to `count` - 1.
 * @param atStripe the ids at Stripe of the first users; other users get ids that no Stripe has
 */
export async function insertUsers(
  database: Db,
  count: number,
  now: Date,
  atStripe: readonly AtStripe[] = [],
): Promise<void> {
  for (let from = 0; from < count; from += BATCH) {
    const batch = new Map<string, object[]>();
    for (let number = from; number < Math.min(count, from + BATCH); number++) {
      const stripe = atStripe[number] ?? { customer: `cus_bench${number}`, id: `sub_bench${number}` };
      for (const [name, document] of Object.entries(documentsOf(number, now, stripe))) {
        const documents = batch.get(name) ?? [];
        batch.set(name, documents);
        documents.push(document);
      }
    }
    await Promise.all(
      [...batch].map(([name, documents]) =>
        database.collection(name).insertMany(documents, { ordered: false }),
      ),
    );
  }
}
