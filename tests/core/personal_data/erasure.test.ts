import { afterAll, beforeAll, expect, test } from "vitest";
import { handler as sesEvents } from "#callbacks/ses_events.ts";
import { findPerson } from "#core/personal_data/find_person.ts";
import { eraseAccount } from "#core/personal_data/personal_data.ts";
import { PersonalDocuments } from "#core/repositories/personal_documents.ts";
import { authorizationCode } from "#core/sign_in/grants/authorization_code.ts";
import { refreshToken } from "#core/sign_in/grants/refresh_token.ts";
import { serveEvent } from "#entry/event.ts";
import { openSignInCore, withMethods } from "#tests/support/altered_core.ts";
import { lambdaContext } from "#tests/support/lambda_event.ts";
import { exchange, linkRequest, MAC, startNest, type TestNest, V1, V2 } from "#tests/support/nest.ts";
import { observeDeletes } from "#tests/support/observe_deletes.ts";

let nest: TestNest;
beforeAll(async () => {
  nest = await startNest({
    environment: { LIMIT_LINKS_PER_KNOWN_DEVICE: "0", LIMIT_NEW_TRIALS_PER_NETWORK: "0" },
  });
});
afterAll(() => nest.stop());

const SESSION_COLLECTIONS = ["sessions", "access_tokens", "refresh-tokens"];

/** Erases a user, and calls `note` before each delete. */
async function erase(userId: string, note: (collection: string) => Promise<void>): Promise<void> {
  const { core, mongo } = nest.gateway;
  const personalDocuments = new PersonalDocuments(observeDeletes(mongo.database, note));
  await eraseAccount({ ...core, stripe: null, personalDocuments }, { userId, addresses: [] });
}

