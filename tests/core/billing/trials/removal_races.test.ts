import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DAY } from "#core/clock.ts";
import { stripe } from "#core/parts.ts";
import { authorizationCode } from "#core/sign_in/grants/authorization_code.ts";
import { openSignInCore, withMethods } from "#tests/support/altered_core.ts";
import { interceptIo } from "#tests/support/io_interceptor.ts";
import { exchange, startNest, type TestNest, type Tokens, V2 } from "#tests/support/nest.ts";
import { erasePerson, pass, removeTrials } from "#tests/support/trial_removal.ts";

const ADA = "ada@example.com";
const IP = "203.0.113.9";
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

const trialOf = (identifierValue = ADA) => nest.collection("trials").findOne({ identifierValue });
const all = (name: string) => nest.collection(name).find().toArray();
/** Starts a trial that nobody redeems. It ran out more than 30 days ago. @returns its customer */
async function abandon(): Promise<string> {
  expect(await nest.startTrial(ADA, IP)).toBe("204");
  const customer = String((await trialOf())?.stpCustomerId);
  await nest.deliverEvents();
  await pass(nest, 50 * DAY);
  return customer;
}
/** The same trial, whose owner signed in after it ran out. The owner is a verified person. */
async function abandonAndSignIn(): Promise<{ customer: string; ada: Tokens }> {
  const customer = await abandon();
  const ada = await nest.signIn(ADA);
  await pass(nest, DAY);
  return { customer, ada };
}
/** A core that does `work` once, before the first call of an operation. */
const doBefore = (operation: string, work: () => Promise<unknown>) => {
  let hasRun = false;
  return interceptIo(nest.gateway, async ({ name }, go) => {
    if (name === operation && !hasRun) {
      hasRun = true;
      await work();
    }
    return go();
  });
};
const failStripe = (calls: number, on = "GET /v1/subscriptions", kind: "error" | "missing" = "error") =>
  nest.stripe.fault({ calls, kind, on });

describe("the erasure of a person whose trial is being removed", () => {
  /** Nothing about the address or the user is left, and the next run of the job brings nothing back. */
  async function expectErased(userId: string): Promise<void> {
    await nest.collection("stripe-events").deleteMany({});
    expect(await nest.dump()).not.toMatch(/ada@/);
    expect(await nest.dump({ without: "audit_logs" })).not.toContain(userId);
    await expect(erasePerson(nest, ADA)).rejects.toMatchObject({ code: "not_found" });
    await pass(nest, DAY);
    expect(await removeTrials(nest)).toMatchObject({ pending: [], failed: [] });
    expect(await all("provider-mappings")).toEqual([]);
    expect(await all("users")).toEqual([]);
  }
  /** Ada comes back and buys with the customer of the erased trial. */
  async function expectAccessOfPurchase(customer: string): Promise<void> {
    const { user_id } = await nest.signIn(ADA);
    nest.stripe.attachCard(customer);
    nest.stripe.createSubscription({ customer, email: ADA });
    await nest.deliverEvents();
    expect(await nest.subscriptionStatus(user_id)).toBe("active");
  }

  test("leaves nothing of a person whose removal failed at Stripe, and the person can buy afterwards", async () => {
    const customer = await abandon();
    const userId = String(await nest.findUserId(ADA));
    nest.stripe.credit(customer, 500, "gbp");
    failStripe(2);
    expect((await removeTrials(nest)).failed).toHaveLength(1);
    nest.stripe.fault({ calls: 0, kind: "none" });
    await erasePerson(nest, ADA);
    await expectErased(userId);
    await expectAccessOfPurchase(customer);
  });

  test("leaves nothing of a person whose removal waits for a link, and the person can buy afterwards", async () => {
    const customer = await abandon();
    const userId = String(await nest.findUserId(ADA));
    nest.stripe.attachCard(customer);
    await nest.requestLink({ identifier_value: ADA });
    expect((await removeTrials(nest)).pending).toHaveLength(1);
    await erasePerson(nest, ADA);
    await expectErased(userId);
    await expectAccessOfPurchase(customer);
  });

  test("finds a person by the address when only the removal and the user are left", async () => {
    await abandon();
    const userId = String(await nest.findUserId(ADA));
    failStripe(2);
    await removeTrials(nest);
    nest.stripe.fault({ calls: 0, kind: "none" });
    for (const name of ["identifiers", "provider-mappings"]) await nest.collection(name).deleteMany({});
    await nest.collection("subscriptions").deleteMany({});
    await erasePerson(nest, ADA);
    await expectErased(userId);
  });

  test.each(["before the insertion", "after the insertion"])(
    "leaves no mapping when it comes while the job restores the mapping, %s",
    async (moment) => {
      const customer = await abandon();
      const userId = String(await nest.findUserId(ADA));
      let hasErased = false;
      const erase = async () => {
        if (hasErased) return;
        hasErased = true;
        await erasePerson(nest, ADA);
      };
      const open = interceptIo(nest.gateway, async ({ name }, work) => {
        const isInsert = name === "ProviderMappingRepository.restoreOwn";
        if (name === "TrialRepository.isClaimedAgain") nest.stripe.attachCard(customer);
        if (isInsert && moment === "before the insertion") await erase();
        const done = await work();
        if (isInsert) await erase();
        return done;
      });
      await removeTrials(nest, open);
      expect(hasErased).toBe(true);
      await expectErased(userId);
    },
  );
});

