import { randomBytes } from "node:crypto";
import { purgeAfter } from "#core/retention.ts";
import { hashSecret, newSecret } from "#core/secrets.ts";
import { ensureUser } from "#core/users/sign_in_user.ts";
import type { Target } from "#scripts/attacks/timing_target.ts";

const CLIENT = "client_000000C2kdCzNlbL1BqR5FeMatItU";
const REDIRECT = "https://magic.getbeak.app/";
const CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

type Call = (run: number) => Promise<unknown>;

/** Two kinds of call that a stranger could want to tell apart. */
export interface Pair {
  /** `first / second` */
  name: string;
  /** Makes what `count` calls of each need. */
  prepare(target: Target, count: number): Promise<[first: Call, second: Call]>;
}

const unique = () => randomBytes(8).toString("hex");
/** Of one length, known and unknown alike. */
const addresses = (count: number) => Array.from({ length: count }, () => `${unique()}@example.com`);

const secrets = (count: number) => Array.from({ length: count }, newSecret);

const ask = (target: Target, address: string) =>
  target.post("/1/2020-12-14/send_magic_link", {
    client_id: CLIENT,
    redirect_uri: REDIRECT,
    state: "s",
    code_challenge_method: "S256",
    code_challenge: CHALLENGE,
    identifier_type: "email",
    identifier_value: address,
    device: { platform: "mac", beak_id: "stranger", fingerprint: "stranger" },
  });
const asking =
  (target: Target, list: readonly string[]): Call =>
  (run) =>
    ask(target, list[run] ?? "");

/** People who signed in before, each on a machine of their own. */
async function makeKnown(target: Target, list: readonly string[]): Promise<void> {
  const { core } = target.gateway;
  const now = core.clock.now().toISOString();
  for (const address of list) {
    const { _id } = await ensureUser(core, address, null, now);
    await core.identifiers.verify(_id, now);
    await core.identifiers.rememberDevice(_id, hashSecret(unique()));
  }
}

async function makeBounced(target: Target, list: readonly string[]): Promise<void> {
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
      occurredAt: now.toISOString(),
      createdAt: now.toISOString(),
    });
}

/** A stored link and what a guess at its key is answered with. */
async function makeCode(target: Target): Promise<{ id: string; secret: string }> {
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
    expiresAt: new Date(now.getTime() + 3_600_000).toISOString(),
    usedAt: null,
    revokedAt: null,
    failedRedemptions: 0,
    purgeAt: purgeAfter(now),
  });
  return { id, secret };
}

const redeem = (target: Target, code: string) =>
  target.post("/1/2020-12-14/authenticate_user", {
    client_id: CLIENT,
    grant_type: "authorization_code",
    redirect_uri: REDIRECT,
    code,
    code_verifier: VERIFIER,
  });

/** All but its last character. */
const nearly = (secret: string) => `${secret.slice(0, -1)}${secret.endsWith("0") ? "1" : "0"}`;

const wait = (ms: number) => {
  const until = performance.now() + ms;
  while (performance.now() < until);
};

export const pairs: readonly Pair[] = [
  {
    name: "control: unknown address / another unknown one",
    async prepare(target, count) {
      return [asking(target, addresses(count)), asking(target, addresses(count))];
    },
  },
  {
    name: "control: unknown address / one with 1 ms more",
    async prepare(target, count) {
      const slower = asking(target, addresses(count));
      return [
        asking(target, addresses(count)),
        async (run) => {
          wait(1);
          await slower(run);
        },
      ];
    },
  },
  {
    name: "link: unknown address / known one",
    async prepare(target, count) {
      const known = addresses(count);
      await makeKnown(target, known);
      return [asking(target, addresses(count)), asking(target, known)];
    },
  },
  {
    name: "link: unknown address / one that bounced today",
    async prepare(target, count) {
      const bounced = addresses(count);
      await makeBounced(target, bounced);
      return [asking(target, addresses(count)), asking(target, bounced)];
    },
  },
  {
    name: "code: a wrong key / one that is right but for its last digit",
    async prepare(target, count) {
      const { id, secret } = await makeCode(target);
      const wrong = secrets(count);
      return [
        (run) => redeem(target, `${id}.${wrong[run]}`),
        () => redeem(target, `${id}.${nearly(secret)}`),
      ];
    },
  },
  {
    name: "sign-out: unknown token / known one with a wrong secret",
    async prepare(target, count) {
      const { core } = target.gateway;
      const now = core.clock.now();
      const grant = { type: "authorization_code", value: "x" } as const;
      const id = `reftok_${unique()}`;
      await core.refreshTokens.insert({
        _id: id,
        key: hashSecret(newSecret()),
        ...{
          clientId: CLIENT,
          userId: "user_x",
          sessionId: "session_x",
          generation: 1,
          grant,
          rootGrant: grant,
        },
        ...{ cidrBlocks: [], usedAt: null, revokedAt: null, rotation: null },
        createdAt: now.toISOString(),
        expiresAt: new Date(now.getTime() + 3_600_000).toISOString(),
        purgeAt: purgeAfter(now),
      });
      const wrong = secrets(count);
      const unknown = wrong.map(() => `reftok_${unique()}`);
      const out = (of: string | undefined, run: number) =>
        target.post("/1/2021-10-06/revoke_token", {
          client_id: CLIENT,
          refresh_token: `01.${of}.${wrong[run]}`,
        });
      return [(run) => out(unknown[run], run), (run) => out(id, run)];
    },
  },
  {
    name: "internal key: a wrong one / one that is right but for its last digit",
    async prepare(target, count) {
      const wrong = secrets(count);
      const near = nearly(target.internalKey);
      const call = (key: string | undefined) =>
        target.post("/1/2021-10-06/get_user", { user_id: "x" }, { authorization: `internal ${key}` });
      return [(run) => call(wrong[run]), () => call(near)];
    },
  },
];
