import type { Collection, Db, Document } from "mongodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eraseAccount } from "#core/personal_data/personal_data.ts";
import { PersonalDocuments } from "#core/repositories/personal_documents.ts";
import { authorizationCode } from "#core/sign_in/grants/authorization_code.ts";
import { openSignInCore, withMethods } from "#tests/support/altered_core.ts";
import { exchange, startNest, type TestNest } from "#tests/support/nest.ts";

let nest: TestNest;
beforeAll(async () => {
  nest = await startNest({ environment: { LIMIT_LINKS_PER_KNOWN_DEVICE: "0" } });
});
afterAll(() => nest.stop());

const SESSION_COLLECTIONS = ["sessions", "access_tokens", "refresh-tokens"];

/** A database that calls `note` before it deletes from a collection. */
function observeDeletes(database: Db, note: (collection: string) => Promise<void>): Db {
  const observed = (collection: Collection): Collection =>
    new Proxy(collection, {
      get(target, property) {
        const value = Reflect.get(target, property, target);
        if (property !== "deleteMany") return typeof value === "function" ? value.bind(target) : value;
        return async (filter: Document) => {
          await note(target.collectionName);
          return target.deleteMany(filter);
        };
      },
    });
  return new Proxy(database, {
    get(target, property) {
      if (property === "collection") return (name: string) => observed(target.collection(name));
      return Reflect.get(target, property, target);
    },
  });
}

/** Erases a user, and calls `note` before each delete. */
async function erase(userId: string, note: (collection: string) => Promise<void>): Promise<void> {
  const { core, mongo } = nest.gateway;
  const personalDocuments = new PersonalDocuments(observeDeletes(mongo.database, note));
  await eraseAccount({ ...core, personalDocuments }, userId);
}

async function expectNothingLeft(userId: string): Promise<void> {
  for (const name of SESSION_COLLECTIONS)
    expect(await nest.collection(name).countDocuments({ userId }), name).toBe(0);
  expect(await nest.dump()).not.toContain(userId);
}

/** Starts to redeem a code. The session and its tokens are written when `finish` is called. */
async function startRedemption(code: string) {
  const started = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const { sessions, accessTokens, refreshTokens } = nest.gateway.core;
  let core = withMethods(openSignInCore(nest), "sessions", {
    async insertIfAbsent(session) {
      started.resolve();
      await released.promise;
      return sessions.insertIfAbsent(session);
    },
  });
  core = withMethods(core, "accessTokens", {
    insertOrExtend: (token) => released.promise.then(() => accessTokens.insertOrExtend(token)),
  });
  core = withMethods(core, "refreshTokens", {
    insertIfAbsent: (token) => released.promise.then(() => refreshTokens.insertIfAbsent(token)),
  });
  const call = { requestId: "r", ip: "203.0.113.9", userAgent: null };
  const redeeming = authorizationCode.redeem(core, exchange(code) as { client_id: string }, call);
  await started.promise;
  return {
    finish: async () => {
      released.resolve();
      await redeeming;
    },
  };
}

test("removes links first, and the user's own document last", async () => {
  const { user_id } = await nest.signIn("order@example.com");
  const deleted: string[] = [];
  await erase(user_id, async (collection) => {
    deleted.push(collection);
  });
  expect(deleted[0]).toBe("authorizations");
  expect(deleted.at(-1)).toBe("users");
});

test("leaves nothing of a user whose link is redeemed just before the erasure removes it", async () => {
  const { user_id } = await nest.signIn("redeems@example.com");
  const code = await nest.emailedCode({ identifier_value: "redeems@example.com" });
  let status = 0;
  await erase(user_id, async (collection) => {
    if (collection === "authorizations") ({ status } = await nest.redeem(code));
  });
  expect(status).toBe(200);
  await expectNothingLeft(user_id);
});

test.each(["access_tokens", "refresh-tokens", "sessions", "identifiers"])(
  "leaves nothing of a redemption that started before and writes its session before %s are removed",
  async (place) => {
    const address = `${place.replace("_", "-")}@example.com`;
    const { user_id } = await nest.signIn(address);
    const redemption = await startRedemption(await nest.emailedCode({ identifier_value: address }));
    await erase(user_id, async (collection) => {
      if (collection === place) await redemption.finish();
    });
    await redemption.finish();
    await expectNothingLeft(user_id);
  },
);

test("refuses a link that is redeemed after the erasure removed the links", async () => {
  const address = "late@example.com";
  const { user_id } = await nest.signIn(address);
  const code = await nest.emailedCode({ identifier_value: address });
  const refused: unknown[] = [];
  await erase(user_id, async (collection) => {
    if (SESSION_COLLECTIONS.includes(collection)) refused.push((await nest.redeem(code)).body.code);
  });
  expect(new Set(refused)).toEqual(new Set(["not_found"]));
  await expectNothingLeft(user_id);
});
