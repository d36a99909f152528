import { BSON } from "mongodb";
import { afterEach, expect, test, vi } from "vitest";
import { DAY, HOUR } from "#core/clock.ts";
import { createLog } from "#core/log.ts";
import type { LimitGroup, Subject } from "#core/rate_limits/limits.ts";
import { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import { createIndexes } from "#core/repositories/index_setup.ts";
import { LimitWindowsRepository } from "#core/repositories/limit_windows.ts";
import { openFreshDatabase } from "#tests/support/database.ts";

afterEach(() => {
  vi.useRealTimers();
});

/** Does some work at a time. Only `Date` is faked, so the database works as usual. */
async function at<Result>(time: number, work: () => Promise<Result>): Promise<Result> {
  vi.useFakeTimers({ toFake: ["Date"], now: time });
  try {
    return await work();
  } finally {
    vi.useRealTimers();
  }
}

const MAILBOX: Subject = ["links_per_address", "ada@example.com"];
const linksFrom = (network: string): LimitGroup => [
  [["links_per_address_and_network", network]],
  [["links_per_address"], ["links_after_daily_limit"]],
];

test("with the default limits, a mailbox keeps the windows of all networks and 20 known devices of a day, in less than 16 KB", async () => {
  await using opened = await openFreshDatabase();
  await createIndexes(opened.database);
  const windows = new LimitWindowsRepository(opened.database);
  const log = createLog(
    () => undefined,
    () => new Date(),
  );
  const limiter = new RateLimiter(windows, "k".repeat(40), { configured: {}, random: () => 0.999, log });
  const isAllowed = async (group: LimitGroup) =>
    (await limiter.count(MAILBOX, [group])).verdicts[0]?.isAllowed === true;
  let networks = 0;
  /** A link from a network that has not requested a link before. */
  const ask = async () => {
    const allowed = await isAllowed(linksFrom(`network ${networks}`));
    if (allowed) networks++;
    return allowed;
  };
  const askUntilRefused = async () => {
    while (await ask());
  };
  const own = (device: number): LimitGroup => [[["links_per_known_device", `device ${device}`]]];
  const start = Date.now();
  await at(start, ask);
  // Shortly before the day ends, the known devices use up their own limits, and networks use up the day and an hour.
  const late = start + DAY * 1000 - 60_000;
  await at(late, async () => {
    for (let device = 0; device < 20; device++) while (await isAllowed(own(device)));
    await askUntilRefused();
  });
  // The next day begins. It is used up at once, and one more network gets the link of each hour.
  const next = start + DAY * 1000 + 1000;
  await at(next, askUntilRefused);
  for (let hour = 1; hour < 24; hour++) await at(late + hour * (HOUR * 1000 + 1000), askUntilRefused);
  const end = late + 23 * (HOUR * 1000 + 1000);
  expect(end - late).toBeLessThan(DAY * 1000);
  // The first network was counted more than a day ago.
  expect(networks - 1).toBe(83);
  for (let device = 0; device < 20; device++) expect(await at(end, () => isAllowed(own(device)))).toBe(false);
  const stored = await windows.find(limiter.keyOf(...MAILBOX));
  expect(stored?.windows.filter(({ id }) => id.length === 32)).toHaveLength(83 + 20);
  expect(BSON.calculateObjectSize(stored ?? {})).toBeLessThan(16 * 1024);
});
