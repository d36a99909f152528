import { afterEach, beforeEach, describe, expect, test } from "vitest";
import app from "#app";
import type { App, OptionalGrant } from "#core/app/app.ts";
import { canComplete, clientsShutOutBy } from "#core/factors/ways_in.ts";
import type { FactorType } from "#core/repositories/mfa_factors.ts";
import { hashSecret } from "#core/secrets.ts";
import { digitsIn, PHONE, redeemCode, sentCode } from "#tests/support/codes.ts";
import { callWith, email, phone, sentSecret, verify } from "#tests/support/identifiers.ts";
import { appCode, createFactor, presentFactor, verifyFactor } from "#tests/support/mfa.ts";
import { NATIVE, type Reply, SIMPLE, startNest, type TestNest, type Tokens } from "#tests/support/nest.ts";
import { linkAccount } from "#tests/support/oauth.ts";
import { Authenticator, addPasskey, verifyPasskey } from "#tests/support/passkeys.ts";
import { givePassword, P1, P2, resetPassword, setPassword, signInWith } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";
import { withSampleClients } from "#tools/local/sample_clients.ts";

const ADA = "ada@example.com";
const OTHER_PHONE = "+6591234568";

describe("canComplete", () => {
  const clientWith = (...grants: OptionalGrant[]) => ({ enabled: true, grants, name: "a", passkeys: null });
  const all = clientWith("mfa", "otp", "password");
  const stored = (identifierValue: string) => ({
    ...{ _id: `id ${identifierValue}`, identifierValue, verifiedAt: "2026-01-01", removedAt: null },
    identifierType: identifierValue.includes("@") ? ("email" as const) : ("phone" as const),
  });
  const mail = { identifiers: [stored(ADA)], identities: [], password: null };
  const number = { ...mail, identifiers: [stored(PHONE)] };
  const account = { ...mail, identifiers: [], identities: [{ _id: "google", removedAt: null }] };
  const both = { ...number, identifiers: [stored(PHONE), stored(ADA)] };
  const emailFactor = { factorType: "email" as const, identifierValue: ADA };
  const smsFactor = { factorType: "sms" as const, identifierValue: PHONE };
  const byMail = { type: "email" } as const;
  const bySms = { type: "phone", numberHash: hashSecret(PHONE) } as const;

  test.each([
    ["mail after a mailed link", emailFactor, mail, all, false],
    ["mail after an account at a provider", emailFactor, account, all, false],
    ["mail after a password", emailFactor, { ...mail, password: { setBy: "user" as const } }, all, true],
    [
      "mail after a password that a mail reset",
      emailFactor,
      { ...mail, password: { setBy: "reset" as const, resetBy: byMail } },
      all,
      false,
    ],
    ["mail after an SMS", emailFactor, both, all, true],
    ["mail to an address that the user removed", emailFactor, number, all, false],
    ["an SMS after an SMS to the same number", smsFactor, number, all, false],
    [
      "an SMS after an SMS to another number",
      { ...smsFactor, identifierValue: OTHER_PHONE },
      number,
      all,
      true,
    ],
    ["an SMS after a mailed link", smsFactor, mail, all, true],
    ["an SMS after an account at a provider", smsFactor, account, all, true],
    [
      "an SMS after a password that it reset",
      smsFactor,
      { ...number, password: { setBy: "reset" as const, resetBy: bySms } },
      all,
      false,
    ],
    [
      "mail after a password no client takes",
      emailFactor,
      { ...mail, password: { setBy: "user" as const } },
      clientWith("mfa"),
      false,
    ],
    ["mail after an SMS that no client takes", emailFactor, both, clientWith("mfa", "password"), false],
    ["an app that no client can ask for", { factorType: "totp" as const }, mail, clientWith("otp"), false],
    ["a passkey without passkeys", { factorType: "webauthn" as const }, mail, all, false],
    ["an app of a disabled client", { factorType: "totp" as const }, mail, { ...all, enabled: false }, false],
    ["an app without a way in", { factorType: "totp" as const }, { ...mail, identifiers: [] }, all, false],
    [
      "an SMS after an address that was removed",
      smsFactor,
      { ...number, identifiers: [{ ...stored(ADA), removedAt: "2026-01-02" }, stored(PHONE)] },
      all,
      false,
    ],
  ])("decides about %s", (_case, factor, ways, client, expected) => {
    expect(canComplete([factor], ways, [client])).toBe(expected);
  });

  test("decides about a passkey by the domain of the client", () => {
    const at = (rpId: string) => ({ ...all, passkeys: { rpId, origins: [] } });
    const passkey = { factorType: "webauthn" as const, passkey: { rpId: "a.example" } };
    expect(canComplete([passkey], mail, [at("a.example")])).toBe(true);
    expect(canComplete([passkey], mail, [at("b.example")])).toBe(false);
  });

  test("names the clients that a change of factors shuts out, and no client that was shut out before", () => {
    const noMfa = { ...clientWith(), name: "no mfa" };
    const noPasskeys = { ...clientWith("mfa"), name: "no passkeys" };
    const party = { rpId: "localhost", origins: [] };
    const both = { ...clientWith("mfa"), name: "both", passkeys: party };
    const disabled = { ...noMfa, enabled: false };
    const elsewhere = { ...both, name: "elsewhere", passkeys: { ...party, rpId: "b.example" } };
    const own = { rpId: "localhost" };
    const factors = (types: FactorType[]) =>
      types.map((factorType) => ({ factorType, ...(factorType === "webauthn" && { passkey: own }) }));
    const named = (
      before: FactorType[],
      after: FactorType[],
      clients = [noMfa, noPasskeys, both, disabled],
    ) => clientsShutOutBy(clients, { before: factors(before), after: factors(after) });
    expect(named([], ["totp"])).toEqual(["no mfa"]);
    expect(named([], ["webauthn"])).toEqual(["no mfa", "no passkeys"]);
    expect(named(["totp", "webauthn"], ["webauthn"])).toEqual(["no passkeys"]);
    expect(named(["webauthn"], ["webauthn", "webauthn"])).toEqual([]);
    expect(named(["totp"], [])).toEqual([]);
    expect(named([], ["webauthn"], [both, elsewhere])).toEqual(["elsewhere"]);
    expect(named(["totp", "webauthn"], ["webauthn"], [both, elsewhere])).toEqual(["elsewhere"]);
  });
});

