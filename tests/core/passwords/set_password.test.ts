import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FAILED_PASSWORDS_LIMIT } from "#core/repositories/refused_because.ts";
import { redeemCode, sentCode } from "#tests/support/codes.ts";
import { email, sentSecret, verify } from "#tests/support/identifiers.ts";
import {
  BUSY_MACHINE,
  MAC,
  type Reply,
  SIMPLE,
  startNest,
  type TestNest,
  type Tokens,
} from "#tests/support/nest.ts";
import {
  givePassword,
  P1,
  P2,
  register,
  resetPassword,
  sentReset,
  setPassword,
  signInWith,
} from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";

const ADA = "a@x.test";
const UNLIMITED = {
  LIMIT_PASSWORD_FAILURES_PER_IDENTIFIER_AND_NETWORK: "0",
  LIMIT_PASSWORD_FAILURES_PER_NETWORK: "0",
};
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest({ slowdown: BUSY_MACHINE });
});
afterEach(() => nest.stop());

type Session = Tokens & { session_id: string };
const codeOf = ({ status, body }: Reply) => (status === 200 ? "200" : body.code);
/** Signs Ada in with P1, whom `givePassword` created. */
const signedIn = async (): Promise<Session> => (await signInWith(nest, ADA)).body;
const stored = () => nest.collection("passwords").findOne({});
const standing = async (userId: string) =>
  (await nest.gateway.core.sessions.listUnrevoked(userId)).map(({ _id }) => _id);
/** A session that a code started, at the client that takes passwords of six characters. */
async function withoutPassword(): Promise<Session> {
  const asked = { identifier_type: "email", identifier_value: ADA, client_id: SIMPLE };
  return (await redeemCode(nest, await sentCode(nest, asked), { client_id: SIMPLE })).body;
}

describe("set_password", () => {
  test("replaces the password, keeps the current session, ends the others, and mails each verified address", async () => {
    const userId = await givePassword(nest, ADA, P1, { mustChange: true });
    const [own, other] = [await signedIn(), await signedIn()];
    const reply = await setPassword(nest, own);
    expect([reply.status, reply.body]).toEqual([200, { sessions_revoked: 1 }]);
    expect(await standing(userId)).toEqual([own.session_id]);
    expect((await nest.call(`${V3}get_user`, {}, { bearer: other.access_token })).status).toBe(401);
    expect((await nest.call(`${V3}get_user`, {}, { bearer: own.access_token })).status).toBe(200);
    expect(await stored()).toMatchObject({ setBy: "user", mustChange: false, failedCount: 0 });
    expect(nest.lastMail(ADA).subject).toBe("Your Beak password was changed");
    const rows = (await nest.moveEvents()).filter(({ action }) => /^(password|session)/.test(String(action)));
    expect(rows.map(({ action, sessionId, data }) => [action, sessionId, data]).sort()).toEqual([
      ["password.set", own.session_id, {}],
      ["session.revoked", own.session_id, { reason: "password_set" }],
    ]);
    expect(codeOf(await signInWith(nest, ADA, P1))).toBe("invalid_credentials");
    expect(codeOf(await signInWith(nest, ADA, P2))).toBe("200");
  });

  test("sets the first password of a user without the current one, and get_user then says that there is one", async () => {
    const tokens = await withoutPassword();
    const hasPassword = async () =>
      (await nest.call(`${V3}get_user`, {}, { bearer: tokens.access_token })).body.has_password;
    expect(await hasPassword()).toBe(false);
    const reply = await setPassword(nest, tokens, { password: P1, current_password: undefined });
    expect(codeOf(reply)).toBe("200");
    expect(await hasPassword()).toBe(true);
    expect(codeOf(await signInWith(nest, ADA, P1))).toBe("200");
  });

  test("refuses a missing and a wrong current password, and changes nothing", async () => {
    const userId = await givePassword(nest, ADA);
    const [own] = [await signedIn(), await signedIn()];
    const before = await stored();
    nest.clock.advance(1);
    for (const current_password of [undefined, P2, `${P1} `])
      expect(codeOf(await setPassword(nest, own, { current_password }))).toBe("invalid_credentials");
    expect(await stored()).toEqual({ ...before, failedCount: 2 });
    expect(await standing(userId)).toHaveLength(2);
    expect(codeOf(await setPassword(nest, own))).toBe("200");
  });

  test("refuses a sign-in of more than 10 minutes ago, and a client that may not ask for passwords", async () => {
    const { access_token } = await nest.signIn(ADA, { client_id: MAC });
    const first = { password: P1, current_password: undefined };
    expect(codeOf(await setPassword(nest, { access_token }, first))).toBe("grant_not_allowed");
    await givePassword(nest, ADA);
    const own = await signedIn();
    nest.clock.advance(601);
    expect(codeOf(await setPassword(nest, own))).toBe("reauthentication_required");
  });

  test("names each reason of a password that is not acceptable, after the current one was right", async () => {
    await givePassword(nest, "correcthorse@x.test");
    const { body: own } = await signInWith(nest, "correcthorse@x.test");
    const change = { password: "correcthorse" };
    expect(codeOf(await setPassword(nest, own, { ...change, current_password: P2 }))).toBe(
      "invalid_credentials",
    );
    const reply = await setPassword(nest, own, change);
    expect(codeOf(reply)).toBe("password_not_acceptable");
    expect(reply.body.reasons.map(({ code }: { code: string }) => code)).toEqual(["too_short", "contextual"]);
    expect(await stored()).toMatchObject({ failedCount: 0 });
  });

  test("revokes an open reset, and leaves the user's other codes", async () => {
    const { body: own } = await register(nest);
    const { token } = await sentReset(nest);
    await sentCode(nest, { identifier_type: "email", identifier_value: ADA, client_id: SIMPLE });
    expect(codeOf(await setPassword(nest, own))).toBe("200");
    expect(codeOf(await resetPassword(nest, { token }))).toBe("verification_not_found");
    const open = await nest.collection("verifications").find({ revokedAt: null }).toArray();
    expect(open.map(({ purpose }) => purpose)).toEqual(["sign_in"]);
  });

  test("can be repeated with the same passwords by the session that called, as after a lost response", async () => {
    await givePassword(nest, ADA);
    const own = await signedIn();
    nest.clock.advance(1);
    expect(codeOf(await setPassword(nest, own))).toBe("200");
    const after = await stored();
    expect((await setPassword(nest, own)).body).toEqual({ sessions_revoked: 0 });
    expect(await stored()).toEqual(after);
    // A session that is younger than the password does not learn whether its guess is the password.
    nest.clock.advance(1);
    const { body: younger } = await signInWith(nest, ADA, P2);
    expect(codeOf(await setPassword(nest, younger))).toBe("invalid_credentials");
  });
});

