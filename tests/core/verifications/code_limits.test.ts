import { afterEach, describe, expect, test } from "vitest";
import { askForCode, PHONE, redeemCode, sentCode, wrongCode } from "#tests/support/codes.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";
import { countTrips, warmConnections } from "#tests/support/trips.ts";

let nest: TestNest;
afterEach(() => nest.stop());

const start = async (environment: Record<string, string>) => {
  nest = await startNest({ environment });
};
const numberOf = (index: number) => `+65912345${String(index).padStart(2, "0")}`;
const codeOf = ({ status, body }: { status: number; body: { code?: string } }) =>
  status === 200 ? "200" : body.code;
const ips = (index: number) => ({ ip: `203.0.113.${index}` });

describe("limits of send_otp", () => {
  test.each([
    ["phone", PHONE],
    ["email", "ada@example.com"],
  ])("allow one code in 60 s for a %s, for every network", async (identifier_type, identifier_value) => {
    await start({ LIMIT_CODES_PER_IDENTIFIER: "1" });
    const ask = (ip: number) =>
      askForCode(
        nest,
        { identifier_type, identifier_value },
        { ...ips(ip), headers: { "x-forwarded-for": `198.51.100.${ip}` } },
      );
    expect((await ask(1)).status).toBe(200);
    const refused = await ask(2);
    expect(refused.status).toBe(429);
    const retryAfter = Number(refused.headers["retry-after"]);
    expect(retryAfter).toBeGreaterThanOrEqual(1);
    expect(retryAfter).toBeLessThanOrEqual(60);
    expect(refused.body.meta.retry_after).toBe(retryAfter);
  });

  test("allow another code at once if the message was not sent", async () => {
    await start({ LIMIT_CODES_PER_IDENTIFIER: "1" });
    nest.sns.fault({ calls: 1, kind: "rejected" });
    nest.ses.fault({ calls: 1, kind: "rejected" });
    const mail = { identifier_type: "email", identifier_value: "ada@example.com" };
    expect([codeOf(await askForCode(nest)), codeOf(await askForCode(nest, mail))]).toEqual([
      "delivery_failed",
      "delivery_failed",
    ]);
    expect([codeOf(await askForCode(nest)), codeOf(await askForCode(nest, mail))]).toEqual(["200", "200"]);
    // SNS may have sent this one.
    nest.sns.fault({ calls: 1, kind: "error" });
    const other = { identifier_value: numberOf(1) };
    nest.sns.fault({ calls: 1, kind: "hang" });
    expect(codeOf(await askForCode(nest, other))).toBe("delivery_failed");
    expect(codeOf(await askForCode(nest, other))).toBe("rate_limited");
  });

  test("allow 5 SMS a day for a number and network, and 10 for a number", async () => {
    await start({ LIMIT_SMS_PER_NUMBER_AND_NETWORK: "5", LIMIT_SMS_PER_NUMBER: "10" });
    const answers = [];
    for (let index = 0; index < 6; index++) answers.push(codeOf(await askForCode(nest, {}, ips(1))));
    for (let index = 0; index < 6; index++) answers.push(codeOf(await askForCode(nest, {}, ips(2))));
    const five = Array.from({ length: 5 }, () => "200");
    expect(answers).toEqual([...five, "rate_limited", ...five, "rate_limited"]);
    expect(codeOf(await askForCode(nest, {}, ips(3)))).toBe("rate_limited");
    expect(nest.sns.inbox).toHaveLength(10);
  });

  test("allow 10 SMS a day for the new numbers of a range, however many race, and spare numbers that signed in", async () => {
    await start({ LIMIT_SMS_PER_RANGE: "10" });
    await redeemCode(nest, await sentCode(nest));
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_one, index) =>
        askForCode(nest, { identifier_value: numberOf(index) }, ips(index)),
      ),
    );
    // The number that signed in took one of the ten when it was new.
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(9);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(31);
    expect(codeOf(await askForCode(nest))).toBe("200");
    expect(codeOf(await askForCode(nest, { identifier_value: "+6598765432" }))).toBe("200");
  });

  test("keep half of the daily SMS for numbers that have signed in", async () => {
    await start({ LIMIT_SMS_PER_DAY: "4" });
    await redeemCode(nest, await sentCode(nest));
    const answers = [];
    for (const index of [1, 2])
      answers.push(codeOf(await askForCode(nest, { identifier_value: numberOf(index) })));
    for (let index = 0; index < 3; index++) answers.push(codeOf(await askForCode(nest)));
    expect(answers).toEqual(["200", "rate_limited", "200", "200", "rate_limited"]);
  });

  test("count codes by mail as links: 30 a day for a mailbox, and one an hour after that", async () => {
    await start({ LIMIT_LINKS_PER_ADDRESS: "2" });
    const mail = { identifier_type: "email", identifier_value: "ada@example.com" };
    await nest.requestLink();
    const answers = [];
    for (const tag of ["+a", "+b", "+c"])
      answers.push(codeOf(await askForCode(nest, { ...mail, identifier_value: `ada${tag}@example.com` })));
    expect(answers).toEqual(["200", "200", "rate_limited"]);
  });

  test("refuse with at most 3 commands, and an SMS of a full network with 1", async () => {
    await start({ LIMIT_CODES_PER_IDENTIFIER: "1", LIMIT_LINKS_PER_NETWORK: "4" });
    await warmConnections(nest.gateway.mongo.client, 8);
    const mail = { identifier_type: "email", identifier_value: "ada@example.com" };
    const commands = async (change: object) => {
      const counted = await countTrips(nest.gateway.mongo.client, async () => {
        expect((await askForCode(nest, { ...change })).status).toBe(429);
      });
      return counted.commands.length;
    };
    await askForCode(nest);
    await askForCode(nest, mail);
    expect(await commands({})).toBe(3);
    expect(await commands(mail)).toBe(3);
    expect(await commands({ identifier_value: numberOf(7) })).toBe(1);
  });
});

