import { afterAll, beforeAll, expect, test } from "vitest";
import { newSecret } from "#core/secrets.ts";
import { runCli } from "#tests/support/cli.ts";
import { appCode, enrol, firstStep, presentFactor } from "#tests/support/mfa.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";

const OLD = { id: "old", key: newSecret() };
const NEW = { id: "new", key: newSecret() };

let nest: TestNest;
beforeAll(async () => {
  nest = await startNest({ environment: { FACTOR_KEYS: JSON.stringify([OLD]) } });
});
afterAll(() => nest.stop());

const rotate = (keys: readonly object[], ...more: string[]) =>
  runCli(["keys", "rotate", "--mfa", ...more], {
    STAGE: "local",
    MONGODB_URI: nest.mongoUri,
    FACTOR_KEYS: JSON.stringify(keys),
  });
const keysOfSeeds = async () =>
  (await nest.collection("mfa_factors").distinct("seed")).map((seed) => String(seed).split(".")[0]);

test("encrypts every seed with the first key, after which the older key can be dropped", async () => {
  const ada = await enrol(nest, "ada@example.com");
  await enrol(nest, "bob@example.com");
  expect(await keysOfSeeds()).toEqual(["old", "old"]);

  // Without the old key nothing is changed.
  const refused = await rotate([NEW]);
  expect(refused).toMatchObject({
    status: 1,
    printed: expect.stringContaining("FACTOR_KEYS lacks the key old"),
  });
  expect(await keysOfSeeds()).toEqual(["old", "old"]);

  expect(await rotate([NEW, OLD])).toEqual({
    status: 0,
    printed: "2 seeds were encrypted again. The first key of FACTOR_KEYS now encrypts every seed.\n",
  });
  expect(await keysOfSeeds()).toEqual(["new", "new"]);
  expect((await rotate([NEW, OLD], "--json")).printed).toContain('"resealed": 0');

  const later = await startNest({ beside: nest, environment: { FACTOR_KEYS: JSON.stringify([NEW]) } });
  try {
    const code = appCode(ada.seed, nest.clock.now());
    const token = await firstStep(later, "ada@example.com");
    const { status } = await presentFactor(later, token, { factor_id: ada.factorId, code });
    expect(status).toBe(200);
  } finally {
    await later.stop();
  }
});

test("takes no key file", async () => {
  const { status, printed } = await rotate([NEW], "--file", "keys.json");
  expect([status, printed]).toEqual([2, expect.stringContaining("can't be combined with --file or --now")]);
});

test("users show lists second factors and linked accounts", async () => {
  const carol = await enrol(nest, "carol@example.com");
  const identity = {
    _id: "oauthid_1",
    userId: carol.userId,
    provider: "google",
    issuer: "https://g.example",
  };
  const facts = { subject: "1", email: "carol@example.com", emailVerified: true, profile: {} };
  const times = { linkedAt: "2026-03-14T09:26:53.589Z", lastUsedAt: null, removedAt: null };
  await nest.collection("oauth_identities").insertOne({ ...identity, ...facts, ...times } as never);
  const show = (who: string) =>
    runCli(["users", "show", who], { STAGE: "local", MONGODB_URI: nest.mongoUri });
  const { printed } = await show(carol.userId);
  expect(printed).toMatch(new RegExp(`second factor +${carol.factorId} totp, not used`));
  expect(printed).toMatch(/recovery codes +10 left/);
  expect(printed).toMatch(/linked account +google, carol@example\.com, since 2026-03-14/);
  expect(printed).not.toContain(carol.seed);
  await nest.signIn("dora@example.com");
  expect((await show("dora@example.com")).printed).toMatch(/second factors +none/);
});