describe("a verified person's mapping", () => {
  const mapping = (providerValue: string) => nest.collection("provider-mappings").findOne({ providerValue });

  test.each(["GET /v1/customers", "GET /v1/subscriptions", "GET /v1/invoices", "DELETE /v1/customers"])(
    "stays while Stripe fails at %s, so that a purchase is the person's",
    async (on) => {
      const { customer, ada } = await abandonAndSignIn();
      await nest.gateway
        .part(stripe)
        .request((sdk, options) => sdk.customers.update(customer, { email: "office@example.com" }, options));
      failStripe(4, on);
      expect((await removeTrials(nest)).failed).toHaveLength(1);
      nest.stripe.fault({ calls: 0, kind: "none" });
      expect(await mapping(customer)).toMatchObject({ userId: ada.user_id, matchedBy: "nest" });
      nest.stripe.attachCard(customer);
      nest.stripe.createSubscription({ customer, email: "office@example.com" });
      await nest.deliverEvents();
      expect(await nest.subscriptionStatus(ada.user_id)).toBe("active");
      await removeTrials(nest);
      expect(await nest.subscriptionStatus(ada.user_id)).toBe("active");
      expect(await mapping(customer)).toMatchObject({ userId: ada.user_id, matchedBy: "nest" });
    },
  );

  test.each(["never named its customer", "names its customer"])(
    "is restored by the next run after a crash between the deletions of mapping and customer, if the trial %s",
    async (which) => {
      const { customer, ada } = await abandonAndSignIn();
      if (which === "never named its customer")
        await nest
          .collection("trials")
          .updateOne({ identifierValue: ADA }, { $set: { stpCustomerId: null } });
      const crashed = Promise.withResolvers<void>();
      const open = interceptIo(nest.gateway, async ({ name }, work) => {
        const done = await work();
        if (name !== "ProviderMappingRepository.deleteOwn") return done;
        crashed.resolve();
        return new Promise(() => undefined);
      });
      void removeTrials(nest, open);
      await crashed.promise;
      expect(await mapping(customer)).toBeNull();
      await nest.gateway
        .part(stripe)
        .request((sdk, options) => sdk.customers.update(customer, { email: "office@example.com" }, options));
      nest.stripe.attachCard(customer);
      await pass(nest, DAY);
      expect((await removeTrials(nest)).removed).toHaveLength(1);
      expect(await mapping(customer)).toMatchObject({ userId: ada.user_id, matchedBy: "nest" });
    },
  );

  test("belongs to Nest's customer again if an event matched it by address meanwhile", async () => {
    const { customer, ada } = await abandonAndSignIn();
    const heal = interceptIo(nest.gateway, async ({ name }, work) => {
      const done = await work();
      if (name !== "ProviderMappingRepository.deleteOwn") return done;
      nest.stripe.attachCard(customer);
      nest.stripe.createSubscription({ customer, email: ADA });
      await nest.deliverEvents();
      return done;
    });
    await removeTrials(nest, heal);
    expect(await mapping(customer)).toMatchObject({ userId: ada.user_id, matchedBy: "nest" });
    expect(await nest.subscriptionStatus(ada.user_id)).toBe("active");
  });

  test("stays, and the removal fails, if Stripe does not know the customer", async () => {
    const { customer, ada } = await abandonAndSignIn();
    nest.stripe.credit(customer, 4000, "gbp");
    failStripe(1, "GET /v1/customers", "missing");
    expect((await removeTrials(nest)).failed).toHaveLength(1);
    nest.stripe.fault({ calls: 0, kind: "none" });
    expect(await mapping(customer)).toMatchObject({ userId: ada.user_id });
    expect((await removeTrials(nest)).removed).toHaveLength(1);
    expect(await mapping(customer)).toMatchObject({ userId: ada.user_id });
  });
});

