import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RpcHandler, serveRpc } from "#entry/rpc.ts";
import { handler as authenticateUser } from "#methods/2020-12-14/authenticate_user.ts";
import { handler as sendMagicLink } from "#methods/2020-12-14/send_magic_link.ts";
import { handler as setMarketingConsent } from "#methods/2020-12-14/set_marketing_consent.ts";
import { handler as revokeToken } from "#methods/2021-10-06/revoke_token.ts";
import { handler as authenticateUserOf2026 } from "#methods/2026-12-01/sign_in/authenticate_user.ts";
import { type CrashPoint, crashAt } from "#tests/support/crash.ts";
import { lambdaContext } from "#tests/support/lambda_event.ts";
import {
  codeIn,
  exchange,
  linkRequest,
  MAC,
  type TestNest,
  type Tokens,
  V1,
  V2,
} from "#tests/support/nest.ts";
import {
  newPerson,
  REDEEM_FIELDS,
  redeem as redeemVisit,
  startWithProviders,
  visit,
} from "#tests/support/oauth.ts";
import { V3 } from "#tests/support/plans.ts";
import { toEvent } from "#tools/local/gateway.ts";

/** More writes and mails than any of these methods makes. */
const MOST_WRITES = 12;
const CRASH_POINTS: CrashPoint[] = Array.from({ length: MOST_WRITES }, (_, index) => [
  { at: index + 1, when: "before" } as const,
  { at: index + 1, when: "after" } as const,
]).flat();

