import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { linkRequest, type Reply, startNest, type TestNest, type Tokens, V1 } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";
import { setRoles } from "#tests/support/roles.ts";

const ADA = "ada@example.com";
let nest: TestNest;
let support: Tokens;
let ada: Tokens;
beforeAll(async () => {
  nest = await startNest();
  support = await nest.signIn("support@example.com");
  await setRoles(nest, support.user_id, ["support"]);
  ada = await nest.signIn(ADA);
});
afterAll(() => nest.stop());

const ask = (method: string, user_id: string, { access_token } = support): Promise<Reply> =>
  nest.call(`${V3}${method}`, { user_id }, { bearer: access_token });

test.each(["get_billing_history", "get_sign_in_history"])(
  "%s needs users.read, also for the own id, and tells only who has it whether an id exists",
  async (method) => {
    for (const id of [ada.user_id, support.user_id, "user_nobody"])
      expect((await ask(method, id, ada)).body.code).toBe("access_denied");
    expect((await ask(method, "user_nobody")).body.code).toBe("user_not_found");
    expect((await ask(method, ada.user_id)).status).toBe(200);
  },
);

describe("get_billing_history", () => {
  const history = async () => (await ask("get_billing_history", ada.user_id)).body;

  test("lists the kept subscription, a duplicate with its refund, and the payments with failed refunds", async () => {
    expect(await history()).toEqual({ subscriptions: [], payments: [] });
    const kept = nest.stripe.createSubscription({ email: ADA });
    nest.clock.advance(5);
    const duplicate = nest.stripe.createSubscription({ email: ADA });
    await nest.deliverEvents();
    const [refund] = nest.stripe.refunds();
    nest.stripe.failRefund(refund?.id ?? "", "expired_or_canceled_card");
    const { subscriptions, payments } = await history();
    expect(subscriptions).toEqual([
      expect.objectContaining({
        ...{ id: duplicate.id, is_current: false, rejected_as: "duplicate", kept_id: kept.id },
        returns: [expect.objectContaining({ amount: 499, currency: "gbp", status: "done", id: refund?.id })],
      }),
      expect.objectContaining({
        ...{ id: kept.id, status: "active", plan: "beak", is_trial: false },
        ...{
          price: { unit_amount: 499, currency: "gbp", interval: "month" },
          is_current: true,
          rejected_at: null,
          returns: [],
        },
        mails: [{ kind: "welcome", sent_at: expect.any(String) }],
      }),
    ]);
    const refunded = payments.filter(({ type }: { type: string }) => type === "refund");
    expect(refunded).toEqual([
      expect.objectContaining({ amount: -499, status: "failed", reason: "expired_or_canceled_card" }),
    ]);
    expect(payments).toHaveLength(3);
  });

  test("has null payments, and all that is stored, if Stripe fails", async () => {
    nest.stripe.fault({ calls: 100, kind: "error" });
    const { subscriptions, payments } = await history();
    nest.stripe.fault({ calls: 0, kind: "none" });
    expect([subscriptions.length, payments]).toEqual([2, null]);
  });
});

describe("get_sign_in_history", () => {
  const history = async (user_id = ada.user_id) =>
    (await ask("get_sign_in_history", user_id)).body.events as { code: string; at: string; about: string }[];

  test("lists links, sessions, their ends with the reason and returned mails, the newest first", async () => {
    const { access_token } = await nest.signIn(ADA);
    const listed = await nest.call(`${V3}list_sessions`, {}, { bearer: access_token });
    const { id: session_id } = listed.body.items.find(({ current }: { current: boolean }) => current);
    nest.clock.advance(5);
    await nest.call(`${V3}revoke_session`, { session_id }, { bearer: ada.access_token });
    nest.clock.advance(5);
    await nest.call(`${V1}send_magic_link`, linkRequest({ identifier_value: ADA }));
    const events = await history();
    expect(events.map(({ at }) => at)).toEqual(
      events
        .map(({ at }) => at)
        .sort()
        .reverse(),
    );
    expect(events[0]).toMatchObject({ code: "link_requested" });
    expect(events.map(({ code }) => code)).toEqual(expect.arrayContaining(["link_redeemed", "signed_in"]));
    expect(events).toContainEqual(
      expect.objectContaining({
        about: session_id,
        code: "session_revoked_by_user",
        text: "the session on mac was revoked: the user revoked it from another session",
        user_agent: null,
      }),
    );
    expect(JSON.stringify(events)).not.toContain("@");
  });

  test("lists at most as many events as asked for", async () => {
    const asked = { user_id: ada.user_id, limit: 2 };
    const { body } = await nest.call(`${V3}get_sign_in_history`, asked, { bearer: support.access_token });
    expect(body.events).toHaveLength(2);
  });

  test("lists nothing of an address that the user removed", async () => {
    const grace = await nest.signIn("grace@example.com");
    await nest
      .collection("identifiers")
      .updateOne({ userId: grace.user_id }, { $set: { removedAt: "2026-01-01T00:00:00.000Z" } });
    const codes = (await history(grace.user_id)).map(({ code }) => code);
    expect(codes).toEqual(["signed_in"]);
  });
});
