import { afterAll, beforeAll, expect, test } from "vitest";
import app from "#app";
import { digitsIn, redeemCode, sentCode } from "#tests/support/codes.ts";
import { ROUNDS } from "#tests/support/concurrency.ts";
import { callWith, email, phone, sentSecret, verify } from "#tests/support/identifiers.ts";
import { appCode, createFactor, presentFactor, verifyFactor } from "#tests/support/mfa.ts";
import {
  BUSY_MACHINE,
  NATIVE,
  type Reply,
  startNest,
  type TestNest,
  type Tokens,
} from "#tests/support/nest.ts";
import { linkAccount } from "#tests/support/oauth.ts";
import { V3 } from "#tests/support/plans.ts";
import { withSampleClients } from "#tools/local/sample_clients.ts";

const OWN = { client_id: NATIVE };
const REPEATS = [409, "factor_repeats_sign_in"];
const LAST = [409, "last_sign_in_method"];
const LIMITS = { LIMIT_MAILS_PER_HOUR: "0", LIMIT_SMS_PER_DAY: "0" };
let nest: TestNest;
let people = 0;
beforeAll(async () => {
  nest = await startNest({ app: withSampleClients(app), slowdown: BUSY_MACHINE, environment: LIMITS });
});
afterAll(() => nest.stop());

const codeOf = ({ status, body }: Reply) => [status, body.code];

/** A user with a verified address and number. */
interface Person {
  tokens: Tokens;
  address: string;
  number: string;
  addressId: string;
}

async function person(): Promise<Person> {
  const count = ++people;
  const [address, number] = [`reach${count}@example.com`, `+659123${4600 + count}`];
  const tokens = (await signIn(email(address))).body as Tokens;
  const { proof } = await sentSecret(nest, tokens, { ...OWN, ...phone(number) });
  expect((await verify(nest, { ...OWN, ...proof })).status).toBe(200);
  const { body } = await nest.call(`${V3}get_user`, {}, { bearer: tokens.access_token });
  nest.clock.advance(61);
  return { tokens, address, number, addressId: body.identifiers[0].id };
}

async function signIn(identifier: object): Promise<Reply> {
  return redeemCode(nest, await sentCode(nest, { ...OWN, ...identifier }), OWN);
}

const createSms = ({ tokens, number }: Person) =>
  createFactor(nest, tokens, { factor_type: "sms", phone_number: number });

async function addSms(owner: Person): Promise<string> {
  const created = await createSms(owner);
  expect(codeOf(await verifySms(owner, created))).toEqual([200, undefined]);
  return created.body.factor_id;
}

const verifySms = ({ tokens, number }: Person, { body }: Reply) =>
  verifyFactor(nest, tokens, body.factor_id, digitsIn(nest.lastSms(number).text));

const removeAddress = ({ tokens, addressId }: Person) =>
  callWith(nest, "remove_identifier", tokens, addressId);

/** Adds an authenticator app and presents it, so that the session may remove factors. */
async function withApp(owner: Person): Promise<{ bearer: string; appId: string }> {
  nest.clock.advance(61);
  const { factor_id: appId, secret } = (await createFactor(nest, owner.tokens)).body;
  const first = appCode(secret, nest.clock.now(), -1);
  expect((await verifyFactor(nest, owner.tokens, appId, first)).status).toBe(200);
  const bearer = owner.tokens.access_token;
  const { mfa_token } = (await nest.call(`${V3}create_mfa_challenge`, OWN, { bearer })).body;
  const presented = { factor_id: appId, code: appCode(secret, nest.clock.now()) };
  const { body } = await presentFactor(nest, mfa_token, presented);
  owner.tokens = body;
  return { bearer: body.access_token, appId };
}

const removeFactor = (bearer: string, factor_id: string) =>
  nest.call(`${V3}remove_mfa_factor`, { factor_id, confirm: true }, { bearer });

/** Makes the next call of a method of a repository fail. */
function stopOnce<Name extends string>(repository: Record<Name, unknown>, method: Name): void {
  const real = repository[method];
  repository[method] = async () => {
    repository[method] = real;
    throw new Error("the process stopped");
  };
}

/** Whether a sign-in of the user completes, or can complete with one of the factors that it offers. */
async function canSignIn({ address, number }: Person): Promise<boolean> {
  nest.clock.advance(61);
  const replies = [await signIn(phone(number)), await signIn(email(address))];
  return replies.some(({ status, body }) => status === 200 || body.meta?.factors?.length > 0);
}

