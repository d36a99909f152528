import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { hashSecret } from "#core/secrets.ts";
import {
  linkRequest,
  MAC,
  pkcePair,
  startNest,
  type TestNest,
  type Tokens,
  V1,
  V2,
} from "#tests/support/nest.ts";

const THEIR_NETWORK = { ip: "198.51.100.13" };
const theirDevice = { platform: "mac", beak_id: "stranger", fingerprint: "stranger" };

describe("a stranger who knows only a user's address", () => {
  let nest: TestNest;
  let victim: Tokens;
  let number = 0;
  let address: string;
  beforeAll(async () => {
    nest = await startNest({ environment: { LIMIT_FAILURES_PER_NETWORK: "60" } });
  });
  afterAll(() => nest.stop());
  beforeEach(async () => {
    address = `victim${number++}@example.com`;
    victim = await nest.signIn(address);
  });
  const stands = async () => {
    const own = { user_id: victim.user_id };
    return (await nest.call(`${V2}get_user`, own, { bearer: victim.access_token })).status === 200;
  };

  test("can't end a session, an open link or a known device by requesting links", async () => {
    const own = pkcePair();
    const code = await nest.emailedCode({ identifier_value: address, code_challenge: own.challenge });
    for (let ask = 0; ask < 5; ask++)
      await nest.requestLink({ identifier_value: address, device: theirDevice }, THEIR_NETWORK);
    expect(await stands()).toBe(true);
    expect((await nest.redeem(code, { code_verifier: own.verifier })).status).toBe(200);
    expect((await nest.refresh(victim.refresh_token)).status).toBe(200);
  });

  test("can't sign the user out by guessing tokens, and learns nothing from the response", async () => {
    const [version, id, secret = ""] = victim.refresh_token.split(".");
    const guesses = [`${version}.${id}.${"0".repeat(64)}`, `${version}.${id}.${secret.slice(1)}`];
    const answers = [];
    for (const refresh_token of [...guesses, `01.reftok_none.${"0".repeat(64)}`, "x"])
      answers.push(await nest.call(`${V2}revoke_token`, { client_id: MAC, refresh_token }, THEIR_NETWORK));
    expect(new Set(answers.map(({ status, raw }) => `${status} ${raw}`))).toEqual(new Set(["204 "]));
    expect(await stands()).toBe(true);
  });

  test("can't block a link or end a session with failures, which count against the stranger's network", async () => {
    const code = await nest.emailedCode({ identifier_value: address });
    const [, id] = victim.refresh_token.split(".");
    for (let guess = 0; guess < 40; guess++) {
      const wrong = guess.toString(16).padStart(64, "0");
      await nest.redeem(`${code.split(".")[0]}.${wrong}`, {}, THEIR_NETWORK);
      await nest.refresh(`01.${id}.${wrong}`, {}, THEIR_NETWORK);
    }
    expect((await nest.redeem(code)).status).toBe(200);
    expect((await nest.refresh(victim.refresh_token)).status).toBe(200);
  });

  test("can't take over or verify an address by requesting a link or a trial", async () => {
    const fresh = `fresh${number}@example.com`;
    await nest.requestLink({ identifier_value: fresh, device: theirDevice }, THEIR_NETWORK);
    const trial = linkRequest({ identifier_value: fresh, device: theirDevice });
    expect((await nest.call(`${V2}create_trial_and_magic_link`, trial, THEIR_NETWORK)).status).toBe(204);
    const [identifier] = await nest.collection("identifiers").find({ identifierValue: fresh }).toArray();
    expect({ verifiedAt: identifier?.verifiedAt, knownDevices: identifier?.knownDevices }).toEqual({
      verifiedAt: null,
      knownDevices: [],
    });
    const owner = await nest.signIn(fresh);
    const found = await nest.call(
      `${V2}list_sessions`,
      { user_id: owner.user_id },
      { bearer: owner.access_token },
    );
    expect(found.body.map(({ device }: { device: { beak_id: string } }) => device.beak_id)).toEqual([
      hashSecret("b1"),
    ]);
  });

  test("can't lock a new machine of the user out of links and trials from one network", async () => {
    const own = await startNest({
      environment: {
        LIMIT_LINKS_PER_ADDRESS_AND_NETWORK: "",
        LIMIT_LINKS_PER_ADDRESS: "",
        LIMIT_LINKS_PER_NETWORK: "",
        LIMIT_TRIAL_REQUESTS_PER_NETWORK: "",
      },
    });
    const ask = (method: string, turn: number, ip: string) =>
      own.call(
        method,
        linkRequest({
          identifier_value: turn % 2 ? "victim@example.com" : `Victim+${turn}@example.com`,
          device: { platform: "mac", beak_id: `m${turn}`, fingerprint: `f${turn}` },
        }),
        { ip },
      );
    const [links, trials] = [`${V1}send_magic_link`, `${V2}create_trial_and_magic_link`];
    for (const _hour of [1, 2, 3]) {
      for (let turn = 0; turn < 20; turn++) await ask(links, turn, "2001:db8:1:2::1");
      for (let turn = 20; turn < 40; turn++) await ask(trials, turn, `2001:db8:1:${turn}::1`);
      await own
        .collection("limit-windows")
        .updateMany(
          {},
          { $set: { "windows.$[ended].endsAt": new Date(Date.now() - 1000) } },
          { arrayFilters: [{ "ended.id": "links_per_network" }] },
        );
    }
    expect(own.ses.inbox).toHaveLength(10);
    expect((await ask(links, 41, "203.0.113.50")).status).toBe(204);
    expect((await ask(trials, 43, "203.0.113.51")).status).toBe(204);
    await own.stop();
  });

  test("can't use failures to keep users in the same network from signing in or refreshing", async () => {
    const own = await startNest({ environment: { LIMIT_FAILURES_PER_NETWORK: "" } });
    const { refresh_token } = await own.signIn("neighbor@example.com");
    const code = await own.emailedCode({ identifier_value: "another@example.com" });
    for (let guess = 0; guess < 70; guess++) await own.refresh(`01.reftok_none.${"0".repeat(64)}`);
    expect((await own.refresh(`01.reftok_none.${"0".repeat(64)}`)).status).toBe(429);
    expect((await own.refresh(refresh_token)).status).toBe(200);
    expect((await own.redeem(code)).status).toBe(200);
    await own.stop();
  });

  test("can't avoid the limit of a network with forged address headers", async () => {
    const own = await startNest({ environment: { LIMIT_LINKS_PER_NETWORK: "3" } });
    const names = ["x-forwarded-for", "x-real-ip", "forwarded", "true-client-ip", "cf-connecting-ip"];
    const ask = (n: number) => {
      const claimed = Object.fromEntries(names.map((name) => [name, `192.0.2.${n}`]));
      const headers = { ...claimed, forwarded: `for=192.0.2.${n}` };
      const body = linkRequest({ identifier_value: `a${n}@example.com` });
      return own.call(`${V1}send_magic_link`, body, { ip: "203.0.113.50", headers });
    };
    const answers = [];
    for (let n = 0; n < 6; n++) answers.push((await ask(n)).status);
    expect(answers).toEqual([204, 204, 204, 429, 429, 429]);
    await own.stop();
  });
});