describe("the limits of set_password", () => {
  test("compare 10 wrong passwords of a user, and then pause", async () => {
    await givePassword(nest, ADA);
    const own = await signedIn();
    const wrong = { current_password: P2, password: `${P2} other` };
    for (let count = 0; count < 10; count++)
      expect(codeOf(await setPassword(nest, own, wrong))).toBe("invalid_credentials");
    const refused = await setPassword(nest, own);
    expect([codeOf(refused), refused.body.meta.retry_after]).toEqual(["rate_limited", 30]);
    // A thief of the session locks nobody out.
    expect(codeOf(await signInWith(nest, ADA))).toBe("200");
  });

  test("a locked password is not compared, and the hundredth failure is a security event", async () => {
    await nest.stop();
    nest = await startNest({ environment: UNLIMITED });
    await givePassword(nest, ADA);
    const own = await signedIn();
    nest.clock.advance(1);
    await nest.collection("passwords").updateOne({}, { $set: { failedCount: FAILED_PASSWORDS_LIMIT - 1 } });
    expect(codeOf(await setPassword(nest, own, { current_password: P2 }))).toBe("invalid_credentials");
    expect(codeOf(await setPassword(nest, own))).toBe("invalid_credentials");
    expect(nest.logLines.filter((line) => line.includes("password_locked"))).toHaveLength(1);
  });
});

