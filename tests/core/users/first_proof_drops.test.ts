import { afterAll, beforeAll, expect, test } from "vitest";
import { ownAccountId } from "#core/accounts/own_account.ts";
import { startNest, type TestNest, type Tokens, V1 } from "#tests/support/nest.ts";
import { P2, register, resetPassword, sentReset, signInWith } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";

let nest: TestNest;
beforeAll(async () => {
  nest = await startNest();
});
afterAll(() => nest.stop());

async function byReset(identifier_value: string): Promise<Tokens> {
  const { token } = await sentReset(nest, { identifier_value });
  expect((await resetPassword(nest, { token })).status).toBe(200);
  return (await signInWith(nest, identifier_value, P2)).body;
}

test.each([
  ["a link", (address: string) => nest.signIn(address)],
  ["a reset", byReset],
])(
  "%s that proves an address leaves no name, locale, metadata and consent of a stranger",
  async (way, prove) => {
    const address = `${way.replace(" ", "-")}@x.test`;
    const names = { name: "Call +1 555 0100", account_name: "Call us" };
    const stranger = (await register(nest, { identifier_value: address, ...names })).body;
    const { user_id } = stranger;
    const consent = { user_id, level: "general" };
    const given = await nest.call(`${V1}set_marketing_consent`, consent, { bearer: stranger.access_token });
    expect(given.status).toBe(204);
    const planted = { locale: "de", metadata: { plan: "enterprise" } };
    const set = await nest.call(`${V3}update_user`, planted, { bearer: stranger.access_token });
    expect(set.body.user).toMatchObject(planted);
    const { access_token: bearer } = await prove(address);
    expect((await nest.call(`${V3}get_user`, {}, { bearer })).body).toMatchObject({
      ...{ id: user_id, name: null, locale: null, metadata: {} },
    });
    const account = await nest.collection("accounts").findOne({ _id: ownAccountId(user_id) });
    expect(account).toMatchObject({ name: null });
    const now = await nest.call(`${V1}get_marketing_consent`, { user_id }, { bearer });
    expect(now.body).toEqual({ level: "none" });
    const rows = await nest.moveEvents();
    const updates = rows.filter(({ action, userId }) => action === "consent.updated" && userId === user_id);
    expect(updates.map(({ data }) => data)).toEqual([
      { level: "general", previous: null },
      { level: "none", previous: "general" },
    ]);
  },
);