describe("limits of wrong codes", () => {
  test("allow 20 a day for an identifier and network, which new codes do not reset, and 100 for an identifier", async () => {
    await start({
      LIMIT_CODE_FAILURES_PER_IDENTIFIER_AND_NETWORK: "6",
      LIMIT_CODE_FAILURES_PER_IDENTIFIER: "8",
    });
    const answers: unknown[] = [];
    const guess = async (ip: number, times: number) => {
      const { nonce, code } = await sentCode(nest);
      for (let index = 0; index < times; index++)
        answers.push(codeOf(await redeemCode(nest, { nonce, code: wrongCode(code) }, {}, ips(ip))));
      return { nonce, code };
    };
    const wrong = (count: number) => Array.from({ length: count }, () => "verification_not_found");
    await guess(1, 5);
    const second = await guess(1, 2);
    expect(answers).toEqual([...wrong(6), "rate_limited"]);
    // The right code is not compared either.
    expect(codeOf(await redeemCode(nest, second, {}, ips(1)))).toBe("rate_limited");
    answers.length = 0;
    await guess(2, 3);
    expect(answers).toEqual([...wrong(2), "rate_limited"]);
  });

  test("do not count right codes", async () => {
    await start({ LIMIT_CODE_FAILURES_PER_IDENTIFIER: "2" });
    for (let index = 0; index < 4; index++)
      expect((await redeemCode(nest, await sentCode(nest))).status).toBe(200);
  });

  test("leave a device that has signed in a limit of its own", async () => {
    await start({ LIMIT_CODE_FAILURES_PER_IDENTIFIER: "2" });
    const device = { platform: "mac", beak_id: "b", fingerprint: "f", device_id: "d" };
    expect((await redeemCode(nest, await sentCode(nest), { device })).status).toBe(200);
    const stolen = await sentCode(nest);
    for (let index = 0; index < 2; index++)
      await redeemCode(nest, { ...stolen, code: wrongCode(stolen.code) });
    const sent = await sentCode(nest);
    expect(codeOf(await redeemCode(nest, sent))).toBe("rate_limited");
    // `device_id` makes no device known.
    expect(codeOf(await redeemCode(nest, sent, { device: { device_id: "d" } }))).toBe("rate_limited");
    expect(codeOf(await redeemCode(nest, sent, { device }))).toBe("200");
  });
});

test("codes are neither sent nor compared while the rate limiter can't count", async () => {
  await start({ LIMIT_CODES_PER_IDENTIFIER: "1000", LIMIT_CODE_FAILURES_PER_IDENTIFIER: "1000" });
  const sent = await sentCode(nest);
  const { limitWindows } = nest.gateway.core;
  const count = limitWindows.count.bind(limitWindows);
  limitWindows.count = async () => {
    throw Object.assign(new Error("lost"), { name: "MongoNetworkError" });
  };
  nest.sns.clear();
  for (const change of [{}, { identifier_type: "email", identifier_value: "ada@example.com" }]) {
    const { status, body } = await askForCode(nest, change);
    expect([status, body.code]).toEqual([503, "unavailable"]);
  }
  const reply = await redeemCode(nest, sent);
  expect([reply.status, reply.body.code]).toEqual([503, "unavailable"]);
  expect(nest.sns.inbox).toEqual([]);
  limitWindows.count = count;
  expect((await redeemCode(nest, sent)).status).toBe(200);
});
