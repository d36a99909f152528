import { afterEach, beforeEach, expect, test } from "vitest";
import { digitsIn, redeemCode, sentCode } from "#tests/support/codes.ts";
import { verify } from "#tests/support/identifiers.ts";
import { BUSY_MACHINE, NATIVE, SIMPLE, startNest, type TestNest } from "#tests/support/nest.ts";
import {
  givePassword,
  P1,
  P2,
  register,
  registerFirst,
  resetPassword,
  sentReset,
  signInWith,
} from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";

const ADDRESS = "a@x.test";
const PHONE_NUMBER = "+6591230077";
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest({ slowdown: BUSY_MACHINE, environment: { LIMIT_MAILS_PER_HOUR: "0" } });
});
afterEach(() => nest.stop());

/** Runs something before the first call of a method, as if another process were faster. */
function before<Name extends string>(
  repository: Record<Name, (...asked: never[]) => Promise<unknown>>,
  method: Name,
  meanwhile: () => Promise<unknown>,
): void {
  const real = repository[method].bind(repository);
  let isFirst = true;
  const interrupted = async (...asked: never[]) => {
    if (isFirst) {
      isFirst = false;
      await meanwhile();
    }
    return real(...asked);
  };
  Object.assign(repository, { [method]: interrupted });
}

const ownerProves = async () => {
  const code = await sentCode(nest, { identifier_type: "email", identifier_value: ADDRESS });
  return redeemCode(nest, code);
};
const unrevoked = (userId: string) => nest.gateway.core.sessions.listUnrevoked(userId);

test.each(["insert", "completeRegistration"] as const)(
  "an immediate registration leaves nothing, if the owner proves the address before its %s",
  async (write) => {
    const { core } = nest.gateway;
    let owner: Awaited<ReturnType<typeof ownerProves>> | undefined;
    const prove = async () => {
      owner = await ownerProves();
    };
    if (write === "insert") before(core.passwords, "insert", prove);
    else before(core.identifiers, "completeRegistration", prove);
    const reply = await register(nest, { phone_number: PHONE_NUMBER });
    expect([reply.status, reply.body.code]).toEqual([409, "identifier_taken"]);
    expect(owner?.status).toBe(200);
    const userId = owner?.body.user_id;
    expect(await core.passwords.findByUser(userId)).toBeNull();
    expect(await core.pendingIdentifiers.listOpen(userId)).toEqual([]);
    expect(await unrevoked(userId)).toMatchObject([{ rootGrant: { type: "otp" } }]);
    expect((await signInWith(nest, ADDRESS)).status).toBe(401);
    const bearer = owner?.body.access_token;
    expect((await nest.call(`${V3}get_user`, {}, { bearer })).status).toBe(200);
  },
);

test("an immediate registration leaves nothing, if it completes between the writes of the proof", async () => {
  const { core } = nest.gateway;
  const { listUnrevoked } = core.sessions;
  const read = listUnrevoked.bind(core.sessions);
  let proving: ReturnType<typeof ownerProves> | undefined;
  let reached = () => {};
  let completed = () => {};
  const isReached = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const isCompleted = new Promise<void>((resolve) => {
    completed = resolve;
  });
  // The proof has read what it drops, and waits before it marks the address as verified.
  core.sessions.listUnrevoked = async (userId) => {
    const found = await read(userId);
    reached();
    await isCompleted;
    return found;
  };
  before(core.passwords, "insert", async () => {
    proving = ownerProves();
    await isReached;
  });
  before(core.identifiers, "completeRegistration", async () => {
    expect((await signInWith(nest, ADDRESS)).status, "a sign-in with the password").toBe(401);
  });
  const reply = await register(nest);
  completed();
  core.sessions.listUnrevoked = read;
  expect([reply.status, reply.body.code]).toEqual([409, "identifier_taken"]);
  const owner = await proving;
  expect(owner?.status).toBe(200);
  expect(await core.passwords.findByUser(owner?.body.user_id)).toBeNull();
  expect(await unrevoked(owner?.body.user_id)).toMatchObject([{ rootGrant: { type: "otp" } }]);
});

test("a password that a registration could not take back signs nobody in, and the owner can set another", async () => {
  const { passwords } = nest.gateway.core;
  before(passwords, "insert", async () => {
    expect((await ownerProves()).status).toBe(200);
    before(passwords, "remove", async () => {
      throw Object.assign(new Error("lost"), { name: "MongoNetworkError" });
    });
  });
  expect((await register(nest)).status).toBe(503);
  expect((await register(nest)).status).toBe(409);
  const userId = await nest.userIdOf(ADDRESS);
  expect(await passwords.findByUser(userId)).not.toBeNull();
  expect((await signInWith(nest, ADDRESS)).status).toBe(401);
  const next = { hash: "the owner's", pepperId: null, setBy: "user", mustChange: false } as const;
  const now = nest.clock.now().toISOString();
  expect(await passwords.insert(userId, { ...next, isProvisional: true }, { now, events: [] })).toBe(false);
  expect(await passwords.insert(userId, next, { now, events: [] })).toBe(true);
  expect(await passwords.findByUser(userId)).toMatchObject({ hash: "the owner's", isProvisional: false });
});