describe("the removal of a user", () => {
  const buy = async () => {
    nest.stripe.createSubscription({ email: ADA });
    await nest.deliverEvents();
  };

  test.each([
    "IdentifierRepository.removeUnverified",
    "SubscriptionRepository.deleteOfTrial",
    "UserRepository.discard",
  ])("leaves a purchase with its buyer if it arrives before %s", async (operation) => {
    await abandon();
    await removeTrials(nest, doBefore(operation, buy));
    const { user_id } = await nest.signIn(ADA);
    expect(await nest.subscriptionStatus(user_id)).toBe("active");
    await pass(nest, 35 * DAY);
    await removeTrials(nest);
    expect(await nest.subscriptionStatus(user_id)).toBe("active");
  });

  test.each([
    "IdentifierRepository.removeUnverified",
    "SubscriptionRepository.deleteOfTrial",
    "UserRepository.discard",
  ])("keeps the user of a person who signs in before %s", async (operation) => {
    await abandon();
    let tokens: Tokens | null = null;
    const signIn = async () => {
      tokens = await nest.signIn(ADA);
    };
    await removeTrials(nest, doBefore(operation, signIn));
    const { user_id, access_token } = tokens as unknown as Tokens;
    expect((await nest.call(`${V2}get_user`, { user_id }, { bearer: access_token })).status).toBe(200);
    const again = await nest.signIn(ADA);
    const own = { user_id: again.user_id };
    expect((await nest.call(`${V2}get_user`, own, { bearer: again.access_token })).status).toBe(200);
  });

  test("keeps the user of a person whose sign-in found the user earlier and writes while the job removes the user", async () => {
    await abandon();
    const released = Promise.withResolvers<void>();
    const found = Promise.withResolvers<void>();
    const { users } = nest.gateway.core;
    const slow = withMethods(openSignInCore(nest), "users", {
      async ensure(id, createdAt) {
        found.resolve();
        await released.promise;
        return users.ensure(id, createdAt);
      },
    });
    let signingIn: ReturnType<typeof authorizationCode.redeem> | null = null;
    const open = interceptIo(nest.gateway, async ({ name }, work) => {
      if (name === "IdentifierRepository.removeUnverified") {
        const code = exchange(await nest.emailedCode({ identifier_value: ADA })) as { client_id: string };
        signingIn = authorizationCode.redeem(slow, code, { requestId: "r", ip: IP, userAgent: null });
        await found.promise;
      }
      if (name === "UserRepository.discard") {
        released.resolve();
        await signingIn;
      }
      return work();
    });
    await removeTrials(nest, open);
    const [session] = await all("sessions");
    expect(await nest.collection("users").findOne({ _id: session?.userId as never })).not.toBeNull();
    expect((await nest.signIn(ADA)).user_id).toBe(session?.userId);
  });

  test("a sign-in restores the user of a verified address whose document is missing", async () => {
    await nest.signIn(ADA);
    await nest.collection("users").deleteMany({});
    const { user_id, access_token } = await nest.signIn(ADA);
    expect((await nest.call(`${V2}get_user`, { user_id }, { bearer: access_token })).status).toBe(200);
  });
});

describe("a purchase on the trial's customer", () => {
  test("keeps the customer if it comes after the job read its subscriptions", async () => {
    const { customer, ada } = await abandonAndSignIn();
    const open = doBefore("ProviderMappingRepository.deleteOwn", async () => {
      nest.stripe.attachCard(customer);
      nest.stripe.createSubscription({ customer, email: ADA });
    });
    await removeTrials(nest, open);
    await nest.deliverEvents();
    expect(await nest.subscriptionStatus(ada.user_id)).toBe("active");
  });

  test.each([false, true])(
    "raises an alarm if Stripe cancels it with the customer, events delivered before: %s",
    async (isDelivered) => {
      const { customer } = await abandonAndSignIn();
      let bought = "";
      let requests = Number.NEGATIVE_INFINITY;
      const open = interceptIo(nest.gateway, async ({ name }, work) => {
        if (name === "ProviderMappingRepository.deleteOwn") requests = 0;
        // The customer and three lists are read after the mapping is deleted. Then follows the deletion.
        if (name !== "StripeApi.request" || ++requests !== 5) return work();
        nest.stripe.attachCard(customer);
        bought = nest.stripe.createSubscription({ customer, email: ADA }).id;
        if (isDelivered) await nest.deliverEvents();
        return work();
      });
      await removeTrials(nest, open);
      await nest.deliverEvents();
      expect(nest.logged("paid_customer_deleted")).toMatchObject([{ alarm: true, subscription_id: bought }]);
    },
  );
});
