import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  linkRequest,
  MAC,
  type Reply,
  startNest,
  type TestNest,
  type Tokens,
  V1,
  V2,
} from "#tests/support/nest.ts";
import { countTrips, warmConnections } from "#tests/support/trips.ts";

const STRANGER = { platform: "mac", beak_id: "stranger", fingerprint: "stranger" };
/** Values that differ in every call. */
const OF_THE_CALL = ["beak-time", "request-id"];

describe("enumeration of addresses and tokens", () => {
  let nest: TestNest;
  let ada: Tokens;
  beforeAll(async () => {
    nest = await startNest({
      environment: Object.fromEntries(
        [
          "LINKS_PER_ADDRESS",
          "LINKS_PER_ADDRESS_AND_NETWORK",
          "LINKS_PER_NETWORK",
          "FAILURES_PER_NETWORK",
        ].map((name) => [`LIMIT_${name}`, "1000"]),
      ),
    });
    ada = await nest.signIn("known@example.com");
    await nest.signIn("subscribed@example.com", { device: { ...STRANGER, beak_id: "other" } });
    nest.stripe.createSubscription({ email: "subscribed@example.com" });
    await nest.deliverEvents();
    const trial = linkRequest({
      identifier_value: "trial@example.com",
      device: { ...STRANGER, beak_id: "t" },
    });
    await nest.call(`${V2}create_trial_and_magic_link`, trial);
    await warmConnections(nest.gateway.mongo.client, 16);
  });
  afterAll(() => nest.stop());

  /** The response and the database commands of a call, in order. */
  const observe = async (call: () => Promise<Reply>) => {
    let seen: unknown;
    const { length } = nest.ses.inbox;
    const { steps } = await countTrips(nest.gateway.mongo.client, async () => {
      const { status, headers, raw } = await call();
      const kept = Object.entries(headers).filter(([name]) => !OF_THE_CALL.includes(name));
      seen = { status, raw, headers: Object.fromEntries(kept), mails: nest.ses.inbox.length - length };
    });
    return { seen, steps };
  };
  const ask = (identifier_value: string, device: object | undefined = STRANGER) =>
    observe(() => nest.call(`${V1}send_magic_link`, linkRequest({ identifier_value, device })));

  test("a link request gets the same response, database commands and one mail for every address", async () => {
    const unknown = await ask("nobody@example.com");
    expect(unknown.seen).toMatchObject({ status: 204, raw: "", mails: 1 });
    expect(unknown.steps.length).toBe(4);
    for (const address of [
      "known@example.com",
      "subscribed@example.com",
      "trial@example.com",
      "KNOWN@Example.com",
    ])
      expect(await ask(address), address).toEqual(unknown);
    const own = await ask("known@example.com", { platform: "mac", beak_id: "b1", fingerprint: "f1" });
    expect(own).toEqual(unknown);
    expect(await ask("known@example.com", undefined)).toEqual(await ask("other@example.com", undefined));
  });

  test("an invalid or rate-limited link request gets the same response for every address", async () => {
    const bad = (identifier_value: string, change: object) =>
      observe(() => nest.call(`${V1}send_magic_link`, linkRequest({ identifier_value, ...change })));
    for (const change of [
      { client_id: "client_x" },
      { redirect_uri: "https://evil.example/" },
      { state: "" },
    ])
      expect(await bad("known@example.com", change)).toEqual(await bad("nobody@example.com", change));
    const strict = await startNest({
      beside: nest,
      environment: { LIMIT_LINKS_PER_ADDRESS: "1", RATE_LIMIT_KEY: "x".repeat(32) },
    });
    const answers: Record<string, Reply[]> = {};
    for (const identifier_value of ["known@example.com", "stranger@example.com"]) {
      answers[identifier_value] = [];
      for (let time = 0; time < 3; time++)
        answers[identifier_value].push(
          await strict.call(`${V1}send_magic_link`, linkRequest({ identifier_value, device: STRANGER })),
        );
    }
    const [known, stranger] = Object.values(answers).map((replies) => replies.map(({ status }) => status));
    // One link of the daily limit, one of the hourly limit, then none.
    expect(known).toEqual([204, 204, 429]);
    expect(stranger).toEqual(known);
    await strict.stop();
  });

  test("a link request for a bounced address gets the same response and commands, without a mail", async () => {
    const { mailEvents } = nest.gateway.core;
    const now = nest.clock.now();
    await mailEvents.insert({
      _id: "mailevent_1",
      type: "bounce",
      isPermanent: true,
      subType: null,
      identifierValues: ["bounced@example.com"],
      recipients: ["bounced@example.com"],
      messageId: "m1",
      occurredAt: now.toISOString(),
      createdAt: now.toISOString(),
      purgeAt: now,
    });
    const bounced = await ask("bounced@example.com");
    const unknown = await ask("nobody2@example.com");
    expect(bounced.steps).toEqual(unknown.steps);
    expect(bounced.seen).toEqual({ ...(unknown.seen as object), mails: 0 });
  });

  test("sign-out gives the same response for unknown, wrong, ended and malformed tokens", async () => {
    const gone = await nest.signIn("gone@example.com");
    const out = (refresh_token: string) => nest.call(`${V2}revoke_token`, { client_id: MAC, refresh_token });
    await out(gone.refresh_token);
    const [version, id] = ada.refresh_token.split(".");
    const tokens = [gone.refresh_token, `${version}.${id}.${"0".repeat(64)}`, "01.reftok_none.0", "x"];
    const seen = [];
    for (const token of tokens) seen.push((await observe(() => out(token))).seen);
    for (const one of seen) expect(one).toEqual({ ...(seen[0] as object), status: 204, raw: "" });
  });

  test("another user gets the same response for existing and unknown users", async () => {
    const bob = await nest.signIn("bob@example.com", { device: { ...STRANGER, beak_id: "bob" } });
    const read = (user_id: string) =>
      observe(() => nest.call(`${V2}get_user`, { user_id }, { bearer: bob.access_token }));
    await read(bob.user_id);
    expect(await read(ada.user_id)).toEqual(await read("user_2hF4hK9dQm3RzT6Wv1XcYb8Ns5J"));
  });

  test("a trial request reveals only an active subscription and a used trial", async () => {
    const ask = async (identifier_value: string, device: object) =>
      (await nest.call(`${V2}create_trial_and_magic_link`, linkRequest({ identifier_value, device }))).body
        ?.code;
    expect(await ask("subscribed@example.com", STRANGER)).toBe("already_subscribed");
    // A known address without a subscription and without a used trial gets the response of an unknown address.
    expect(await ask("known@example.com", { ...STRANGER, beak_id: "k", fingerprint: "k" })).toBeUndefined();
    expect(await ask("never@example.com", { ...STRANGER, beak_id: "n", fingerprint: "n" })).toBeUndefined();
    expect(nest.logged("trial_refused").map(({ code }) => code)).toEqual(["already_subscribed"]);
  });
});