async function expectNothingLeft(userId: string): Promise<void> {
  for (const name of SESSION_COLLECTIONS)
    expect(await nest.collection(name).countDocuments({ userId }), name).toBe(0);
  // Rows of the audit log stay. They name the user by id only.
  expect(await nest.dump({ without: "audit_logs" })).not.toContain(userId);
  const rows = await nest.collection("audit_logs").find({ userId }).toArray();
  expect(rows.filter((row) => "origin" in row || JSON.stringify(row).includes("@"))).toEqual([]);
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

test("removes links first, and after the user's own document only what a call may have added that read it", async () => {
  const { user_id } = await nest.signIn("order@example.com");
  const deleted: string[] = [];
  await erase(user_id, async (collection) => {
    deleted.push(collection);
  });
  expect(["authorizations", "oauth_states"]).toContain(deleted[0]);
  const later = deleted.slice(deleted.indexOf("users") + 1);
  expect(new Set(later)).toEqual(new Set(["oauth_identities", ...SESSION_COLLECTIONS]));
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

/** Erases the person that an operator names, as `users erase` does. */
async function eraseSubject(subject: string): Promise<void> {
  const { core, mongo } = nest.gateway;
  const accounts = { ...core, stripe: null, personalDocuments: new PersonalDocuments(mongo.database) };
  await eraseAccount(accounts, await findPerson(accounts, subject));
}

/** Everything in the database that names an address, in any case. Stripe's events name no address. */
async function traces(address: string): Promise<string[]> {
  const { database } = nest.gateway.mongo;
  const names = (await database.listCollections().toArray()).map(({ name }) => name);
  const found = names.map(async (name) => {
    const documents = await database.collection(name).find().toArray();
    const text = documents.map((document) => JSON.stringify(document).toLowerCase());
    return text.filter((one) => one.includes(address)).map((one) => `${name}: ${one}`);
  });
  return (await Promise.all(found)).flat();
}

const bounce = (address: string) =>
  serveEvent(sesEvents.declaration, nest.gateway)(
    {
      id: address,
      time: nest.clock.now().toISOString(),
      detail: {
        eventType: "Bounce",
        mail: { messageId: address, destination: [address] },
        bounce: { bounceType: "Permanent", bouncedRecipients: [{ emailAddress: address }] },
      },
    },
    lambdaContext(),
  );

let machines = 0;
/** Claims a trial from a new device. */
const claim = (address: string) => {
  machines++;
  return nest.call(
    `${V2}create_trial_and_magic_link`,
    linkRequest({
      identifier_value: address,
      device: { platform: "mac", beak_id: `mac-${machines}`, fingerprint: `print-${machines}` },
    }),
  );
};

test("leaves no trace of an address for which a stranger requested a link that nobody redeemed", async () => {
  const address = "only-a-link@example.com";
  await nest.call(`${V1}send_magic_link`, linkRequest({ identifier_value: "Only-A-Link@Example.com" }));
  await bounce("Only-A-Link@Example.com");
  expect((await traces(address)).length).toBeGreaterThan(1);
  await eraseSubject("ONLY-A-LINK@example.com");
  expect(await traces(address)).toEqual([]);
  await expect(eraseSubject(address)).rejects.toMatchObject({ code: "not_found" });
});

test("leaves no trace of a bounce that is stored after the mail events were erased", async () => {
  const address = "bounces-late@example.com";
  const { user_id } = await nest.signIn(address);
  await erase(user_id, async (collection) => {
    if (collection === "identifiers") await bounce(address);
  });
  expect(await traces(address)).toEqual([]);
});

test("leaves no trace of a person whom only a stranger's trial made, once the trial ended at Stripe", async () => {
  const address = "stranger-s-trial@example.com";
  expect((await claim(address)).status).toBe(204);
  await nest.deliverEvents();
  const [subscription] = nest.stripe.subscriptions().filter(({ status }) => status === "trialing");
  const id = String(subscription?.id);
  await expect(eraseSubject(address)).rejects.toMatchObject({
    code: "already_subscribed",
    detail: expect.stringContaining(id),
  });
  nest.stripe.cancelSubscription(id);
  await nest.deliverEvents();
  await eraseSubject(address);
  expect(await traces(address)).toEqual([]);
});

test("leaves no trace of an address whose trial stopped before it had a user", async () => {
  const address = "half-a-trial@example.com";
  expect((await claim(address)).status).toBe(204);
  const trial = await nest.collection("trials").findOne({ identifierValue: address });
  const userId = String(trial?.userId);
  for (const name of ["users", "identifiers", "provider-mappings", "subscriptions"])
    await nest.collection(name).deleteMany({ [name === "users" ? "_id" : "userId"]: userId });
  await eraseSubject(address);
  expect(await traces(address)).toEqual([]);
  expect(await nest.dump({ without: "audit_logs" })).not.toContain(userId);
});

test("erases a trial of the address that names another user, and leaves the other user alone", async () => {
  const address = "mine@example.com";
  const { user_id: mine } = await nest.signIn(address);
  const { user_id: other } = await nest.signIn("other@example.com");
  await claim(address);
  for (const { id, status } of nest.stripe.subscriptions())
    if (status === "trialing") nest.stripe.cancelSubscription(id);
  await nest.deliverEvents();
  await nest.collection("trials").updateOne({ identifierValue: address }, { $set: { userId: other } });
  await eraseSubject(mine);
  expect(await traces(address)).toEqual([]);
  expect((await traces("other@example.com")).length).toBeGreaterThan(0);
  expect(await nest.collection("sessions").countDocuments({ userId: other })).toBe(1);
});

test("an address that a user no longer has is erased without erasing that user", async () => {
  const { user_id: kept } = await nest.signIn("kept@example.com");
  await claim("former@example.com");
  await nest
    .collection("trials")
    .updateOne({ identifierValue: "former@example.com" }, { $set: { userId: kept } });
  await nest.collection("identifiers").deleteMany({ identifierValue: "former@example.com" });
  await eraseSubject("former@example.com");
  expect(await traces("former@example.com")).toEqual([]);
  expect(await nest.collection("users").countDocuments({ _id: kept })).toBe(1);
});

test("a refresh during which its user is erased leaves no document of the user", async () => {
  const address = "refreshing@example.com";
  const { refresh_token, user_id: userId } = await nest.signIn(address);
  const core = openSignInCore(nest);
  const interrupted = withMethods(core, "refreshTokens", {
    async rotate(id, rotation) {
      const rotated = await core.refreshTokens.rotate(id, rotation);
      await eraseSubject(address);
      return rotated;
    },
  });
  const call = { requestId: "r", ip: "203.0.113.9", userAgent: null };
  const refreshing = refreshToken.redeem(interrupted, { client_id: MAC, refresh_token }, call);
  await expect(refreshing).rejects.toMatchObject({ code: "authorization_not_found" });
  const left = SESSION_COLLECTIONS.map((name) => nest.collection(name).find({ userId }).toArray());
  expect((await Promise.all(left)).flat()).toEqual([]);
});