describe("a process that dies at any of its writes", () => {
  let nest: TestNest;
  beforeAll(async () => {
    nest = await startWithProviders({
      environment: { LIMIT_LINKS_PER_KNOWN_DEVICE: "0", LIMIT_MAILS_PER_HOUR: "0" },
    });
  });
  afterAll(() => nest.stop());

  /** Calls a method in a process that stops at a write. @returns whether it stopped, and so never responded */
  async function callOnce(
    { declaration }: RpcHandler,
    body: object,
    crashPoint: CrashPoint,
    bearer?: string,
  ) {
    const crashed = Promise.withResolvers<true>();
    const { open, settled } = crashAt(nest.gateway, crashPoint, () => crashed.resolve(true));
    const path = `/1/${declaration.version}/${declaration.name}`;
    const headers: Record<string, string> = bearer ? { authorization: `bearer ${bearer}` } : {};
    const incoming = {
      method: "POST",
      path,
      headers,
      body: Buffer.from(JSON.stringify(body)),
      ip: "203.0.113.9",
    };
    const answered = serveRpc(declaration, open)(toEvent(incoming, path), lambdaContext());
    const hasCrashed = await Promise.race([crashed.promise, answered.then(() => false)]);
    await settled();
    return hasCrashed;
  }
  const userOf = ({ user_id, access_token }: Tokens) =>
    nest.call(`${V2}get_user`, { user_id }, { bearer: access_token });

  test("a refresh that stops at any write is completed by the same token, with one successor", async () => {
    let crashes = 0;
    for (const [index, crashPoint] of CRASH_POINTS.entries()) {
      const first = await nest.signIn(`refresh-${index}@example.com`);
      const body = { client_id: MAC, grant_type: "refresh_token", refresh_token: first.refresh_token };
      if (await callOnce(authenticateUser, body, crashPoint)) crashes++;
      nest.clock.advance(3600);
      const again = await nest.refresh(first.refresh_token);
      expect(again.status, JSON.stringify(crashPoint)).toBe(200);
      expect((await userOf(again.body)).status).toBe(200);
      const third = await nest.refresh(again.body.refresh_token);
      expect([third.status, (await userOf(third.body)).status]).toEqual([200, 200]);
      const chain = await nest.collection("refresh-tokens").find({ userId: first.user_id }).toArray();
      expect(chain.map(({ generation }) => generation).sort()).toEqual([1, 2, 3]);
    }
    expect(crashes).toBeGreaterThanOrEqual(8);
  });

  test("a sign-in that stops at any write is completed by the same link after 5 s, with one session", async () => {
    let crashes = 0;
    for (const [index, crashPoint] of CRASH_POINTS.entries()) {
      const identifier_value = `same-link-${index}@example.com`;
      const code = await nest.emailedCode({ identifier_value });
      if (await callOnce(authenticateUser, exchange(code), crashPoint)) crashes++;
      nest.clock.advance(5);
      const tokens = await nest.redeem(code);
      const at = JSON.stringify(crashPoint);
      expect(tokens.status, at).toBe(200);
      expect((await userOf(tokens.body)).body.identifiers, at).toMatchObject([
        { verified_at: expect.any(String) },
      ]);
      const userId = tokens.body.user_id;
      for (const collection of ["sessions", "access_tokens", "refresh-tokens"])
        expect(await nest.collection(collection).countDocuments({ userId }), `${collection} ${at}`).toBe(1);
      expect((await nest.refresh(tokens.body.refresh_token)).status, at).toBe(200);
    }
    expect(crashes).toBeGreaterThanOrEqual(14);
  });

  test("after a first sign-in that stops at any write, the next link leaves exactly one user with one verified address", async () => {
    let crashes = 0;
    for (const [index, crashPoint] of CRASH_POINTS.entries()) {
      const address = `first-${index}@example.com`;
      const code = await nest.emailedCode({ identifier_value: address });
      if (await callOnce(authenticateUser, exchange(code), crashPoint)) crashes++;
      const tokens = await nest.signIn(address);
      const user = await userOf(tokens);
      expect([user.status, user.body.identifiers.length], JSON.stringify(crashPoint)).toEqual([200, 1]);
      expect(user.body.identifiers[0].verified_at).not.toBeNull();
      expect(await nest.collection("identifiers").countDocuments({ identifierValue: address })).toBe(1);
      const member = await nest.collection("account_members").find({ userId: tokens.user_id }).toArray();
      expect(member, JSON.stringify(crashPoint)).toMatchObject([{ role: "owner" }]);
      const account = { _id: member[0]?.accountId as never };
      expect(await nest.collection("accounts").countDocuments(account), JSON.stringify(crashPoint)).toBe(1);
    }
    expect(crashes).toBeGreaterThanOrEqual(14);
  });

  test("after a sign-up at a provider that stops at any write, the next visit leaves one user with their name and one verified address", async () => {
    let crashes = 0;
    for (const [index, crashPoint] of CRASH_POINTS.entries()) {
      const person = newPerson({ email: `visit-${index}@gmail.com`, name: "Grace" });
      const { code } = await visit(nest, person);
      const body = { ...REDEEM_FIELDS, grant_type: "authorization_code", code };
      if (await callOnce(authenticateUserOf2026, body, crashPoint)) crashes++;
      const tokens = await redeemVisit(nest, (await visit(nest, person)).code);
      const at = JSON.stringify(crashPoint);
      expect(tokens.status, at).toBe(200);
      const user = await nest.call(`${V3}get_user`, {}, { bearer: tokens.body.access_token });
      expect(user.body, at).toMatchObject({ name: "Grace", email: person.email });
      expect(user.body.identifiers, at).toMatchObject([{ verified_at: expect.any(String) }]);
      const own = { identifierValue: person.email };
      expect(await nest.collection("identifiers").countDocuments(own), at).toBe(1);
    }
    expect(crashes).toBeGreaterThanOrEqual(14);
  });

  test("after a link request that stops at any write, a mailed link works and another request works", async () => {
    let crashes = 0;
    for (const [index, crashPoint] of CRASH_POINTS.entries()) {
      const identifier_value = `link-${index}@example.com`;
      nest.ses.clear();
      if (await callOnce(sendMagicLink, linkRequest({ identifier_value }), crashPoint)) crashes++;
      const [mail] = nest.ses.inbox;
      if (mail) expect((await nest.redeem(codeIn(mail))).status, JSON.stringify(crashPoint)).toBe(200);
      expect((await nest.signIn(identifier_value)).user_id).toMatch(/^user_/);
    }
    expect(crashes).toBeGreaterThanOrEqual(4);
  });

  test("a sign-out or consent choice that stops at any write takes effect when it is repeated", async () => {
    for (const [index, crashPoint] of CRASH_POINTS.slice(0, 4).entries()) {
      const tokens = await nest.signIn(`out-${index}@example.com`);
      const choice = { user_id: tokens.user_id, level: "general" };
      await callOnce(setMarketingConsent, choice, crashPoint, tokens.access_token);
      const bearer = { bearer: tokens.access_token };
      expect((await nest.call(`${V1}set_marketing_consent`, choice, bearer)).status).toBe(204);
      const stored = await nest.collection("marketing-consent").find({ userId: tokens.user_id }).toArray();
      expect(stored).toMatchObject([{ level: "general", history: [{ level: "general" }] }]);
      const token = { client_id: MAC, refresh_token: tokens.refresh_token };
      await callOnce(revokeToken, token, crashPoint);
      expect((await nest.call(`${V2}revoke_token`, token)).status).toBe(204);
      expect((await userOf(tokens)).status).toBe(401);
    }
  });
});
