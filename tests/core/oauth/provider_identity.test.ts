import { generateKeyPairSync, sign } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OAuthProviders } from "#core/oauth/oauth_providers.ts";
import { profileOf } from "#core/oauth/presets.ts";
import { provesAddress, readClaims } from "#core/oauth/provider_identity.ts";
import type { TestNest } from "#tests/support/nest.ts";
import { newPerson, redeem, startWithProviders, visit } from "#tests/support/oauth.ts";

describe("provesAddress", () => {
  const presets = ["google", "apple", "github", "microsoft", "oidc"] as const;
  const profiles = Object.fromEntries(
    presets.map((preset) => [preset, profileOf({ id: preset, name: preset, preset })]),
  );

  test.each([
    ["google", "an address at gmail.com", { email: "a@gmail.com" }, true],
    [
      "google",
      "an address of an organization that Google hosts",
      { email: "a@acme.example", hd: "acme.example" },
      true,
    ],
    ["google", "another address, which somebody else may have since", { email: "a@acme.example" }, false],
    ["google", "an empty organization", { email: "a@acme.example", hd: "" }, false],
    ["google", "a domain that ends like gmail.com", { email: "a@notgmail.com" }, false],
    ["google", "a domain below gmail.com", { email: "a@x.gmail.com" }, false],
    ["google", "an address that is not verified", { email: "a@gmail.com", email_verified: false }, false],
    ["apple", "an address, with the text true", { email: "a@acme.example", email_verified: "true" }, true],
    ["apple", "an address, with the text false", { email: "a@acme.example", email_verified: "false" }, false],
    ["microsoft", "an address that people choose", { email: "a@acme.example", xms_edov: true }, false],
    [
      "oidc",
      "an address of a provider that is not trusted",
      { email: "a@gmail.com", hd: "acme.example" },
      false,
    ],
  ])("of %s decides about %s", (preset, _case, claims, expected) => {
    const identity = readClaims("https://issuer.example", { sub: "1", email_verified: true, ...claims });
    const profile = profiles[preset];
    expect(identity && profile && provesAddress(profile, identity)).toBe(expected);
  });

  test("of google needs an address that Google hosts, also if the app file trusts its addresses", () => {
    const profile = profileOf({ id: "google", name: "Google", preset: "google", trustEmail: true });
    const identity = { email: "a@acme.example", emailVerified: true, hostedDomain: null };
    expect(provesAddress(profile, identity)).toBe(false);
  });
});

describe("an address that Google verified and does not host", () => {
  let nest: TestNest;
  beforeAll(async () => {
    nest = await startWithProviders();
  });
  afterAll(() => nest.stop());

  test("does not join the user of the address", async () => {
    const person = newPerson({ hd: null });
    await nest.signIn(String(person.email));
    expect(await visit(nest, person)).toMatchObject({ error: "account_exists", code: null });
  });

  test("is no address of a new user, so that its owner of today does not share the user", async () => {
    const person = newPerson({ hd: null });
    const { body } = await redeem(nest, (await visit(nest, person)).code);
    expect(await nest.collection("identifiers").countDocuments({ userId: body.user_id })).toBe(0);
    const owner = await nest.signIn(String(person.email));
    expect(owner.user_id).not.toBe(body.user_id);
  });
});

describe("Microsoft, where each tenant has an issuer", () => {
  const HOST = "https://login.microsoftonline.com";
  const TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47";
  const OTHER = "9188040d-6c67-4c5b-b112-36a304b66dad";
  const issuerOf = (tenant: string) => `${HOST}/${tenant}/v2.0`;
  const secrets = { state: "state", nonce: "nonce", codeVerifier: "v".repeat(43) };
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

  /** Answers as Microsoft does, with the claims of an ID token. */
  const microsoft = (claims: object) => async (url: string) => {
    const { pathname } = new URL(url);
    if (pathname === "/common/v2.0/.well-known/openid-configuration")
      return Response.json({
        issuer: `${HOST}/{tenantid}/v2.0`,
        authorization_endpoint: `${HOST}/common/oauth2/v2.0/authorize`,
        token_endpoint: `${HOST}/common/oauth2/v2.0/token`,
        jwks_uri: `${HOST}/common/discovery/v2.0/keys`,
        id_token_signing_alg_values_supported: ["RS256"],
      });
    if (pathname === "/common/discovery/v2.0/keys")
      return Response.json({
        keys: [{ ...publicKey.export({ format: "jwk" }), kid: "k", alg: "RS256", use: "sig" }],
      });
    const iat = Math.floor(Date.now() / 1000);
    const all = { sub: "subject", aud: "nest", nonce: secrets.nonce, iat, exp: iat + 600, ...claims };
    const signing = `${encode({ alg: "RS256", kid: "k" })}.${encode(all)}`;
    const signature = sign("sha256", Buffer.from(signing), privateKey).toString("base64url");
    return Response.json({ access_token: "a", token_type: "Bearer", id_token: `${signing}.${signature}` });
  };
  const identify = (claims: object) => {
    const profile = profileOf({ id: "microsoft", name: "Microsoft", preset: "microsoft" });
    const provider = {
      ...{ id: "microsoft", name: "Microsoft", profile },
      credentials: { clientId: "nest", clientSecret: "s" },
    };
    const answered = new URL("https://nest.test/1/oauth/microsoft/callback?code=c&state=state");
    return new OAuthProviders([provider], () => new Date(), microsoft(claims)).identify(
      provider,
      answered,
      secrets,
    );
  };
  const own = { email: "a@acme.example" };

  test.each([TENANT, OTHER])("accepts the issuer of the tenant %s", async (tid) => {
    const identity = await identify({ ...own, tid, iss: issuerOf(tid) });
    expect(identity).toMatchObject({ issuer: issuerOf(tid), subject: "subject", emailVerified: false });
  });

  test.each([
    ["another tenant's issuer", { tid: TENANT, iss: issuerOf(OTHER) }],
    ["no tenant", { iss: issuerOf(TENANT) }],
    ["the issuer of no tenant", { tid: TENANT, iss: issuerOf("{tenantid}") }],
    ["another host", { tid: TENANT, iss: `https://login.example/${TENANT}/v2.0` }],
    ["an older version of the issuer", { tid: TENANT, iss: `https://sts.windows.net/${TENANT}/` }],
  ])("refuses %s", async (_case, claims) => {
    await expect(identify({ ...own, ...claims })).rejects.toMatchObject({ isUnavailable: false });
  });
});
