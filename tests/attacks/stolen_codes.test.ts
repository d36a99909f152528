import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConfigError, readConfig } from "#core/config.ts";
import { internalKeyVariables } from "#core/keys/internal_key.ts";
import { hashSecret } from "#core/secrets.ts";
import {
  BUSY_MACHINE,
  CHALLENGE,
  codeIn,
  linkRequest,
  pkcePair,
  startNest,
  type TestNest,
  V1,
  V2,
  VERIFIER,
} from "#tests/support/nest.ts";

/** The tenth failure blocks a code, so an attacker has nine tries per code. */
const inNines = <Item>(items: readonly Item[]) =>
  Array.from({ length: Math.ceil(items.length / 9) }, (_, part) => items.slice(part * 9, part * 9 + 9));

describe("code interception: an attacker who reads the mail or the link", () => {
  let nest: TestNest;
  beforeAll(async () => {
    nest = await startNest({ slowdown: BUSY_MACHINE });
  });
  afterAll(() => nest.stop());
  const elsewhere = { ip: "198.51.100.66" };

  test("can't redeem without the verifier, and the user still can", async () => {
    const own = pkcePair();
    const { verifier, challenge } = pkcePair();
    const guesses = [
      challenge,
      own.verifier,
      own.challenge,
      VERIFIER,
      CHALLENGE,
      verifier.slice(0, -1),
      `${verifier}=`,
      `${verifier} `,
      ` ${verifier}`,
      `${verifier}\u0000`,
      verifier.toLowerCase() === verifier ? verifier.toUpperCase() : verifier.toLowerCase(),
      Buffer.from(challenge, "base64url").toString("hex"),
      Buffer.from(challenge, "base64url").toString("latin1"),
      hashSecret(verifier),
      "x".repeat(512),
      "null",
      "true",
      "S256",
    ];
    for (const tries of inNines(guesses)) {
      const code = await nest.emailedCode({ code_challenge: challenge });
      for (const code_verifier of tries)
        expect((await nest.redeem(code, { code_verifier }, elsewhere)).body.code).toBe(
          "incorrect_code_verifier",
        );
      expect((await nest.redeem(code, { code_verifier: verifier })).status).toBe(200);
    }
    const code = await nest.emailedCode({ code_challenge: challenge });
    for (const code_verifier of [undefined, "", null, [verifier], { $ne: null }, 0, true, "x".repeat(513)]) {
      const { status, body } = await nest.redeem(code, { code_verifier }, elsewhere);
      expect({ status, code: body.code }).toEqual({
        status: 400,
        code: code_verifier === undefined ? "code_verifier_missing" : "validation_failed",
      });
    }
    expect((await nest.redeem(code, { code_verifier: verifier })).status).toBe(200);
  });

  test("can't request a link without a challenge, or with method plain", async () => {
    nest.ses.clear();
    const downgrades = [
      { code_challenge_method: "plain" },
      { code_challenge_method: "s256" },
      { code_challenge_method: "" },
      { code_challenge_method: undefined },
      { code_challenge_method: null },
      { code_challenge_method: "none" },
      { code_challenge: undefined },
      { code_challenge: "" },
      { code_challenge: null },
      { code_challenge: [CHALLENGE] },
      { code_challenge: undefined, code_challenge_method: undefined },
    ];
    for (const downgrade of downgrades) {
      const reply = await nest.call(`${V1}send_magic_link`, linkRequest(downgrade));
      expect(reply.body.code, JSON.stringify(downgrade)).toBe("validation_failed");
    }
    expect(nest.ses.inbox).toEqual([]);
  });

  test("can't mix their own verifier or code with the user's", async () => {
    const [person, thief] = [pkcePair(), pkcePair()];
    const address = { identifier_value: "mixed.up@example.com" };
    const forThief = await nest.emailedCode({ ...address, code_challenge: thief.challenge }, elsewhere);
    const forPerson = await nest.emailedCode({ ...address, code_challenge: person.challenge });
    const mixed = (code: string, code_verifier: string) => nest.redeem(code, { code_verifier });
    expect((await mixed(forPerson, thief.verifier)).body.code).toBe("incorrect_code_verifier");
    expect((await mixed(forThief, person.verifier)).body.code).toBe("incorrect_code_verifier");
    const [id] = forPerson.split(".");
    const [, secret] = forThief.split(".");
    expect((await mixed(`${id}.${secret}`, person.verifier)).body.code).toBe("token_not_found");
    expect((await mixed(forPerson, person.verifier)).status).toBe(200);
    expect((await mixed(forThief, thief.verifier)).body.code).toBe("authorization_not_found");
  });

  test("code injection: a device refuses a code that another device requested", async () => {
    const machine = pkcePair();
    const thief = pkcePair();
    const planted = await nest.emailedCode({
      identifier_value: "thief@example.com",
      code_challenge: thief.challenge,
    });
    const reply = await nest.redeem(planted, { code_verifier: machine.verifier });
    expect(reply.body.code).toBe("incorrect_code_verifier");
  });
});

