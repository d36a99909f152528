import { afterAll, beforeAll, expect, test } from "vitest";
import { BY_OPERATOR } from "#core/events/event_source.ts";
import { recordEvent } from "#core/events/record_event.ts";
import { createIndexes } from "#core/repositories/index_setup.ts";
import { LimitWindowsRepository } from "#core/repositories/limit_windows.ts";
import { type MailEvent, MailEventRepository } from "#core/repositories/mail_events.ts";
import { type MarketingConsent, MarketingConsentRepository } from "#core/repositories/marketing_consents.ts";
import { atOnce, CALLERS, moment, rounds, UNIQUE_ROUNDS } from "#tests/support/concurrency.ts";
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

test("stores one document when many first choices of consent race, with every choice in its history and its events", async () => {
  const consents = new MarketingConsentRepository(opened.database);
  const change = (caller: number) =>
    ({ level: "general", changedAt: moment(caller), ip: null, clientId: null }) as const;
  await rounds(async (round) => {
    const target = { type: "user", id: `user-${round}` } as const;
    const about = { userId: target.id, target, data: { level: "general", previous: null } };
    const updated = (caller: number) => recordEvent("consent.updated", about, BY_OPERATOR, moment(caller));
    await atOnce((caller) =>
      consents.set(`consent-${round}-${caller}`, target.id, change(caller), [updated(caller)]),
    );
    const stored = opened.database.collection(MarketingConsentRepository.collectionName);
    const found = await stored.find<MarketingConsent>({ userId: `user-${round}` }).toArray();
    expect(found.map(({ history }) => history.map(({ changedAt }) => changedAt).sort())).toEqual([
      Array.from({ length: CALLERS }, (_, caller) => moment(caller)),
    ]);
    expect(found.map(({ events = [] }) => events.map(({ at }) => at).sort())).toEqual([
      Array.from({ length: CALLERS }, (_, caller) => moment(caller)),
    ]);
  });
});

test.each([
  ["the first of its subject", false],
  ["of a known subject", true],
])(
  "lets exactly the allowed number of 50 racing calls pass a rate limit: calls %s",
  async (_calls, isKnown) => {
    const repository = new LimitWindowsRepository(opened.database);
    const limit = { id: "links_per_address", limit: "links_per_address", capacity: 7, seconds: 3600 };
    const hour = { ...limit, id: "links_after_daily_limit", capacity: 1 };
    const network = (number: number) => ({ ...limit, id: `network-${number}`, capacity: 3 });
    const now = { now: new Date(), weight: 1 };
    await rounds(async (round) => {
      const key = `key-${round}-${isKnown}`;
      if (isKnown) await repository.count(key, [[[{ ...limit, id: "other" }]]], now);
      const answers = await atOnce(async (caller) => {
        const { lastCounted } = await repository.count(key, [[[network(caller % 10)], [limit, hour]]], now);
        return lastCounted.join(" ");
      }, 50);
      const countedIn = (id: string) => answers.filter((counted) => counted.split(" ").includes(id)).length;
      expect([countedIn("links_per_address"), countedIn("links_after_daily_limit")]).toEqual([7, 1]);
      expect(answers.filter((counted) => counted === "")).toHaveLength(50 - 8);
      // What the callers read is what is stored.
      const stored = await repository.find(key);
      for (const { id, count } of stored?.windows ?? [])
        if (id !== "other") expect([id, count]).toEqual([id, countedIn(id)]);
    }, UNIQUE_ROUNDS);
  },
);
