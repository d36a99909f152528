import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serveRpc } from "#entry/rpc.ts";
import { handler as createTrial } from "#methods/2021-10-06/create_trial_and_magic_link.ts";
import { loseConnection } from "#tests/support/altered_core.ts";
import { atOnce, rounds } from "#tests/support/concurrency.ts";
import { interceptIo } from "#tests/support/io_interceptor.ts";
import { lambdaContext, toTrialEvent } from "#tests/support/lambda_event.ts";
import { BUSY_MACHINE, linkRequest, startNest, type TestNest } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";

const IP = "203.0.113.91";

let nest: TestNest;
beforeAll(async () => {
  nest = await startNest({
    slowdown: BUSY_MACHINE,
    environment: { LIMIT_NEW_TRIALS_PER_NETWORK: "0", LIMIT_TRIAL_REQUESTS_PER_NETWORK: "0" },
  });
});
afterAll(() => nest.stop());

let people = 0;
const newAddress = () => `trial-deleted-${++people}@example.com`;
const remove = (user_id: string) => nest.call(`${V3}delete_user`, { user_id }, { internal: true });
const trialRequest = (address: string) => {
  const device = { platform: "mac", beak_id: address, fingerprint: address };
  return toTrialEvent(JSON.stringify(linkRequest({ identifier_value: address, device })));
};

/** The subscriptions that Stripe has for a user and that have not ended. */
const openAtStripe = (userId: string) =>
  nest.stripe
    .subscriptions()
    .filter(({ metadata, status }) => metadata.user_id === userId && status !== "canceled");
const stored = (userId: string) => nest.collection("subscriptions").find({ userId }).toArray();

async function expectAllCanceled(userId: string): Promise<void> {
  await nest.deliverEvents();
  // Processing the first events can cause further ones.
  await nest.deliverEvents();
  expect(openAtStripe(userId)).toEqual([]);
  expect((await stored(userId)).filter(({ status }) => status !== "canceled")).toEqual([]);
  const user = await nest.collection("users").findOne({ _id: userId as never });
  expect([user?.status, user?.subscriptionId ?? null]).toEqual(["deleted", null]);
}

describe("a trial that starts while its user is deleted", () => {
  test.each(["TrialRepository.claim", "StripeApi.request", "SubscriptionRepository.insert"])(
    "is canceled if the deletion runs before %s",
    async (operation) => {
      const address = newAddress();
      const { user_id } = await nest.signIn(address);
      let isDeleted = false;
      const open = interceptIo(nest.gateway, async ({ name }, go) => {
        if (name === operation && !isDeleted) {
          isDeleted = true;
          expect((await remove(user_id)).status).toBe(200);
        }
        return go();
      });
      await serveRpc(createTrial.declaration, open)(trialRequest(address), lambdaContext());
      expect(isDeleted).toBe(true);
      await expectAllCanceled(user_id);
      // The address is free: its next owner has a trial.
      expect(["204", "trial_already_used"]).toContain(await nest.startTrial(address, IP));
    },
  );

  test("is canceled if the call stops after Stripe created the subscription", async () => {
    const address = newAddress();
    const { user_id } = await nest.signIn(address);
    const open = interceptIo(nest.gateway, ({ name }, go) =>
      name === "SubscriptionRepository.insert" ? loseConnection() : go(),
    );
    await serveRpc(createTrial.declaration, open)(trialRequest(address), lambdaContext());
    expect(openAtStripe(user_id)).toHaveLength(1);
    expect(await stored(user_id)).toEqual([]);
    expect((await remove(user_id)).status).toBe(200);
    await expectAllCanceled(user_id);
  });

  test("is canceled if many calls claim the trial while another call deletes the user", async () => {
    await rounds(async () => {
      const address = newAddress();
      const { user_id } = await nest.signIn(address);
      const [deletion, ...claims] = await atOnce(
        (caller) => (caller === 0 ? remove(user_id).then(({ raw }) => raw) : nest.startTrial(address, IP)),
        8,
      );
      expect(deletion).toContain("deleted_at");
      const known = ["204", "rate_limited", "trial_already_used", "unavailable"];
      expect(claims.filter((code) => !known.includes(code))).toEqual([]);
      await expectAllCanceled(user_id);
    }, 6);
  });
});
