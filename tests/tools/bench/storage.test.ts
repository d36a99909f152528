import { BSON } from "mongodb";
import { expect, test } from "vitest";
import { DAY, plusSeconds } from "#core/clock.ts";
import { startNest, type TestNest, type Tokens, V2 } from "#tests/support/nest.ts";
import { DeviceLife, issueTimes, type Usage } from "#tools/bench/device_life.ts";
import { bsonBytesAt, USAGES } from "#tools/bench/sections/storage.ts";

/** A time that real TTL indexes do not reach. */
const START = new Date("2090-01-01T00:00:00.000Z");
const ONCE_A_DAY: Usage = { name: "once a day", accessTokenLifetimeSeconds: 3600, hoursADay: 0.5 };
const COLLECTIONS = ["sessions", "access_tokens", "refresh-tokens"] as const;

/** A clock that stands still until it is advanced. */
function standingClock() {
  let now = START;
  return {
    now: () => now,
    advance: (seconds: number) => {
      now = plusSeconds(now, seconds);
    },
  };
}

const sizesOf = (documents: readonly object[]) =>
  documents.map((document) => BSON.calculateObjectSize(document)).sort((one, other) => one - other);

/** Removes the documents whose purge date has passed, as a TTL index does, and reads the others. */
async function keptDocuments(nest: TestNest) {
  const read = COLLECTIONS.map(async (name) => {
    await nest.collection(name).deleteMany({ purgeAt: { $lte: nest.clock.now() } });
    return [name, await nest.collection(name).find().toArray()] as const;
  });
  return Object.fromEntries(await Promise.all(read)) as Record<(typeof COLLECTIONS)[number], object[]>;
}

test("a device that refreshes once a day for 400 days holds as many documents on day 400 as on day 40", async () => {
  const nest = await startNest({ clock: standingClock() });
  const life = new DeviceLife(ONCE_A_DAY, 0, START, 401);
  const use = ({ access_token, user_id }: Tokens) =>
    nest.call(`${V2}get_user`, { user_id }, { bearer: access_token });
  let tokens = await nest.signIn();
  await use(tokens);
  for (let day = 1; day <= 400; day++) {
    nest.clock.advance(DAY);
    tokens = (await nest.refresh(tokens.refresh_token)).body;
    expect((await use(tokens)).status).toBe(200);
    if (day !== 40 && day !== 200 && day !== 400) continue;
    const stored = await keptDocuments(nest);
    const counts = COLLECTIONS.map((name) => stored[name].length);
    // Records of 7 days and an hour, used tokens of 35 days, and the unused token.
    expect(counts, `day ${day}`).toEqual([1, 8, 36]);
    const generated = life.documentsAt(nest.clock.now());
    for (const name of ["access_tokens", "refresh-tokens"] as const)
      expect(sizesOf(generated[name]), "the generated documents are those of the service").toEqual(
        sizesOf(stored[name]),
      );
  }
  await nest.stop();
});

/** Every day of the first 60, then every 20 days. */
const AGES_DAYS = [...Array(60).keys(), ...Array.from({ length: 18 }, (_, index) => 60 + 20 * index)];

test.each(USAGES.filter(({ hoursADay }) => hoursADay === 8))(
  "the documents of a machine in daily use with $name stay below 0.24 MB at any age, and stop growing",
  (usage) => {
    const sizes = AGES_DAYS.map((days) => bsonBytesAt(usage, days));
    // The rest of the target of 0.4 MB is for indexes and for what updates leave behind.
    expect(Math.max(...sizes)).toBeLessThan(240_000);
    expect(Math.max(...sizes.slice(60))).toBeLessThanOrEqual(Math.max(...sizes.slice(0, 60)));
  },
);

test("a machine that refreshes every 90 minutes of 8 hours a day holds 35 days of used tokens and 7 of access tokens", () => {
  const [, hourly] = USAGES;
  if (!hourly) throw new Error("The usage is missing.");
  expect(issueTimes(hourly, 365)).toHaveLength(6 * 365);
  const { access_tokens, "refresh-tokens": refresh_tokens } = new DeviceLife(
    hourly,
    0,
    START,
    366,
  ).documentsAt(plusSeconds(START, 365 * DAY - 1));
  expect([access_tokens.length, refresh_tokens.length]).toEqual([7 * 6, 35 * 6 + 1]);
});
