import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Authorization,
  AuthorizationRepository,
  FAILED_REDEMPTIONS_LIMIT,
} from "#core/repositories/authorizations.ts";
import type { Redemption } from "#core/repositories/redeemable.ts";
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
const redemption = (second: number): Redemption => ({
  sessionId: "session",
  accessTokenId: "access",
  refreshTokenId: "refresh",
  salt: "salt",
  keyId: "key",
  startedAt: moment(second),
});
const unused = (_id: string) => ({ _id, usedAt: null });

test("redeems a link once when many calls race", async () => {
  await rounds(async (round) => {
    await authorizations.insert(link(`one-${round}`, "one@example.com"));
    const redeemed = await atOnce(() => authorizations.redeem(`one-${round}`, redemption(1)));
    expect(redeemed.filter((authorization) => authorization !== null)).toHaveLength(1);
  });
});

test("redeems a link before its tenth failure or not at all when redemption and failures race", async () => {
  await rounds(async (round) => {
    const id = `failed-${round}`;
    await authorizations.insert(link(id, "failed@example.com"));
    await atOnce<unknown>((caller) =>
      // In each round the redemption is sent at another position among the failures.
      caller === 2 * round
        ? authorizations.redeem(id, redemption(1))
        : authorizations.countFailure(unused(id)),
    );
    const { usedAt, failedRedemptions } = (await authorizations.find(id)) as Authorization;
    expect(failedRedemptions < FAILED_REDEMPTIONS_LIMIT).toBe(usedAt !== null);
    await atOnce(() => authorizations.countFailure(unused(id)), FAILED_REDEMPTIONS_LIMIT);
    expect(await authorizations.redeem(id, redemption(2))).toBeNull();
    const later = await authorizations.find(id);
    expect(later?.usedAt).toBe(usedAt);
    if (usedAt !== null) expect(later?.failedRedemptions).toBe(failedRedemptions);
  });
});

test("counts exactly ten failures when more race, and one call gets each number", async () => {
  await authorizations.insert(link("burned", "counted@example.com"));
  const numbers = await atOnce(
    () => authorizations.countFailure(unused("burned")),
    3 * FAILED_REDEMPTIONS_LIMIT,
  );
  expect(numbers.filter((number) => number !== null).sort((one, other) => one - other)).toEqual(
    Array.from({ length: FAILED_REDEMPTIONS_LIMIT }, (_, index) => index + 1),
  );
  expect(await authorizations.find("burned")).toMatchObject({ failedRedemptions: FAILED_REDEMPTIONS_LIMIT });
});

test("counts every failure when many race", async () => {
  await authorizations.insert(link("counted", "counted@example.com"));
  await atOnce(() => authorizations.countFailure(unused("counted")), FAILED_REDEMPTIONS_LIMIT - 1);
  expect(await authorizations.find("counted")).toMatchObject({
    failedRedemptions: FAILED_REDEMPTIONS_LIMIT - 1,
  });
  expect(await authorizations.redeem("counted", redemption(1))).not.toBeNull();
});

test("each link of an address is redeemed or revoked, never both, when all are redeemed at once", async () => {
  await rounds(async (round) => {
    const address = `both-${round}@example.com`;
    const links = Array.from({ length: 12 }, (_, number) => link(`both-${round}-${number}`, address));
    for (const each of links) await authorizations.insert(each);
    const redeemed = await atOnce(async (caller) => {
      const id = `both-${round}-${caller}`;
      const spent = await authorizations.redeem(id, redemption(1));
      if (spent) await authorizations.endOthers(spent, moment(2));
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

test("a sign-in does not revoke links of other clients or other addresses", async () => {
  const others = [
    { ...link("other-client", "others@example.com"), clientId: "another" },
    link("other-address", "another@example.com"),
  ];
  for (const each of [link("others", "others@example.com"), ...others]) await authorizations.insert(each);
  const spent = await authorizations.redeem("others", redemption(1));
  await authorizations.endOthers(spent as Authorization, moment(2));
  for (const { _id } of others) expect(await authorizations.find(_id)).toMatchObject({ revokedAt: null });
});

test("ends the resumption of the address's other redeemed links, and changes nothing else of them", async () => {
  const [earlier, later] = [link("earlier", "ends@example.com"), link("later", "ends@example.com")];
  for (const each of [earlier, later]) await authorizations.insert(each);
  const first = (await authorizations.redeem(earlier._id, redemption(1))) as Authorization;
  const second = (await authorizations.redeem(later._id, redemption(2))) as Authorization;
  await authorizations.endOthers(second, moment(3));
  expect(await authorizations.find(earlier._id)).toEqual({ ...first, redemption: null });
  expect(await authorizations.find(later._id)).toEqual(second);
  expect(await authorizations.resume(earlier._id, moment(1), moment(10))).toBeNull();
});

test("resumes a redemption once when many calls race, and keeps what it issues", async () => {
  await rounds(async (round) => {
    const id = `resumed-${round}`;
    await authorizations.insert(link(id, "resumed@example.com"));
    await authorizations.redeem(id, redemption(1));
    const resumed = await atOnce(() => authorizations.resume(id, moment(1), moment(10)));
    expect(resumed.filter((authorization) => authorization !== null)).toHaveLength(1);
    expect(await authorizations.find(id)).toMatchObject({
      usedAt: moment(1),
      redemption: { ...redemption(1), startedAt: moment(10) },
    });
  });
});

test.each([
  ["expired", { expiresAt: moment(10) }],
  ["revoked", { revokedAt: moment(2) }],
  ["blocked by failures", { failedRedemptions: FAILED_REDEMPTIONS_LIMIT }],
])("does not resume a redemption whose link is %s", async (how, change) => {
  await authorizations.insert({
    ...link(how, "resumed@example.com"),
    ...change,
    usedAt: moment(1),
    redemption: redemption(1),
  });
  expect(await authorizations.resume(how, moment(1), moment(10))).toBeNull();
});