describe("a user is not locked out by second factors", () => {
  let nest: TestNest;
  beforeEach(async () => {
    const samples = withSampleClients(app);
    const changed: App = {
      ...samples,
      clients: samples.clients.map((client) =>
        client.id === SIMPLE ? { ...client, passkeys: null, name: "No passkeys" } : client,
      ),
    };
    nest = await startNest({ app: changed });
  });
  afterEach(() => nest.stop());

  const codeOf = ({ status, body }: Reply) => [status, body.code];
  const byMail = async (): Promise<Tokens> => {
    const asked = { client_id: NATIVE, ...email(ADA) };
    return (await redeemCode(nest, await sentCode(nest, asked), { client_id: NATIVE })).body;
  };
  const bySms = async (): Promise<Tokens> =>
    (await redeemCode(nest, await sentCode(nest, { client_id: NATIVE }), { client_id: NATIVE })).body;
  const addNumber = async (tokens: Tokens) => {
    const own = { client_id: NATIVE };
    const { identifier_id, proof } = await sentSecret(nest, tokens, { ...own, ...phone(PHONE) });
    expect((await verify(nest, { ...own, ...proof })).status).toBe(200);
    return identifier_id;
  };
  const createSms = (tokens: Tokens, phone_number = PHONE) =>
    createFactor(nest, tokens, { factor_type: "sms", phone_number });
  /** Verifies a factor with the code of the newest SMS. */
  const verifySms = (tokens: Tokens, { body }: Reply) =>
    verifyFactor(nest, tokens, body.factor_id, digitsIn(nest.lastSms(PHONE).text));
  const addApp = async (tokens: Tokens) => {
    const { body } = await createFactor(nest, tokens);
    const code = appCode(body.secret, nest.clock.now(), -1);
    expect((await verifyFactor(nest, tokens, body.factor_id, code)).status).toBe(200);
    return { factor_id: String(body.factor_id), seed: String(body.secret) };
  };
  /** Makes a session fresh, with a second factor. */
  const stepUp = async (tokens: Tokens, factor: { factor_id: string; seed: string }) => {
    const bearer = { bearer: tokens.access_token };
    const { body } = await nest.call(`${V3}create_mfa_challenge`, { client_id: NATIVE }, bearer);
    const code = appCode(factor.seed, nest.clock.now());
    return presentFactor(nest, body.mfa_token, { factor_id: factor.factor_id, code });
  };
  const remove = (tokens: Pick<Tokens, "access_token">, body: Record<string, unknown>) =>
    nest.call(`${V3}remove_mfa_factor`, body, { bearer: tokens.access_token });

  test("a user who signs in by mail only can add an app, and a factor by mail only beside a password", async () => {
    const tokens = await byMail();
    const mailed = () => createFactor(nest, tokens, { factor_type: "email" });
    expect(codeOf(await mailed())).toEqual([409, "factor_repeats_sign_in"]);
    expect((await createFactor(nest, tokens)).status).toBe(200);
    await givePassword(nest, ADA);
    nest.clock.advance(61);
    expect((await mailed()).status).toBe(200);
  });

  test("a user who signs in by codes to one number can't add this number as a factor, but can add another", async () => {
    const tokens = await bySms();
    nest.clock.advance(61);
    expect(codeOf(await createSms(tokens))).toEqual([409, "factor_repeats_sign_in"]);
    expect((await createSms(tokens, OTHER_PHONE)).status).toBe(200);
  });

  test("a password that the user set after a reset by SMS does not count as SMS: a factor with the number may follow it", async () => {
    await bySms();
    nest.clock.advance(61);
    const reset = { client_id: NATIVE, ...phone(PHONE), redirect_uri: nest.gateway.core.app.urls.landing };
    const { body } = await nest.call(`${V3}send_password_reset`, reset);
    const code = digitsIn(nest.lastSms(PHONE).text);
    expect((await resetPassword(nest, { client_id: NATIVE, nonce: body.nonce, code })).status).toBe(200);
    const tokens: Tokens = (await signInWith(nest, PHONE, P2)).body;
    nest.clock.advance(61);
    expect(codeOf(await createSms(tokens))).toEqual([409, "factor_repeats_sign_in"]);
    const change = { password: P1, current_password: P2 };
    expect((await setPassword(nest, tokens, change)).status).toBe(200);
    expect((await createSms(tokens)).status).toBe(200);
  });

  test("a factor by mail is refused if its address is removed while it is added", async () => {
    const tokens = await byMail();
    await addNumber(tokens);
    nest.clock.advance(61);
    const own = { userId: tokens.user_id, identifierType: "email" };
    const [address] = await nest.collection("identifiers").find(own).toArray();
    const { mfaFactors } = nest.gateway.core;
    const real = mfaFactors.dropPending.bind(mfaFactors);
    mfaFactors.dropPending = async (...asked) => {
      mfaFactors.dropPending = real;
      await callWith(nest, "remove_identifier", tokens, String(address?._id));
      return real(...asked);
    };
    const refused = await createFactor(nest, tokens, { factor_type: "email" });
    expect(codeOf(refused)).toEqual([403, "own_address_not_verified"]);
  });

  test("a factor is not activated if every sign-in method that it could follow was removed since it was created", async () => {
    const tokens = await byMail();
    await addNumber(tokens);
    nest.clock.advance(61);
    const created = await createSms(tokens);
    const own = { userId: tokens.user_id, identifierType: "email" };
    const [address] = await nest.collection("identifiers").find(own).toArray();
    expect((await callWith(nest, "remove_identifier", tokens, String(address?._id))).status).toBe(200);
    expect(codeOf(await verifySms(tokens, created))).toEqual([409, "factor_repeats_sign_in"]);
    const { body } = await nest.call(`${V3}list_mfa_factors`, {}, { bearer: tokens.access_token });
    expect(body.items).toMatchObject([{ status: "pending" }]);
  });

  test("the last address that a factor can follow can't be removed, and the number of the factor can", async () => {
    const tokens = await byMail();
    const numberId = await addNumber(tokens);
    nest.clock.advance(61);
    expect((await verifySms(tokens, await createSms(tokens))).status).toBe(200);
    const own = { userId: tokens.user_id, identifierType: "email" };
    const [address] = await nest.collection("identifiers").find(own).toArray();
    const removed = (id: string) => callWith(nest, "remove_identifier", tokens, id);
    expect(codeOf(await removed(String(address?._id)))).toEqual([409, "last_sign_in_method"]);
    expect((await removed(numberId)).status).toBe(200);
  });

  test("the last account at a provider that a factor can follow can't be unlinked", async () => {
    const tokens = await bySms();
    const bearer = { bearer: tokens.access_token };
    const landing = { client_id: NATIVE, redirect_uri: nest.gateway.core.app.urls.landing };
    const oauth_identity_id = await linkAccount(nest, tokens.access_token, undefined, landing);
    nest.clock.advance(61);
    expect((await verifySms(tokens, await createSms(tokens))).status).toBe(200);
    const unlinked = await nest.call(`${V3}unlink_oauth`, { oauth_identity_id }, bearer);
    expect(codeOf(unlinked)).toEqual([409, "last_sign_in_method"]);
  });

  test("an app can't be removed if the factor that stays could follow no sign-in", async () => {
    await givePassword(nest, ADA);
    const tokens = (await signInWith(nest, ADA)).body;
    const one = await addApp(tokens);
    const created = await createFactor(nest, tokens, { factor_type: "email" });
    const code = digitsIn(nest.lastMail(ADA).text);
    expect((await verifyFactor(nest, tokens, created.body.factor_id, code)).status).toBe(200);
    const mailed = { $set: { setBy: "reset", resetBy: { type: "email" } } };
    await nest.collection("passwords").updateOne({ userId: tokens.user_id }, mailed);
    const fresh = (await stepUp(tokens, one)).body;
    expect(codeOf(await remove(fresh, { factor_id: one.factor_id }))).toEqual([
      409,
      "factor_repeats_sign_in",
    ]);
    expect((await remove(fresh, { factor_id: created.body.factor_id })).status).toBe(200);
    expect((await remove(fresh, { factor_id: one.factor_id })).status).toBe(200);
    expect((await signInWith(nest, ADA)).status).toBe(200);
  });

  test("an app and the address that the other factor follows can't both be removed at once", async () => {
    const byLink = await byMail();
    const one = await addApp(byLink);
    const numberId = await addNumber((await stepUp(byLink, one)).body);
    nest.clock.advance(61);
    const tokens = (await stepUp(byLink, one)).body;
    expect((await verifySms(tokens, await createSms(tokens))).status).toBe(200);
    const identifiers = await nest.collection("identifiers").find({ userId: byLink.user_id }).toArray();
    const address = identifiers.find(({ _id }) => String(_id) !== numberId);
    // Of the ways in that stay, the factor with the number follows none.
    const { mfaFactors } = nest.gateway.core;
    const real = mfaFactors.remove.bind(mfaFactors);
    let between: Reply | undefined;
    mfaFactors.remove = async (...asked) => {
      mfaFactors.remove = real;
      between = await callWith(nest, "remove_identifier", tokens, String(address?._id));
      return real(...asked);
    };
    expect((await remove(tokens, { factor_id: one.factor_id })).status).toBe(200);
    expect(between && codeOf(between)).toEqual([409, "last_sign_in_method"]);
  });

  test("the removal of the last factor that is no passkey needs confirm, if a client has no passkeys", async () => {
    await givePassword(nest, ADA);
    const tokens = (await signInWith(nest, ADA)).body;
    const one = await addApp(tokens);
    const { body } = await addPasskey(nest, tokens, { confirm: false });
    const made = new Authenticator().create(body.passkey_options);
    expect((await verifyPasskey(nest, tokens, body.factor_id, made)).status).toBe(200);
    const fresh = (await stepUp(tokens, one)).body;
    const refused = await remove(fresh, { factor_id: one.factor_id });
    expect(codeOf(refused)).toEqual([409, "mfa_confirmation_required"]);
    expect(refused.body.meta.clients).toEqual(["No passkeys"]);
    expect((await remove(fresh, { factor_id: one.factor_id, confirm: true })).status).toBe(200);
  });

  test("a passkey needs confirm if a client has another domain", async () => {
    const elsewhere = { rpId: { local: "other.localhost", nonprod: null, prod: null }, origins: [] };
    const samples = withSampleClients(app);
    const clients = samples.clients.map((client) =>
      client.id === SIMPLE ? { ...client, passkeys: elsewhere, name: "Another domain" } : client,
    );
    const other = await startNest({ beside: nest, app: { ...samples, clients } });
    try {
      await givePassword(other, ADA);
      const tokens = (await signInWith(other, ADA)).body;
      const refused = await addPasskey(other, tokens, { confirm: false });
      expect(codeOf(refused)).toEqual([409, "mfa_confirmation_required"]);
      expect(refused.body.meta.clients).toContain("Another domain");
      expect((await addPasskey(other, tokens, { confirm: true })).status).toBe(200);
    } finally {
      await other.stop();
    }
  });

  test("an app can't be removed if the passkey that stays is of a domain that no client has any more", async () => {
    await givePassword(nest, ADA);
    const tokens = (await signInWith(nest, ADA)).body;
    const one = await addApp(tokens);
    const { body } = await addPasskey(nest, tokens);
    const made = new Authenticator().create(body.passkey_options);
    expect((await verifyPasskey(nest, tokens, body.factor_id, made)).status).toBe(200);
    const earlier = { $set: { "passkey.rpId": "earlier.example" } };
    await nest.collection("mfa_factors").updateOne({ _id: body.factor_id }, earlier);
    const fresh = (await stepUp(tokens, one)).body;
    const refused = await remove(fresh, { factor_id: one.factor_id, confirm: true });
    expect(codeOf(refused)).toEqual([409, "factor_repeats_sign_in"]);
    expect((await remove(fresh, { factor_id: body.factor_id })).status).toBe(200);
    expect((await remove(fresh, { factor_id: one.factor_id })).status).toBe(200);
    expect((await signInWith(nest, ADA)).status).toBe(200);
  });

  test("a passkey that was judged beside an app can't become the only factor without confirm", async () => {
    await givePassword(nest, ADA);
    const tokens = (await signInWith(nest, ADA)).body;
    const one = await addApp(tokens);
    const { body } = await addPasskey(nest, tokens, { confirm: false });
    const made = new Authenticator().create(body.passkey_options);
    const fresh = (await stepUp(tokens, one)).body;
    expect((await remove(fresh, { factor_id: one.factor_id })).status).toBe(200);
    const verified = await verifyPasskey(nest, tokens, body.factor_id, made);
    expect(codeOf(verified)).toEqual([404, "factor_not_found"]);
    expect((await addPasskey(nest, tokens, { confirm: false })).body.code).toBe("mfa_confirmation_required");
  });

  test("a factor that no client of the app can ask for is refused, also with confirm", async () => {
    const silent = withSampleClients(app);
    const clients = silent.clients.map((one) => ({
      ...one,
      grants: { ...one.grants, local: ["otp" as const] },
    }));
    const other = await startNest({ beside: nest, app: { ...silent, clients } });
    try {
      expect(codeOf(await createFactor(other, await byMail()))).toEqual([400, "factor_type_not_allowed"]);
    } finally {
      await other.stop();
    }
  });
});
