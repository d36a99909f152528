import { randomBytes } from "node:crypto";
import app from "#app";
import { BY_OPERATOR } from "#core/events/event_source.ts";
import { identifierVerified } from "#core/events/identifier_events.ts";
import { passwordHasher } from "#core/parts.ts";
import { purgeAfter } from "#core/retention.ts";
import { hashSecret, newSecret } from "#core/secrets.ts";
import { ensureUser } from "#core/users/sign_in_user.ts";
import type { Target } from "#tools/attacks/timing_target.ts";
import { sampleClient } from "#tools/stage/sample_client.ts";

export const { clientId: CLIENT, redirectUri: REDIRECT } = sampleClient(app);
export const CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

const HOUR_MS = 3_600_000;

/** A random name. */
export const unique = () => randomBytes(8).toString("hex");

/** Creates users who have signed in, each on their own device. */
export async function makeKnown(target: Target, list: readonly string[]): Promise<void> {
  const { core } = target.gateway;
  const now = core.clock.now().toISOString();
  for (const address of list) {
    const identifier = await ensureUser(core, { identity: address, found: null, source: BY_OPERATOR }, now);
    const { _id } = identifier;
    await core.identifiers.verify(_id, now, [identifierVerified(identifier, BY_OPERATOR, now)]);
    await core.identifiers.rememberDevice(_id, hashSecret(unique()));
  }
}

/** Creates users with a password, which is `word` for everybody. */
export async function makeSecretive(target: Target, list: readonly string[], word: string): Promise<void> {
  await makeKnown(target, list);
  const { core } = target.gateway;
  const now = core.clock.now().toISOString();
  // One hash for all: only the time of a comparison matters.
  const hashed = await target.gateway.part(passwordHasher).hash(word);
  for (const address of list) {
    const { userId } = await identifierOf(target, address);
    await core.passwords.insert(userId, { ...hashed, setBy: "user", mustChange: false }, { now, events: [] });
  }
}

/** @throws Error if there is none */
async function identifierOf(target: Target, address: string) {
  const found = await target.gateway.core.identifiers.findActive("email", address);
  if (!found) throw new Error("the user was not created");
  return found;
}

/** Signs users in, each once. @returns their access tokens */
export async function signInAll(target: Target, list: readonly string[]): Promise<string[]> {
  await makeKnown(target, list);
  const tokens: string[] = [];
  for (const address of list) {
    const { userId: user_id } = await identifierOf(target, address);
    const asked = { client_id: CLIENT, user_id, device: { device_id: "d" } };
    const headers = { authorization: `internal ${target.internalKey}` };
    const { body } = await target.post("/1/2026-12-01/issue_token", asked, headers);
    tokens.push(JSON.parse(body ?? "{}").access_token);
  }
  return tokens;
}

export async function makeBounced(target: Target, list: readonly string[]): Promise<void> {
  const { core } = target.gateway;
  const now = core.clock.now();
  const rest = {
    type: "bounce",
    isPermanent: true,
    subType: null,
    messageId: "m",
    purgeAt: purgeAfter(now),
  } as const;
  for (const address of list)
    await core.mailEvents.insert({
      ...rest,
      _id: `mailevent_${address}`,
      identifierValues: [address],
      recipients: [address],
      occurredAt: now.toISOString(),
      createdAt: now.toISOString(),
    });
}

/** Stores a magic link. @returns the id and the secret of its code */
export async function makeCode(target: Target): Promise<{ id: string; secret: string }> {
  const { core } = target.gateway;
  const secret = newSecret();
  const now = core.clock.now();
  const id = `authzcode_${unique()}`;
  await core.authorizations.insert({
    _id: id,
    key: hashSecret(secret),
    clientId: CLIENT,
    state: "s",
    codeChallengeMethod: "S256",
    codeChallenge: CHALLENGE,
    redirectUri: REDIRECT,
    identifierType: "email",
    identifierValue: "ada@example.com",
    device: null,
    trialId: null,
    createdAt: now.toISOString(),
    expiresAt: new Date(now.getTime() + HOUR_MS).toISOString(),
    usedAt: null,
    revokedAt: null,
    failedRedemptions: 0,
    purgeAt: purgeAfter(now),
  });
  return { id, secret };
}

/** Stores a valid refresh token. @returns its id */
export async function makeRefreshToken(target: Target): Promise<string> {
  const { core } = target.gateway;
  const now = core.clock.now();
  const grant = { type: "authorization_code", value: "x" } as const;
  const id = `reftok_${unique()}`;
  await core.refreshTokens.insertIfAbsent({
    _id: id,
    key: hashSecret(newSecret()),
    clientId: CLIENT,
    userId: "user_x",
    sessionId: "session_x",
    generation: 1,
    grant,
    rootGrant: grant,
    cidrBlocks: [],
    usedAt: null,
    revokedAt: null,
    rotation: null,
    createdAt: now.toISOString(),
    expiresAt: new Date(now.getTime() + HOUR_MS).toISOString(),
    purgeAt: purgeAfter(now),
  });
  return id;
}
