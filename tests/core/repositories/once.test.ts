import { afterAll, beforeAll, expect, test } from "vitest";
import { createIndexes } from "#core/repositories/index_setup.ts";
import { type MailEvent, MailEventRepository } from "#core/repositories/mail_events.ts";
import { type MarketingConsent, MarketingConsentRepository } from "#core/repositories/marketing_consents.ts";
import { RateLimitRepository } from "#core/repositories/rate_limits.ts";
import { StoredLimiters } from "#core/repositories/stored_limiters.ts";
import { atOnce, CALLERS, moment, rounds } from "#tests/support/concurrency.ts";
import { openFreshDatabase } from "#tests/support/database.ts";

let opened: Awaited<ReturnType<typeof openFreshDatabase>>;
beforeAll(async () => {
  opened = await openFreshDatabase();
  await createIndexes(opened.database);
});
afterAll(() => opened[Symbol.asyncDispose]());

test("stores an SES event once when many deliveries race, and keeps the first", async () => {
  const mailEvents = new MailEventRepository(opened.database);
  const event = (round: number, caller: number): MailEvent => ({
    _id: `mailevent_${round}`,
    type: "bounce",
    isPermanent: true,
    subType: null,
    identifierValues: [`bounced-${round}@example.com`],
    recipients: [`bounced-${round}@example.com`],
    messageId: `message-${caller}`,
    occurredAt: moment(0),
    createdAt: moment(caller),
    purgeAt: new Date("2030-01-01"),
  });
  await rounds(async (round) => {
    await atOnce((caller) => mailEvents.insert(event(round, caller)));
    const first = await mailEvents.findHardBounce(
      { identity: `bounced-${round}@example.com`, recipient: `bounced-${round}@example.com` },
      moment(-1),
    );
    await mailEvents.insert(event(round, 99));
    const stored = opened.database.collection<{ _id: string }>(MailEventRepository.collectionName);
    expect(await stored.find({ _id: `mailevent_${round}` }).toArray()).toEqual([first]);
  });
});

test("stores one document when many first choices of consent race, with every choice in its history", async () => {
  const consents = new MarketingConsentRepository(opened.database);
  const change = (caller: number) =>
    ({ level: "general", changedAt: moment(caller), ip: null, clientId: null }) as const;
  await rounds(async (round) => {
    await atOnce((caller) => consents.set(`consent-${round}-${caller}`, `user-${round}`, change(caller)));
    const stored = opened.database.collection(MarketingConsentRepository.collectionName);
    const found = await stored.find<MarketingConsent>({ userId: `user-${round}` }).toArray();
    expect(found.map(({ history }) => history.map(({ changedAt }) => changedAt).sort())).toEqual([
      Array.from({ length: CALLERS }, (_, caller) => moment(caller)),
    ]);
  });
});

test("lets exactly the allowed number of racing uses pass a rate limit", async () => {
  const limiter = new StoredLimiters(new RateLimitRepository(opened.database)).limiter("race", 7, 3600);
  await rounds(async (round) => {
    const results = await atOnce((_) =>
      limiter.consume(`key-${round}`).then(
        () => "passed",
        (refusal: unknown) => (refusal instanceof Error ? refusal.message : "refused"),
      ),
    );
    expect(results.filter((result) => result === "passed")).toHaveLength(7);
    expect(results.filter((result) => result === "refused")).toHaveLength(CALLERS - 7);
  });
});