describe("replay of a redeemed code", () => {
  let nest: TestNest;
  beforeAll(async () => {
    nest = await startNest({ slowdown: BUSY_MACHINE });
  });
  afterAll(() => nest.stop());

  test("can't be redeemed again, even with valid parameters, and revokes nothing", async () => {
    const code = codeIn(await nest.requestLink());
    const { body: tokens } = await nest.redeem(code);
    const replays = await Promise.all(
      Array.from({ length: 50 }, (_, index) => nest.redeem(code, {}, { ip: `198.51.100.${index}` })),
    );
    expect(new Set(replays.map(({ status, body }) => `${status} ${body.code}`))).toEqual(
      new Set(["400 token_used"]),
    );
    const own = { user_id: tokens.user_id };
    const as = { bearer: tokens.access_token };
    expect((await nest.call(`${V2}list_sessions`, own, as)).body).toHaveLength(1);
    nest.clock.advance(21 * 60);
    expect((await nest.redeem(code)).body.code).toBe("token_used");
    expect((await nest.call(`${V2}get_user`, own, as)).status).toBe(200);
  });
});

describe("brute force", () => {
  let nest: TestNest;
  beforeAll(async () => {
    nest = await startNest({
      slowdown: BUSY_MACHINE,
      environment: { LIMIT_FAILURES_PER_NETWORK: "60" },
    });
  });
  afterAll(() => nest.stop());

  test("refuses a code with a wrong secret, even with one wrong digit, and never blocks the code because of it", async () => {
    const code = await nest.emailedCode();
    const [id = "", secret = ""] = code.split(".");
    const last = secret.endsWith("0") ? "1" : "0";
    const guesses = [
      hashSecret(secret),
      secret.slice(0, -1),
      `${secret.slice(0, -1)}${last}`,
      `${secret}0`,
      secret.toUpperCase() === secret ? `${secret} ` : secret.toUpperCase(),
      `${secret} `,
      "0".repeat(64),
      "f".repeat(64),
      id,
      "undefined",
      "x".repeat(400),
    ];
    for (const guess of guesses)
      expect((await nest.redeem(`${id}.${guess}`)).body.code, guess).toBe("token_not_found");
    for (const whole of [id, `${id}.`, `.${secret}`, `${id}.${secret}.`, `${id}..${secret}`, secret, "."])
      expect((await nest.redeem(whole)).body.code, whole).toBe("malformed_code");
    expect((await nest.redeem(code)).status).toBe(200);
  });

  test("limits the wrong secrets of a network to 60 a minute, and refuses no right secret", async () => {
    const guesser = { ip: "198.51.100.7" };
    const code = await nest.emailedCode({ identifier_value: "guessed@example.com" });
    const id = code.split(".")[0];
    const answers = [];
    for (let guess = 0; guess < 70; guess++) {
      const { body } = await nest.redeem(`${id}.${guess.toString(16).padStart(64, "0")}`, {}, guesser);
      answers.push(body.code);
    }
    expect(answers.slice(0, 60)).toEqual(Array(60).fill("token_not_found"));
    expect(answers.slice(60)).toEqual(Array(10).fill("rate_limited"));
    expect((await nest.redeem(code, {}, guesser)).status).toBe(200);
  });

  test("100 simultaneous wrong verifiers: ten get the error of a wrong verifier, and the tenth blocks the link", async () => {
    const { verifier, challenge } = pkcePair();
    const code = await nest.emailedCode({
      identifier_value: "burned@example.com",
      code_challenge: challenge,
    });
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, guess) =>
        nest.redeem(code, { code_verifier: pkcePair().verifier }, { ip: `192.0.2.${guess % 200}` }),
      ),
    );
    const codes = Map.groupBy(answers, ({ body }) => body.code);
    expect(codes.get("incorrect_code_verifier")).toHaveLength(10);
    expect(codes.get("authorization_not_found")).toHaveLength(90);
    const stored = await nest.collection("authorizations").findOne({ _id: code.split(".")[0] ?? "" });
    expect(stored?.failedRedemptions).toBe(10);
    expect(nest.logged("link_blocked")).toHaveLength(1);
    expect((await nest.redeem(code, { code_verifier: verifier })).body.code).toBe("authorization_not_found");
  });

  test("refuses almost correct internal keys with access_denied and no detail", async () => {
    const key = nest.secrets.internalKey;
    const guesses = [
      "test",
      "x",
      hashSecret(key),
      nest.environment.INTERNAL_KEYS ?? "",
      key.slice(0, -1),
      `${key}0`,
      key.toUpperCase(),
      `${key},`,
      `"${key}"`,
      "*",
    ];
    for (const guess of guesses) {
      const headers = { authorization: `internal ${guess}` };
      const reply = await nest.call(`${V2}get_user`, { user_id: "user_x" }, { headers });
      expect({ status: reply.status, raw: reply.raw }, guess).toEqual({
        status: 403,
        raw: '{"code":"access_denied"}',
      });
    }
    expect(nest.logged("call").at(-1)).toMatchObject({
      code: "access_denied",
      reason: "wrong internal key",
      caller: "anonymous",
    });
    for (const authorization of [`internal  ${key}`, `internal ${key} `, "internal", `internal,${key}`]) {
      const reply = await nest.call(`${V2}get_user`, { user_id: "user_x" }, { headers: { authorization } });
      expect(reply.body.code, authorization).toBe("unauthorized");
    }
  });

  test("default credentials: refuses keys from published samples", async () => {
    const start = (INTERNAL_KEYS: string) => () => readConfig(internalKeyVariables, { INTERNAL_KEYS });
    expect(start(hashSecret(nest.secrets.internalKey))).not.toThrow();
    for (const word of ["test", "secret", "internal", "changeme"]) {
      expect(start(hashSecret(word)), word).toThrow(ConfigError);
      expect(start(`${hashSecret(nest.secrets.internalKey)},${hashSecret(word)}`), word).toThrow(ConfigError);
    }
  });
});
