import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DAY } from "#core/clock.ts";
import { readAccount } from "#core/personal_data/personal_data.ts";
import { exportAccount, PersonalDocuments } from "#core/repositories/personal_documents.ts";
import { authorizationCode } from "#core/sign_in/grants/authorization_code.ts";
import { giveAccounts } from "#core/users/create_user.ts";
import { expectOneAccountEach } from "#tests/support/accounts.ts";
import { loseConnection, openSignInCore, withMethods } from "#tests/support/altered_core.ts";
import { atOnce } from "#tests/support/concurrency.ts";
import { exchange, linkRequest, startNest, type TestNest, V2 } from "#tests/support/nest.ts";
import { erasePerson, pass, removeTrials } from "#tests/support/trial_removal.ts";

const ADA = "ada@example.com";
let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

const check = () => expectOneAccountEach(nest.gateway.mongo.database);
const call = { requestId: "r", ip: "203.0.113.9", userAgent: null };
/** Makes a user look as if the previous release had created it. */
async function forgetAccounts(): Promise<void> {
  await nest.collection("users").updateMany({}, { $unset: { defaultAccountId: "" } });
  for (const name of ["accounts", "account_members"]) await nest.collection(name).deleteMany({});
}

describe("a user owns one account", () => {
  test("after the first sign-in, and after later ones", async () => {
    await nest.signIn(ADA);
    await nest.signIn(ADA);
    expect(await check()).toBe(1);
  });

  test("after 20 first sign-ins of one address at once", async () => {
    const codes = await Promise.all(Array.from({ length: 4 }, () => nest.emailedCode()));
    await Promise.all(codes.flatMap((code) => Array.from({ length: 5 }, () => nest.redeem(code))));
    expect(await check()).toBe(1);
  });

  test("after a trial that nobody redeemed, and after its redemption", async () => {
    await nest.call(`${V2}create_trial_and_magic_link`, linkRequest());
    expect(await check()).toBe(1);
    await nest.signIn(ADA);
    expect(await check()).toBe(1);
  });

  test("after 10 claims of one trial at once", async () => {
    await atOnce(() => nest.call(`${V2}create_trial_and_magic_link`, linkRequest()), 10);
    expect(await check()).toBe(1);
  });

  test("after a purchase at Stripe that was matched by address, and after the buyer signs in", async () => {
    nest.stripe.createSubscription({ email: ADA });
    await nest.deliverEvents();
    expect(await check()).toBe(1);
    await nest.signIn(ADA);
    expect(await check()).toBe(1);
  });

  test.each(["accounts", "accountMembers"] as const)(
    "after a redemption that lost the database at %s and is repeated",
    async (name) => {
      const code = await nest.emailedCode();
      const broken = withMethods(openSignInCore(nest), name, { insertAbsent: loseConnection });
      const redeeming = authorizationCode.redeem(broken, exchange(code) as { client_id: string }, call);
      await expect(redeeming).rejects.toThrow("the connection was lost");
      expect((await nest.redeem(code)).status).toBe(200);
      expect(await check()).toBe(1);
    },
  );

  test("and a redemption records its failure only after its other writes", async () => {
    const { core } = nest.gateway;
    const ended: string[] = [];
    const withInsert = withMethods(openSignInCore(nest), "identifiers", {
      async insert(identifier) {
        const isNew = await core.identifiers.insert(identifier);
        ended.push("identifier");
        return isNew;
      },
    });
    const withMembership = withMethods(withInsert, "accountMembers", {
      async insertAbsent(members) {
        await core.accountMembers.insertAbsent(members);
        ended.push("membership");
      },
    });
    const withFailure = withMethods(withMembership, "authorizations", {
      async recordFailedRedemption(id, startedAt) {
        ended.push("failure");
        await core.authorizations.recordFailedRedemption(id, startedAt);
      },
    });
    const broken = withMethods(withFailure, "accounts", { insertAbsent: loseConnection });
    const request = exchange(await nest.emailedCode()) as { client_id: string };
    await expect(authorizationCode.redeem(broken, request, call)).rejects.toThrow("the connection was lost");
    expect(ended.at(-1)).toBe("failure");
    expect(ended).toHaveLength(3);
  });
});

describe("a user of the previous release", () => {
  test("gets an account at the next sign-in", async () => {
    await nest.signIn(ADA);
    await forgetAccounts();
    await nest.signIn(ADA);
    expect(await check()).toBe(1);
  });

  test("gets an account with the first proof of an address that was known", async () => {
    nest.stripe.createSubscription({ email: ADA });
    await nest.deliverEvents();
    await forgetAccounts();
    await nest.signIn(ADA);
    expect(await check()).toBe(1);
  });

  test("leaves nothing if an erasure removes the user while the account is written", async () => {
    const { user_id } = await nest.signIn(ADA);
    await forgetAccounts();
    const { core } = nest.gateway;
    const late = withMethods(openSignInCore(nest), "accounts", {
      async insertAbsent(accounts) {
        await erasePerson(nest, ADA);
        await core.accounts.insertAbsent(accounts);
      },
    });
    await giveAccounts(late, [{ _id: user_id, createdAt: nest.clock.now().toISOString() }]);
    expect(await check()).toBe(0);
  });
});

describe("an account is removed", () => {
  test("with the user of a trial that nobody redeemed", async () => {
    expect(await nest.startTrial(ADA, call.ip)).toBe("204");
    expect(await check()).toBe(1);
    await nest.deliverEvents();
    await pass(nest, 50 * DAY);
    expect((await removeTrials(nest)).removed).toHaveLength(1);
    expect(await check()).toBe(0);
  });

  test("when its only member is erased, and until then the export names it", async () => {
    const { user_id } = await nest.signIn(ADA);
    const { core, mongo } = nest.gateway;
    const all = { ...core, personalDocuments: new PersonalDocuments(mongo.database) };
    const exported = exportAccount(await readAccount(all, { userId: user_id, addresses: [] }));
    expect(exported.accounts).toMatchObject([{ _id: user_id.replace("user_", "account_") }]);
    expect(exported.accountMembers).toMatchObject([{ userId: user_id, role: "owner" }]);
    await erasePerson(nest, user_id);
    expect(await check()).toBe(0);
    // Rows of the audit log keep the id of the user.
    await nest.collection("audit_logs").deleteMany({});
    expect(await nest.dump()).not.toContain(user_id.slice("user_".length));
  });

  test("when an erasure is repeated that stopped after it removed the membership", async () => {
    const { user_id } = await nest.signIn(ADA);
    await nest.collection("account_members").deleteMany({});
    await erasePerson(nest, user_id);
    expect(await check()).toBe(0);
  });

  test.each(["one after the other", "at once"])("only with its last member: %s", async (how) => {
    const [ada, bob] = [await nest.signIn(ADA), await nest.signIn("bob@example.com")];
    const accountId = ada.user_id.replace("user_", "account_");
    const members = nest.collection("account_members");
    const own = await members.findOne({ userId: ada.user_id });
    await members.insertOne({ ...own, _id: "acctmem_second" as never, userId: bob.user_id, role: "member" });
    const count = () => nest.collection("accounts").countDocuments({ _id: accountId as never });
    if (how === "at once")
      await Promise.all([erasePerson(nest, ada.user_id), erasePerson(nest, bob.user_id)]);
    else {
      await erasePerson(nest, ada.user_id);
      expect(await count()).toBe(1);
      await erasePerson(nest, bob.user_id);
    }
    expect(await count()).toBe(0);
    expect(await members.countDocuments()).toBe(0);
  });
});
