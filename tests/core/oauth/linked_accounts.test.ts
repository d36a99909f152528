import { afterAll, beforeAll, expect, test } from "vitest";
import type { Resource } from "#core/ids.ts";
import { isFull, LINKED_LIMIT, REMEMBERED_LIMIT } from "#core/oauth/linked_identities.ts";
import { unfinishedRemovals } from "#core/users/unfinished_removals.ts";
import type { Reply, TestNest } from "#tests/support/nest.ts";
import {
  codeToLink,
  linkAccount,
  newPerson,
  REDEEM_FIELDS,
  startWithProviders,
  visit,
} from "#tests/support/oauth.ts";
import { V3 } from "#tests/support/plans.ts";

let nest: TestNest;
beforeAll(async () => {
  nest = await startWithProviders();
});
afterAll(() => nest.stop());

const link = async (bearer: string, person = newPerson()): Promise<Reply> =>
  nest.call(
    `${V3}link_oauth`,
    { ...REDEEM_FIELDS, code: await codeToLink(nest, bearer, person) },
    { bearer },
  );
const unlink = (bearer: string, oauth_identity_id: string) =>
  nest.call(`${V3}unlink_oauth`, { oauth_identity_id }, { bearer });
const codeOf = ({ status, body }: Reply) => [status, body.code ?? null];
const storedOf = (userId: string) => nest.collection("oauth_identities").find({ userId }).toArray();

test("a user can link ten accounts, each of them repeatedly, and an eleventh is refused", async () => {
  const { user_id, access_token } = await nest.signIn("many@example.com");
  const person = newPerson();
  const first = await linkAccount(nest, access_token, person);
  const [stored] = await nest.gateway.core.oauthIdentities.listByUser(user_id);
  if (!stored) throw new Error("no account is linked");
  for (let number = 1; number < LINKED_LIMIT; number++) {
    const other = { _id: `oauthid_many_${number}`, subject: `many ${number}` };
    await nest.gateway.core.oauthIdentities.link({ ...stored, ...other });
  }
  expect(codeOf(await link(access_token))).toEqual([409, "too_many_oauth_identities"]);
  expect(codeOf(await link(access_token, person))).toEqual([200, null]);
  // A trusted provider that proves the user's address links no further account either.
  const joining = newPerson({ email: "many@example.com" });
  expect((await visit(nest, joining)).error).toBe("account_exists");
  expect((await unlink(access_token, first)).status).toBe(200);
  expect(codeOf(await link(access_token))).toEqual([200, null]);
});

test("linking and unlinking one account many times leaves two links, and one entry in the user document", async () => {
  const person = newPerson({ email: "again@example.com" });
  for (let round = 0; round < 4; round++) {
    const { user_id, access_token } = await nest.signIn("again@example.com");
    expect((await unlink(access_token, await linkAccount(nest, access_token, person))).status).toBe(200);
    await nest.moveEvents();
    nest.clock.advance(2 * 3600);
    const links = (await storedOf(user_id)).filter(({ subject }) => subject === person.sub);
    expect(links.length).toBeLessThanOrEqual(2);
    const user = await nest.collection("users").findOne({ _id: user_id as never });
    expect(user?.removedIdentifierIds).toHaveLength(1);
  }
  // The user's removal is still known.
  expect((await visit(nest, person)).error).toBe("account_exists");
});

test("unlinked accounts count toward a higher limit than linked ones", () => {
  const linked = { removedAt: null };
  const unlinked = { removedAt: "2026-01-01T00:00:00.000Z" };
  const some = (count: number, one: { removedAt: string | null }) => Array.from({ length: count }, () => one);
  expect(isFull(some(LINKED_LIMIT - 1, linked))).toBe(false);
  expect(isFull(some(LINKED_LIMIT, linked))).toBe(true);
  expect(isFull(some(REMEMBERED_LIMIT - 1, unlinked))).toBe(false);
  expect(isFull(some(REMEMBERED_LIMIT, unlinked))).toBe(true);
});

test("a finished removal leaves the list of removals after a minute, and a removal that stopped stays", () => {
  const now = new Date("2026-01-01T00:01:00.000Z");
  const found = [
    { _id: "long ago", removedAt: "2026-01-01T00:00:00.000Z" },
    { _id: "just now", removedAt: "2026-01-01T00:00:00.001Z" },
    { _id: "stopped", removedAt: null },
  ];
  const removed = ["long ago", "just now", "stopped", "oauthid_discarded", "mfafac_unread"];
  const left = (all: Resource[]) => unfinishedRemovals(removed, { found, all, now });
  expect(left(["identifier", "oauthIdentity"])).toEqual(["just now", "stopped", "mfafac_unread"]);
  expect(left([])).toEqual(["just now", "stopped", "oauthid_discarded", "mfafac_unread"]);
});