describe("set_password and what else happens at the same time", () => {
  /** Runs something after a method of a repository has done its work. */
  function whenDone<Name extends string>(
    repository: Record<Name, (...asked: never[]) => Promise<unknown>>,
    method: Name,
    meanwhile: () => Promise<unknown>,
  ): void {
    const real = repository[method].bind(repository);
    const interrupted = async (...asked: never[]) => {
      Object.assign(repository, { [method]: real });
      const result = await real(...asked);
      await meanwhile();
      return result;
    };
    Object.assign(repository, { [method]: interrupted });
  }

  test.each(["another", "the first"] as const)(
    "of 50 calls with %s password, one sets it",
    async (which) => {
      await nest.stop();
      nest = await startNest({ slowdown: BUSY_MACHINE, environment: UNLIMITED });
      const isFirst = which === "the first";
      if (!isFirst) await givePassword(nest, ADA);
      const own = isFirst ? await withoutPassword() : await signedIn();
      const replies = await Promise.all(
        Array.from({ length: 50 }, (_one, index) => {
          const password = `${P2} ${index}`;
          return setPassword(nest, own, { password, ...(isFirst && { current_password: undefined }) });
        }),
      );
      const won = replies.flatMap((reply, index) => (reply.status === 200 ? [index] : []));
      expect(won).toHaveLength(1);
      expect(new Set(replies.map(codeOf))).toEqual(new Set(["200", "invalid_credentials"]));
      const rows = await nest.moveEvents();
      expect(rows.filter(({ action }) => action === "password.set")).toHaveLength(1);
      expect(codeOf(await signInWith(nest, ADA, `${P2} ${won[0]}`))).toBe("200");
    },
    60_000,
  );

  test("a reset that sets a password first wins, and ends the session of the change", async () => {
    const { body: own } = await register(nest);
    const { token } = await sentReset(nest);
    whenDone(nest.gateway.core.passwords, "acceptPresented", async () => {
      expect(codeOf(await resetPassword(nest, { token, password: `${P2} reset` }))).toBe("200");
    });
    expect(codeOf(await setPassword(nest, own))).toBe("invalid_credentials");
    expect(await standing(own.user_id)).toEqual([]);
    expect(codeOf(await signInWith(nest, ADA, `${P2} reset`))).toBe("200");
  });

  test("a reset that sets a password after the change wins, and ends its session too", async () => {
    const { body: own } = await register(nest);
    const { token } = await sentReset(nest);
    whenDone(nest.gateway.core.passwords, "replace", async () => {
      expect(codeOf(await resetPassword(nest, { token, password: `${P2} reset` }))).toBe("200");
    });
    expect(codeOf(await setPassword(nest, own))).toBe("200");
    expect((await nest.call(`${V3}get_user`, {}, { bearer: own.access_token })).status).toBe(401);
    expect(codeOf(await signInWith(nest, ADA, P2))).toBe("invalid_credentials");
    expect(codeOf(await signInWith(nest, ADA, `${P2} reset`))).toBe("200");
  });

  test.each(["insertIfAbsent", "acceptPresented"] as const)(
    "a sign-in with the old password keeps no session, if the password is changed after its %s",
    async (write) => {
      const userId = await givePassword(nest, ADA);
      const own = await signedIn();
      const { core } = nest.gateway;
      const change = async () => expect(codeOf(await setPassword(nest, own))).toBe("200");
      if (write === "insertIfAbsent") whenDone(core.sessions, "insertIfAbsent", change);
      else whenDone(core.passwords, "acceptPresented", change);
      await signInWith(nest, ADA);
      expect(await standing(userId)).toEqual([own.session_id]);
    },
  );

  test("a password that is set before the address is proved stays, if the same person proves it meanwhile", async () => {
    const registered = await register(nest, { password: undefined });
    const sent = await sentSecret(nest, registered.body, { ...email(ADA), client_id: SIMPLE });
    const { passwords } = nest.gateway.core;
    const insert = passwords.insert.bind(passwords);
    passwords.insert = async (...asked) => {
      passwords.insert = insert;
      expect(codeOf(await verify(nest, { ...sent.proof, client_id: SIMPLE }))).toBe("200");
      return insert(...asked);
    };
    const first = { password: P1, current_password: undefined };
    expect(codeOf(await setPassword(nest, registered.body, first))).toBe("200");
    expect(codeOf(await signInWith(nest, ADA))).toBe("200");
  });

  test("a stranger's password that could not be taken back does not count as the owner's", async () => {
    const registered = await register(nest, { password: undefined });
    const { passwords } = nest.gateway.core;
    passwords.remove = () => Promise.reject(new Error("lost"));
    const insert = passwords.insert.bind(passwords);
    let owner: Session | undefined;
    passwords.insert = async (...stranger) => {
      passwords.insert = insert;
      owner = await withoutPassword();
      return insert(...stranger);
    };
    await setPassword(nest, registered.body, { password: P1, current_password: undefined });
    expect(await stored()).not.toBeNull();
    expect(codeOf(await signInWith(nest, ADA))).toBe("invalid_credentials");
    const bearer = owner?.access_token ?? "";
    expect((await nest.call(`${V3}get_user`, {}, { bearer })).body.has_password).toBe(false);
    const first = { password: P2, current_password: undefined };
    expect(codeOf(await setPassword(nest, { access_token: bearer }, first))).toBe("200");
    expect(codeOf(await signInWith(nest, ADA, P2))).toBe("200");
  });

  test("leaves no first password of a stranger, if the owner proves the address meanwhile", async () => {
    const registered = await register(nest, { password: undefined });
    const asked = { identifier_type: "email", identifier_value: ADA };
    const { passwords } = nest.gateway.core;
    const insert = passwords.insert.bind(passwords);
    passwords.insert = async (...stranger) => {
      passwords.insert = insert;
      expect((await redeemCode(nest, await sentCode(nest, asked))).status).toBe(200);
      return insert(...stranger);
    };
    const reply = await setPassword(nest, registered.body, { password: P1, current_password: undefined });
    expect(codeOf(reply)).toBe("unauthorized");
    expect(await stored()).toBeNull();
    expect(codeOf(await signInWith(nest, ADA))).toBe("invalid_credentials");
    const rows = await nest.moveEvents();
    expect(rows.filter(({ action }) => action === "password.set")).toHaveLength(1);
  });
});

test("no password of set_password is stored or logged in clear", async () => {
  await givePassword(nest, ADA);
  await setPassword(nest, await signedIn());
  const seen = `${await nest.dump()}\n${nest.logLines.join("\n")}`;
  for (const secret of [P1, P2]) expect(seen).not.toContain(secret);
  expect(nest.logLines.join("\n")).not.toContain(ADA);
});