test("a factor that could follow only a way in whose removal stopped is refused", async () => {
  const ada = await person();
  stopOnce(nest.gateway.core.identifiers, "remove");
  expect((await removeAddress(ada)).status).toBe(500);
  expect(codeOf(await createSms(ada))).toEqual(REPEATS);
  expect((await removeAddress(ada)).status).toBe(200);
  expect((await signIn(phone(ada.number))).status).toBe(200);
});

test("a removal of an address that stopped is judged again beside a factor that was added since", async () => {
  const ada = await person();
  await addSms(ada);
  // As an earlier version left it, which did not judge the factor by the list.
  await nest.gateway.core.users.recordRemoval(ada.tokens.user_id, ada.addressId, [], []);
  expect(codeOf(await removeAddress(ada))).toEqual(LAST);
  expect(await canSignIn(ada)).toBe(true);
});

test("an unlinking that stopped is judged again beside a factor that was added since", async () => {
  const number = "+6591234599";
  const tokens = (await signIn(phone(number))).body as Tokens;
  const landing = { ...OWN, redirect_uri: nest.gateway.core.app.urls.landing };
  const oauth_identity_id = await linkAccount(nest, tokens.access_token, undefined, landing);
  nest.clock.advance(61);
  await addSms({ tokens, number, address: "", addressId: "" });
  await nest.gateway.core.users.recordRemoval(tokens.user_id, oauth_identity_id, [], []);
  const bearer = tokens.access_token;
  expect(codeOf(await nest.call(`${V3}unlink_oauth`, { oauth_identity_id }, { bearer }))).toEqual(LAST);
});

test("an address stays while sign-ins still require the only factor, whose removal stopped", async () => {
  const ada = await person();
  const smsId = await addSms(ada);
  const { bearer, appId } = await withApp(ada);
  expect((await removeFactor(bearer, appId)).status).toBe(200);
  stopOnce(nest.gateway.core.mfaFactors, "remove");
  expect((await removeFactor(bearer, smsId)).status).toBe(500);
  expect(codeOf(await removeAddress(ada))).toEqual(LAST);
  expect((await removeFactor(bearer, smsId)).status).toBe(200);
  expect((await removeAddress(ada)).status).toBe(200);
});

test("an authenticator app stays while it makes up for a factor whose removal stopped", async () => {
  const ada = await person();
  const smsId = await addSms(ada);
  const { bearer, appId } = await withApp(ada);
  stopOnce(nest.gateway.core.mfaFactors, "remove");
  expect((await removeFactor(bearer, smsId)).status).toBe(500);
  expect((await removeAddress(ada)).status).toBe(200);
  expect(codeOf(await removeFactor(bearer, appId))).toEqual(REPEATS);
  expect((await removeFactor(bearer, smsId)).status).toBe(200);
  expect((await removeFactor(bearer, appId)).status).toBe(200);
});

/** Runs `meanwhile` before the next call of a method of a repository. @returns what it returned */
function before<Name extends string, Result>(
  repository: Record<Name, (...asked: never[]) => Promise<unknown>>,
  method: Name,
  meanwhile: () => Promise<Result>,
): () => Result | undefined {
  const real = repository[method].bind(repository) as (...asked: never[]) => Promise<unknown>;
  let result: Result | undefined;
  repository[method] = async (...asked) => {
    repository[method] = real;
    result = await meanwhile();
    return real(...asked);
  };
  return () => result;
}

test("a factor is taken back if its way in was removed before it was active", async () => {
  const ada = await person();
  const created = await createSms(ada);
  const removal = before(nest.gateway.core.mfaFactors, "activate", () => removeAddress(ada));
  expect(codeOf(await verifySms(ada, created))).toEqual(REPEATS);
  expect(removal()?.status).toBe(200);
  expect((await signIn(phone(ada.number))).status).toBe(200);
});

test("a way in stays if a factor that needs it was added before its removal was recorded", async () => {
  const ada = await person();
  const added = before(nest.gateway.core.users, "recordRemoval", () => addSms(ada));
  expect(codeOf(await removeAddress(ada))).toEqual(LAST);
  expect(added()).toEqual(expect.any(String));
  expect(await canSignIn(ada)).toBe(true);
});

test("a user can sign in after many removals of an address raced with the activation of a factor", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const ada = await person();
    const created = await createSms(ada);
    const [verified, ...removals] = await Promise.all([
      verifySms(ada, created),
      ...Array.from({ length: 6 }, () => removeAddress(ada)),
    ]);
    const isRemoved = removals.some(({ status }) => status === 200);
    expect(isRemoved && verified.status === 200, `round ${round}`).toBe(false);
    expect(await canSignIn(ada), `round ${round}`).toBe(true);
  }
}, 120_000);
