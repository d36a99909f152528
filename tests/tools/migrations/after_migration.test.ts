import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runCli } from "#tests/support/cli.ts";
import { freshDatabaseUri } from "#tests/support/database.ts";
import { exchange, MAC, startNest, type TestNest, V1, V2 } from "#tests/support/nest.ts";
import { temporaryFolder } from "#tests/support/program.ts";
import { recordedEvent } from "#tests/support/zipped_functions.ts";
import {
  clockOfDump,
  DUMP,
  facts,
  secrets,
  startPreviousRelease,
  startRecordedStripe,
} from "#tests/tools/migrations/previous_release.ts";
import { startAppStripeDouble } from "#tools/local/stripe_account/app_double.ts";

let uri: string;
let nest: TestNest;
let stripe: Awaited<ReturnType<typeof startRecordedStripe>>;
beforeEach(async () => {
  uri = freshDatabaseUri();
  for (const args of [
    ["load", DUMP],
    ["migrate", "--apply"],
  ])
    expect(await runCli(["db", ...args], { MONGODB_URI: uri })).toMatchObject({ status: 0 });
  stripe = await startRecordedStripe();
  nest = await startNest({
    environment: { MONGODB_URI: uri, STRIPE_URL: stripe.url },
    secrets,
    clock: clockOfDump(),
  });
});
afterEach(async () => {
  await nest.stop();
  await stripe.close();
});
const statusOf = async (user_id: string) => {
  const { status, body } = await nest.call(`${V2}get_subscription_status`, { user_id }, { internal: true });
  return status === 200 ? body.status : body.code;
};

const subscription = (_id: string) => nest.collection("subscriptions").findOne({ _id });

describe("this release, on a migrated dump of the previous release", () => {
  test("redeems an open link, and refreshes and refuses old refresh tokens", async () => {
    const own = { user_id: facts.signedIn.user_id };
    const user = await nest.call(`${V2}get_user`, own, { bearer: facts.signedIn.access_token });
    expect(user.status).toBe(200);
    for (const [name, code] of Object.entries(facts.openLinks))
      expect((await nest.redeem(code)).status, name).toBe(200);
    expect((await nest.refresh(facts.signedIn.refresh_token)).status).toBe(200);
    const replayed = await nest.refresh(facts.rotated.old);
    expect(replayed.body.refresh_token, "the answer was not seen to arrive").toBe(facts.rotated.current);
    expect((await nest.refresh(facts.rotated.current)).status).toBe(200);
    expect((await nest.refresh(facts.revoked.refresh_token)).status).toBe(400);
  });

  test("reports the subscription status of every user as the previous release did, once their address is verified", async () => {
    const identifiers = await nest.collection("identifiers").find().toArray();
    for (const { userId, verifiedAt } of identifiers) {
      if (verifiedAt === null) expect(await statusOf(String(userId))).toBe("no_active_subscription");
      await nest.verifyAddresses(userId);
    }
    const statuses = identifiers.map(async ({ identifierValue, userId }) => [
      String(identifierValue),
      await statusOf(String(userId)),
    ]);
    expect(Object.fromEntries(await Promise.all(statuses))).toEqual(facts.statuses);
  });

  test("ignores a finished event and works on a failed event again", async () => {
    expect((await nest.webhook(facts.events.done)).status).toBe(200);
    expect(stripe.requests).toEqual([]);
    const { failed } = facts.events;
    expect((await nest.webhook(failed)).status).toBe(200);
    const stpSubscriptionId = failed.data.object.id;
    expect(await nest.collection("subscriptions").findOne({ stpSubscriptionId })).toMatchObject({
      cancelType: "period_end",
    });
  });

  test("follows an event of an imported subscription and sends no welcome mail", async () => {
    expect((await nest.webhook(facts.events.unseen)).status).toBe(200);
    expect(await subscription("sub_ada0")).toMatchObject({ version: 2, cancelType: "period_end" });
    expect(nest.ses.inbox).toEqual([]);
  });

  test("erases a user of the dump", async () => {
    const { user_id } = facts.signedIn;
    expect(await runCli(["users", "erase", user_id, "--yes"], nest.environment)).toMatchObject({ status: 0 });
    const dump = await nest.dump({ without: "audit_logs" });
    expect(dump).not.toContain(user_id);
    expect(dump).not.toContain("ian@example.com");
  });
});

describe("the previous release, on its own dump after the migration", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let previous: Awaited<ReturnType<typeof startPreviousRelease>>;
  beforeEach(async () => {
    folder = await temporaryFolder();
    previous = await startPreviousRelease(nest, stripe.url, folder.path);
  });
  afterEach(async () => {
    await previous.close();
    await folder[Symbol.asyncDispose]();
  });
  const authenticate = (body: object) =>
    previous.call("authenticate_user-2020-12-14", `${V1}authenticate_user`, body);
  const refresh = (refresh_token: string) =>
    authenticate({ client_id: MAC, grant_type: "refresh_token", refresh_token });

  test("redeems an open link, refreshes old refresh tokens and accepts the new access tokens", async () => {
    for (const [name, code] of Object.entries(facts.openLinks))
      expect(await authenticate(exchange(code)), name).toMatchObject({ status: 200 });
    const { status, body } = await refresh(facts.signedIn.refresh_token);
    expect(status).toBe(200);
    const own = { user_id: facts.signedIn.user_id };
    const bearer = { authorization: `bearer ${body.access_token}` };
    const user = await previous.call("get_user-2021-10-06", `${V2}get_user`, own, bearer);
    expect(user.status).toBe(200);
    expect((await refresh(facts.rotated.current)).status).toBe(200);
    expect((await refresh(facts.revoked.refresh_token)).status).toBe(400);
  });

  test("refreshes a session that this release started, as after a rollback", async () => {
    const signedIn = await nest.signIn("new@example.com");
    expect((await refresh(signedIn.refresh_token)).status).toBe(200);
  });

  test("reports the subscription status that it reported before the migration", async () => {
    const internal = { authorization: `internal ${secrets.internalKey}` };
    const path = `${V2}get_subscription_status`;
    for (const name of ["ada", "bob", "cleo", "dan"]) {
      const own = { user_id: `user_${name}` };
      const { status, body } = await previous.call("get_subscription_status-2021-10-06", path, own, internal);
      const answer = status === 200 ? body.status : body.code;
      expect(answer, name).toBe(facts.statuses[`${name}@example.com`]);
    }
  });

  test("follows an event of an imported subscription", async () => {
    // The functions use the real clock, and a signature is valid for minutes.
    const signer = await startAppStripeDouble();
    const { body, header } = signer.signedEvent(facts.events.unseen);
    await signer.close();
    const event = await recordedEvent("POST /1/webhook/stripe", {
      headers: { "stripe-signature": header },
    });
    const answer = await previous.invoke("stripe_webhook", { ...event, body, isBase64Encoded: false });
    expect(answer).toMatchObject({ statusCode: 200 });
    expect(await subscription("sub_ada0")).toMatchObject({ version: 2, cancelType: "period_end" });
    expect(nest.ses.inbox).toEqual([]);
  });
});