test("the password of a registration signs in after it is complete, and after its user proved the address", async () => {
  before(nest.gateway.core.identifiers, "completeRegistration", async () => {
    expect((await signInWith(nest, ADDRESS)).status).toBe(401);
  });
  const { body } = await register(nest, { options: { verify_email: true } });
  expect((await signInWith(nest, ADDRESS)).status).toBe(200);
  const proof = { nonce: body.verification.nonce, code: digitsIn(nest.lastMail(ADDRESS).text) };
  expect((await verify(nest, { client_id: SIMPLE, ...proof })).status).toBe(200);
  expect((await signInWith(nest, ADDRESS)).status).toBe(200);
});

test("a password that the owner sets by a reset stays, when a registration takes back its own", async () => {
  before(nest.gateway.core.identifiers, "completeRegistration", async () => {
    const { token } = await sentReset(nest);
    expect((await resetPassword(nest, { token })).status).toBe(200);
  });
  expect((await register(nest)).status).toBe(409);
  expect((await signInWith(nest, ADDRESS, P1)).status).toBe(401);
  expect((await signInWith(nest, ADDRESS, P2)).status).toBe(200);
});

test.each(["refuseRegistration", "verify"] as const)(
  "the password that the owner registers stays, if another proof of the address waits before its %s",
  async (write) => {
    await register(nest);
    const { body } = await registerFirst(nest, { password: P2 });
    const registered = { nonce: body.verification.nonce, code: digitsIn(nest.lastMail(ADDRESS).text) };
    const code = await sentCode(nest, { identifier_type: "email", identifier_value: ADDRESS });
    before(nest.gateway.core.identifiers, write, async () => {
      expect((await redeemCode(nest, registered, { client_id: NATIVE })).status).toBe(200);
    });
    expect((await redeemCode(nest, code)).status).toBe(200);
    expect((await signInWith(nest, ADDRESS, P1)).status).toBe(401);
    expect((await signInWith(nest, ADDRESS, P2)).status).toBe(200);
  },
);

test("a sign-in with a stranger's password leaves no session, if the proof drops the password before it is accepted", async () => {
  const userId = await givePassword(nest, ADDRESS, P1, { isVerified: false });
  before(nest.gateway.core.passwords, "acceptPresented", async () => {
    expect((await ownerProves()).status).toBe(200);
  });
  const stranger = await signInWith(nest, ADDRESS);
  expect([stranger.status, stranger.body.code]).toEqual([401, "invalid_credentials"]);
  expect(await unrevoked(userId)).toMatchObject([{ rootGrant: { type: "otp" } }]);
});

test("the session of a stranger's password is refused, if the proof drops the password before it is stored", async () => {
  await givePassword(nest, ADDRESS, P1, { isVerified: false });
  const { sessions, passwords } = nest.gateway.core;
  const accept = passwords.acceptPresented.bind(passwords);
  const accepted = Promise.withResolvers<void>();
  passwords.acceptPresented = async (...asked) => {
    const isAccepted = await accept(...asked);
    accepted.resolve();
    return isAccepted;
  };
  let owner: Awaited<ReturnType<typeof ownerProves>> | undefined;
  before(sessions, "insertIfAbsent", async () => {
    await accepted.promise;
    owner = await ownerProves();
  });
  const stranger = await signInWith(nest, ADDRESS);
  const ask = (bearer: string) => nest.call(`${V3}get_user`, {}, { bearer });
  expect((await ask(stranger.body.access_token)).status).toBe(401);
  const refreshed = await nest.refresh(stranger.body.refresh_token, { client_id: stranger.body.client_id });
  expect(refreshed.body.code).toBe("authorization_not_found");
  expect((await ask(owner?.body.access_token)).status).toBe(200);
});

test("a sign-in whose password was accepted before the proof refuses it has a session that the proof ends", async () => {
  const userId = await givePassword(nest, ADDRESS, P1, { isVerified: false });
  before(nest.gateway.core.identifiers, "refuseRegistration", async () => {
    expect((await signInWith(nest, ADDRESS)).status).toBe(200);
  });
  expect((await ownerProves()).status).toBe(200);
  expect(await unrevoked(userId)).toMatchObject([{ rootGrant: { type: "otp" } }]);
});

test("a sign-in with a stranger's password leaves no known machine, if the proof comes before it is remembered", async () => {
  await givePassword(nest, ADDRESS, P1, { isVerified: false });
  const { identifiers } = nest.gateway.core;
  before(identifiers, "rememberDevice", async () => {
    expect((await ownerProves()).status).toBe(200);
  });
  await signInWith(nest, ADDRESS, P1, { device: { beak_id: "stranger" } });
  expect(await identifiers.findActive("email", ADDRESS)).toMatchObject({ knownDevices: [] });
});
