import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Authorization,
  AuthorizationRepository,
  FAILED_REDEMPTIONS_LIMIT,
} from "#core/repositories/authorizations.ts";
import { atOnce, moment, rounds } from "#tests/support/concurrency.ts";
import { openFreshDatabase } from "#tests/support/database.ts";

let opened: Awaited<ReturnType<typeof openFreshDatabase>>;
let authorizations: AuthorizationRepository;
beforeAll(async () => {
  opened = await openFreshDatabase();
  authorizations = new AuthorizationRepository(opened.database);
});
afterAll(() => opened[Symbol.asyncDispose]());

const link = (_id: string, identifierValue: string): Authorization => ({
  _id,
  key: "hash",
  clientId: "client",
  state: "state",
  codeChallengeMethod: "S256",
  codeChallenge: "challenge",
  redirectUri: "https://magic.getbeak.app/",
  identifierType: "email",
  identifierValue,
  device: null,
  trialId: null,
  createdAt: moment(0),
  expiresAt: moment(1200),
  usedAt: null,
  revokedAt: null,
  failedRedemptions: 0,
  purgeAt: new Date("2030-01-01"),
});

test("of many who redeem a link at once, one does", async () => {
  await rounds(async (round) => {
    await authorizations.insert(link(`one-${round}`, "one@example.com"));
    const redeemed = await atOnce(() => authorizations.redeem(`one-${round}`, "session", moment(1)));
    expect(redeemed.filter((authorization) => authorization !== null)).toHaveLength(1);
  });
});

test("a link that is redeemed and failed at once is spent before the tenth failure, or burnt and never spent", async () => {
  await rounds(async (round) => {
    const id = `failed-${round}`;
    await authorizations.insert(link(id, "failed@example.com"));
    await atOnce<unknown>((caller) =>
      // The redemption comes somewhere among the failures, in each round somewhere else.
      caller === 2 * round
        ? authorizations.redeem(id, "session", moment(1))
        : authorizations.countFailure(id),
    );
    const { usedAt, failedRedemptions } = (await authorizations.find(id)) as Authorization;
    expect(failedRedemptions < FAILED_REDEMPTIONS_LIMIT).toBe(usedAt !== null);
    await atOnce(() => authorizations.countFailure(id), FAILED_REDEMPTIONS_LIMIT);
    expect(await authorizations.redeem(id, "session", moment(2))).toBeNull();
    const later = await authorizations.find(id);
    expect(later?.usedAt).toBe(usedAt);
    if (usedAt !== null) expect(later?.failedRedemptions).toBe(failedRedemptions);
  });
});

test("failures at once are all counted", async () => {
  await authorizations.insert(link("counted", "counted@example.com"));
  await atOnce(() => authorizations.countFailure("counted"), FAILED_REDEMPTIONS_LIMIT - 1);
  expect(await authorizations.find("counted")).toMatchObject({
    failedRedemptions: FAILED_REDEMPTIONS_LIMIT - 1,
  });
  expect(await authorizations.redeem("counted", "session", moment(1))).not.toBeNull();
});

test("links of one address that are redeemed and revoked at once end as one of the two, never both", async () => {
  await rounds(async (round) => {
    const address = `both-${round}@example.com`;
    const links = Array.from({ length: 12 }, (_, number) => link(`both-${round}-${number}`, address));
    for (const each of links) await authorizations.insert(each);
    const redeemed = await atOnce(async (caller) => {
      const id = `both-${round}-${caller}`;
      const spent = await authorizations.redeem(id, "session", moment(1));
      if (spent) await authorizations.revokeOthers(spent, moment(2));
      return spent ? id : null;
    }, links.length);
    expect(redeemed.some((id) => id !== null)).toBe(true);
    for (const { _id } of links) {
      const { usedAt, revokedAt } = (await authorizations.find(_id)) as Authorization;
      expect([usedAt !== null, revokedAt !== null]).toEqual([
        redeemed.includes(_id),
        !redeemed.includes(_id),
      ]);
    }
  });
});

test("a sign-in revokes the address's links at its client, and nobody else's", async () => {
  const others = [
    { ...link("other-client", "others@example.com"), clientId: "another" },
    link("other-address", "another@example.com"),
  ];
  for (const each of [link("others", "others@example.com"), ...others]) await authorizations.insert(each);
  const spent = await authorizations.redeem("others", "session", moment(1));
  await authorizations.revokeOthers(spent as Authorization, moment(2));
  for (const { _id } of others) expect(await authorizations.find(_id)).toMatchObject({ revokedAt: null });
});

test("a link notes that the others were ended for it, also where there were none, but not for an earlier attempt", async () => {
  await authorizations.insert(link("noted", "noted@example.com"));
  const lost = (await authorizations.redeem("noted", "lost", moment(1))) as Authorization;
  const spent = (await authorizations.redeem("noted", "session", moment(9), moment(1))) as Authorization;
  expect(spent.othersEndedAt).toBeNull();
  await authorizations.revokeOthers(lost, moment(10));
  expect(await authorizations.find("noted")).toEqual(spent);
  await authorizations.revokeOthers(spent, moment(11));
  expect(await authorizations.find("noted")).toEqual({ ...spent, othersEndedAt: moment(11) });
});

test("a link that came to nothing is taken again by one of many, and given back by its own attempt only", async () => {
  await rounds(async (round) => {
    const id = `lost-${round}`;
    await authorizations.insert(link(id, "lost@example.com"));
    await authorizations.redeem(id, "lost", moment(1));
    const taken = await atOnce<unknown>((caller) =>
      caller % 2 === 0
        ? authorizations.redeem(id, `session-${caller}`, moment(10), moment(1))
        : authorizations.giveBack(id, "another"),
    );
    const winners = taken.filter((authorization) => authorization);
    expect(winners).toHaveLength(1);
    await atOnce(() => authorizations.giveBack(id, "lost"), 3);
    expect(await authorizations.find(id)).toEqual(winners[0]);
  });
});
