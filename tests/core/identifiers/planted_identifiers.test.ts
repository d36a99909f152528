import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { redeemCode, sentCode } from "#tests/support/codes.ts";
import { askToVerify, email, phone, sentSecret, verify } from "#tests/support/identifiers.ts";
import { BUSY_MACHINE, startNest, type TestNest } from "#tests/support/nest.ts";
import { register, resetPassword, sentReset } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";

let nest: TestNest;
let people = 0;
beforeAll(async () => {
  nest = await startNest({ slowdown: BUSY_MACHINE, environment: { LIMIT_MAILS_PER_HOUR: "0" } });
});
afterAll(() => nest.stop());

const NOT_FOUND = [404, "verification_not_found"];
const answerOf = ({ status, body }: { status: number; body: { code?: string } }) => [status, body.code];
const next = () => ({ owners: `owner${++people}@example.com`, evil: `evil${people}@example.com` });
const activeOf = async (userId: string) =>
  (await nest.gateway.core.identifiers.listByUser(userId))
    .filter(({ removedAt }) => removedAt === null)
    .map(({ identifierValue }) => identifierValue);

describe("a stranger who claimed an address that is not proved", () => {
  test("can add no other address, and can still ask to prove the claimed one", async () => {
    const { owners, evil } = next();
    const { body: stranger } = await register(nest, { identifier_value: owners });
    expect(answerOf(await askToVerify(nest, stranger, email(evil)))).toEqual([
      409,
      "identifier_not_verified",
    ]);
    expect((await askToVerify(nest, stranger, email(owners))).status).toBe(200);
  });

  test("can't prove the number that was registered with the address, until the address is proved", async () => {
    const { owners } = next();
    const { body: stranger } = await register(nest, {
      identifier_value: owners,
      phone_number: "+6591230077",
    });
    expect((await askToVerify(nest, stranger, phone("+6591230077"))).body.code).toBe(
      "identifier_not_verified",
    );
  });

  test("can't verify an address that was asked for before this rule", async () => {
    const { owners, evil } = next();
    const { body: stranger } = await register(nest, { identifier_value: owners });
    const identifiers = nest.collection("identifiers");
    const owned = { identifierValue: owners };
    await identifiers.updateOne(owned, { $set: { verifiedAt: nest.clock.now().toISOString() } });
    const { proof } = await sentSecret(nest, stranger, email(evil));
    await identifiers.updateOne(owned, { $set: { verifiedAt: null } });
    expect(answerOf(await verify(nest, proof))).toEqual(NOT_FOUND);
    const code = await sentCode(nest, email(owners));
    expect((await redeemCode(nest, code)).status).toBe(200);
    expect(await activeOf(stranger.user_id)).toEqual([owners]);
  });
});

/** Support sees what was removed before it was proved, and why; the owner never had it. */
async function showsRemoved(user_id: string, address: string) {
  const removed = (await nest.moveEvents()).filter(({ action }) => action === "identifier.removed");
  expect(removed.at(-1)).toMatchObject({ userId: user_id, data: { reason: "password_reset" } });
  const shown = await nest.call(`${V3}get_user`, { user_id }, { internal: true });
  const { id } = removed.at(-1)?.target ?? {};
  const of = { id, is_pending: false, removed_at: expect.any(String), verified_at: null };
  expect(shown.body.identifiers).toContainEqual(expect.objectContaining(of));
  const { access_token: bearer } = await nest.signIn(address);
  const own = await nest.call(`${V3}get_user`, {}, { bearer });
  expect(own.body.identifiers.map((one: { id: string }) => one.id)).not.toContain(id);
}

describe("a verification that a thief of a session asked for", () => {
  const planted = async () => {
    const { owners, evil } = next();
    const tokens = await nest.signIn(owners);
    const session = await nest.collection("sessions").findOne({ userId: tokens.user_id });
    const thief = { ...tokens, sessionId: session?._id };
    const { proof } = await sentSecret(nest, thief, { ...email(evil), delivery: "link" });
    return { owners, thief, proof };
  };

  test.each(["reset_password", "revoke_all_sessions", "revoke_session"] as const)(
    "adds nothing after %s",
    async (method) => {
      const { owners, thief, proof } = await planted();
      const owner = await nest.signIn(owners);
      if (method === "reset_password") {
        const { token } = await sentReset(nest, { identifier_value: owners });
        expect((await resetPassword(nest, { token })).status).toBe(200);
        const pending = await nest.gateway.core.pendingIdentifiers.listOpen(thief.user_id);
        expect(pending).toEqual([]);
        await showsRemoved(thief.user_id, owners);
      } else if (method === "revoke_session") {
        const asked = { session_id: thief.sessionId };
        const { status } = await nest.call(`${V3}revoke_session`, asked, { bearer: owner.access_token });
        expect(status).toBe(200);
      } else {
        const { status } = await nest.call(`${V3}revoke_all_sessions`, {}, { bearer: owner.access_token });
        expect(status).toBe(200);
      }
      expect(answerOf(await verify(nest, proof))).toEqual(NOT_FOUND);
      expect(await activeOf(thief.user_id)).toEqual([owners]);
    },
  );

  test("is revoked by a reset, also one for an address that is not the user's", async () => {
    const { owners, thief } = await planted();
    const { token } = await sentReset(nest, { identifier_value: owners });
    await resetPassword(nest, { token });
    const open = await nest.gateway.core.verifications.listOpenOfUser(
      thief.user_id,
      nest.clock.now().toISOString(),
    );
    expect(open.filter(({ purpose }) => purpose === "verify_identifier")).toEqual([]);
  });
});
