import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createFactor, enrol } from "#tests/support/mfa.ts";
import { NATIVE, startNest, type TestNest, type Tokens } from "#tests/support/nest.ts";
import {
  Authenticator,
  addPasskey,
  type Ceremony,
  cbor,
  enrolPasskey,
  signInByPasskey,
  verifyPasskey,
} from "#tests/support/passkeys.ts";
import { givePassword, signInWith } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";

let nest: TestNest;
beforeAll(async () => {
  nest = await startNest();
});
afterAll(() => nest.stop());

let users = 0;
/** The tokens of a new user without a factor. */
async function newUser(): Promise<Tokens & { address: string }> {
  const address = `user${++users}@example.com`;
  await givePassword(nest, address);
  return { address, ...(await signInWith(nest, address)).body };
}

const list = async ({ access_token: bearer }: Pick<Tokens, "access_token">) =>
  (await nest.call(`${V3}list_mfa_factors`, {}, { bearer })).body.items;

describe("a new passkey", () => {
  test("is made with options that name the app and the user, and ask for no attestation", async () => {
    const user = await newUser();
    const { body } = await addPasskey(nest, user);
    expect(body).toMatchObject({ secret: null, otpauth_uri: null, qr_code: null, hint: null });
    const { challenge, user: named, ...options } = body.passkey_options;
    expect(Buffer.from(challenge, "base64url")).toHaveLength(32);
    expect(named).toMatchObject({ name: user.address, displayName: user.address });
    expect(Buffer.from(named.id, "base64url")).toHaveLength(32);
    expect(options).toMatchObject({
      rp: { id: "localhost" },
      ...{ attestation: "none", excludeCredentials: [], timeout: 300_000 },
      authenticatorSelection: { residentKey: "preferred", userVerification: "preferred" },
    });
    const stored = await nest.collection("mfa_factors").findOne({ _id: body.factor_id });
    expect(JSON.stringify(stored)).not.toContain(challenge);
  });

  test("counts after it has signed, has its name and its backup state, and gives the first recovery codes", async () => {
    const user = await newUser();
    const { body } = await addPasskey(nest, user, { name: "My phone" });
    const own = new Authenticator();
    const made = own.create(body.passkey_options, { isSyncable: true, isBackedUp: true });
    expect((await list(user)).map(({ status }: { status: string }) => status)).toEqual(["pending"]);
    const verified = await verifyPasskey(nest, user, body.factor_id, made);
    expect(verified.body.factor).toMatchObject({
      ...{ factor_type: "webauthn", name: "My phone", status: "active", backed_up: true, hint: null },
    });
    expect(verified.body.recovery_codes).toHaveLength(10);
    expect(await list(user)).toMatchObject([{ id: body.factor_id, backed_up: true }]);
    // A call whose response was lost is repeated, with other recovery codes.
    expect((await verifyPasskey(nest, user, body.factor_id, made)).status).toBe(200);
    const other = new Authenticator().create(body.passkey_options);
    expect((await verifyPasskey(nest, user, body.factor_id, other)).body.code).toBe("mfa_failed");
  });

  test("is added beside another one, which the options exclude, and both sign in", async () => {
    const owner = await enrolPasskey(nest, "several@example.com");
    const { body: tokens } = await signInByPasskey(nest, owner.authenticator);
    const { body } = await addPasskey(nest, tokens);
    expect(body.passkey_options.excludeCredentials).toEqual([
      { id: owner.authenticator.id, type: "public-key", transports: ["internal"] },
    ]);
    const second = new Authenticator();
    const verified = await verifyPasskey(nest, tokens, body.factor_id, second.create(body.passkey_options));
    expect(verified.body.recovery_codes).toBeNull();
    for (const one of [owner.authenticator, second])
      expect((await signInByPasskey(nest, one)).status).toBe(200);
  });

  test.each<[string, Ceremony]>([
    ["on a page of another origin", { origin: "https://evil.example" }],
    ["on a page below another port", { origin: "http://localhost:5175" }],
    ["in a frame of another site", { crossOrigin: true }],
    ["below a page of another site", { topOrigin: "https://evil.example" }],
    ["for another domain", { rpId: "evil.example" }],
    ["for another challenge", { challenge: Buffer.alloc(32).toString("base64url") }],
    ["as a sign-in", { type: "webauthn.get" }],
    ["without the person", { isPresent: false }],
    ["with a backup that is impossible", { isSyncable: false, isBackedUp: true }],
    ["with an unknown attestation", { attestation: { format: "other", statement: cbor.map() } }],
    [
      "with a wrong signature of itself",
      {
        attestation: {
          format: "packed",
          statement: cbor.map(
            [cbor.words("alg"), cbor.integer(-7)],
            [cbor.words("sig"), cbor.bytes(Buffer.alloc(70))],
          ),
        },
      },
    ],
    [
      "with certificates",
      {
        attestation: {
          format: "packed",
          statement: cbor.map([cbor.words("x5c"), cbor.list(cbor.bytes(Buffer.alloc(9)))]),
        },
      },
    ],
  ])("is refused if it was made %s", async (_name, change) => {
    const user = await newUser();
    const { body } = await addPasskey(nest, user);
    const made = new Authenticator().create(body.passkey_options, change);
    const { status, body: error } = await verifyPasskey(nest, user, body.factor_id, made);
    expect([status, error.code]).toEqual([401, "mfa_failed"]);
    expect(await list(user)).toMatchObject([{ status: "pending" }]);
  });

  test("is refused if it is malformed, sent together with a code, or sent for a factor of another type", async () => {
    const user = await newUser();
    const { body } = await addPasskey(nest, user);
    const made = new Authenticator().create(body.passkey_options);
    const broken = { ...made, response: { ...made.response, attestationObject: "AAAA" } };
    expect((await verifyPasskey(nest, user, body.factor_id, broken)).body.code).toBe("mfa_failed");
    const noJson = { ...made, response: { ...made.response, clientDataJSON: "AAAA" } };
    expect((await verifyPasskey(nest, user, body.factor_id, noJson)).body.code).toBe("mfa_failed");
    const renamed = { ...made, id: "AAAA", rawId: "AAAA" };
    expect((await verifyPasskey(nest, user, body.factor_id, renamed)).body.code).toBe("mfa_failed");
    const verify = (presented: object) =>
      nest.call(
        `${V3}verify_mfa_factor`,
        { factor_id: body.factor_id, ...presented },
        { bearer: user.access_token },
      );
    expect((await verify({ code: "123456" })).body.code).toBe("mfa_failed");
    expect((await verify({ code: "123456", credential: made })).body.code).toBe("validation_failed");
    expect((await verify({})).body.code).toBe("validation_failed");
    const app = await createFactor(nest, user);
    expect((await verifyPasskey(nest, user, app.body.factor_id, made)).body.code).toBe("mfa_failed");
  });

  test("is refused if another user has it, also if both add it at once", async () => {
    const users = [await newUser(), await newUser()];
    const own = new Authenticator();
    const replies = await Promise.all(
      users.map(async (user) => {
        const { body } = await addPasskey(nest, user);
        return verifyPasskey(nest, user, body.factor_id, own.create(body.passkey_options));
      }),
    );
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 404]);
  });

  test("is refused after five wrong tries", async () => {
    const user = await newUser();
    const { body } = await addPasskey(nest, user);
    const right = new Authenticator().create(body.passkey_options);
    const wrong = new Authenticator().create(body.passkey_options, { origin: "https://evil.example" });
    for (let tried = 0; tried < 5; tried++) await verifyPasskey(nest, user, body.factor_id, wrong);
    expect((await verifyPasskey(nest, user, body.factor_id, right)).body.code).toBe("factor_not_found");
  });

  test("is not offered by a client without passkeys", async () => {
    const app = nest.gateway.core.app;
    const clients = app.clients.map((client) =>
      client.id === NATIVE ? { ...client, passkeys: null } : client,
    );
    const other = await startNest({ beside: nest, app: { ...app, clients } });
    const user = await newUser();
    const bearer = user.access_token;
    const asked = { factor_type: "webauthn", confirm: true };
    expect((await other.call(`${V3}create_mfa_factor`, asked, { bearer })).body.code).toBe(
      "factor_type_not_allowed",
    );
    await other.stop();
  });
});

test("a first passkey needs the consent to the clients that can't use one, and a later factor does not", async () => {
  const refused = await addPasskey(nest, await newUser(), { confirm: false });
  expect(refused.body).toMatchObject({
    code: "mfa_confirmation_required",
    meta: { clients: expect.any(Array) },
  });
  const { tokens } = await enrol(nest, "app@example.com");
  expect((await addPasskey(nest, tokens, { confirm: false })).status).toBe(200);
});