describe("mail bombing", () => {
  test("every spelling of an address shares one rate limit", async () => {
    const nest = await startNest({ environment: { LIMIT_LINKS_PER_ADDRESS: "4" } });
    const spellings = [
      "bomb@bücher.example",
      "BOMB@bücher.example",
      "Bomb@BÜCHER.example",
      "  bomb@xn--bcher-kva.example\t",
      "bOmB@XN--BCHER-KVA.EXAMPLE",
      "bomb@bücher。example",
    ];
    const answers = await Promise.all(
      spellings.map((identifier_value, index) =>
        nest.call(`${V1}send_magic_link`, linkRequest({ identifier_value }), { ip: `198.51.100.${index}` }),
      ),
    );
    // Four links of the daily limit and one of the hourly limit.
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(5);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(1);
    expect(new Set(nest.ses.inbox.map(({ to }) => to.toLowerCase()))).toEqual(
      new Set(["bomb@xn--bcher-kva.example"]),
    );
    await nest.stop();
  });

  test("trial requests count against the same limit as links", async () => {
    const nest = await startNest({ environment: { LIMIT_LINKS_PER_ADDRESS: "3" } });
    const ask = (path: string) => nest.call(path, linkRequest({ identifier_value: "bomb@example.com" }));
    const answers = [];
    for (const path of [`${V1}send_magic_link`, `${V2}create_trial_and_magic_link`])
      for (let time = 0; time < 3; time++) answers.push((await ask(path)).status);
    // Three links of the daily limit and one of the hourly limit.
    expect(answers).toEqual([204, 204, 204, 204, 429, 429]);
    expect(nest.ses.inbox).toHaveLength(4);
    await nest.stop();
  });

  test("plus addresses of one mailbox share its limits", async () => {
    const nest = await startNest({
      environment: { LIMIT_LINKS_PER_ADDRESS_AND_NETWORK: "", LIMIT_LINKS_PER_ADDRESS: "" },
    });
    const answers = [];
    for (let tag = 0; tag < 30; tag++) {
      const identifier_value = `victim+${tag}@example.com`;
      answers.push((await nest.call(`${V1}send_magic_link`, linkRequest({ identifier_value }))).status);
    }
    expect(answers.filter((status) => status === 204)).toHaveLength(10);
    await nest.stop();
  });
});
