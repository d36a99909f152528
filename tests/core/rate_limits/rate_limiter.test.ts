import { MongoClient } from "mongodb";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createLog } from "#core/log.ts";
import { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import type { Sampled } from "#core/rate_limits/sampling.ts";
import { refuseIfOver } from "#core/rate_limits/verdict.ts";
import { type LimitWindows, LimitWindowsRepository } from "#core/repositories/limit_windows.ts";
import { seededRandom } from "#stripe_double/random.ts";
import {
  BUSY_MACHINE,
  linkRequest,
  MAC,
  type StartOptions,
  startNest,
  type TestNest,
  V1,
} from "#tests/support/nest.ts";
import { seedOf } from "#tests/support/seed.ts";

describe("rate limits", () => {
  let nest: TestNest;
  afterEach(() => nest.stop());

  const start = async (limits: Record<string, string>, options: StartOptions = {}) => {
    nest = await startNest({ slowdown: BUSY_MACHINE, ...options, environment: limits });
  };
  const requestLink = (identifier_value: string, ip: string, beak_id = `b-${ip}`) =>
    nest.call(
      `${V1}send_magic_link`,
      linkRequest({ identifier_value, device: { platform: "mac", beak_id, fingerprint: "f" } }),
      { ip },
    );
  /** Moves the end of every window to the past. */
  const endWindows = () =>
    nest
      .collection("limit-windows")
      .updateMany({}, { $set: { "windows.$[].endsAt": new Date(Date.now() - 1000) } });
  /** Moves the end of the windows of one limit to the past. */
  const endWindowsOf = (id: string) =>
    nest
      .collection("limit-windows")
      .updateMany(
        {},
        { $set: { "windows.$[ended].endsAt": new Date(Date.now() - 1000) } },
        { arrayFilters: [{ "ended.id": id }] },
      );
  /** The count of a limit that at most one document counts. */
  const countOf = async (id: string) => {
    const documents = await nest.gateway.mongo.database
      .collection<LimitWindows>("limit-windows")
      .find({ "windows.id": id })
      .toArray();
    expect(documents.length).toBeLessThanOrEqual(1);
    return documents[0]?.windows.find((window) => window.id === id)?.count ?? 0;
  };

  test("refuses an address above its daily limit from one network with 429 and Retry-After, and allows another network", async () => {
    await start({ LIMIT_LINKS_PER_ADDRESS_AND_NETWORK: "5" });
    for (let link = 0; link < 5; link++)
      expect((await requestLink("ada@example.com", "203.0.113.1")).status).toBe(204);
    const refused = await requestLink("ada@example.com", "203.0.113.1");
    expect(refused.status).toBe(429);
    const seconds = refused.body.meta.retry_after;
    expect(seconds).toBeGreaterThan(86_390);
    expect(seconds).toBeLessThanOrEqual(86_400);
    expect(refused.headers["retry-after"]).toBe(String(seconds));
    expect(nest.ses.inbox).toHaveLength(5);
    expect((await requestLink("ada@example.com", "203.0.113.2")).status).toBe(204);
    await endWindows();
    expect((await requestLink("ada@example.com", "203.0.113.1")).status).toBe(204);
  });

  describe("the default limits (contract 1.7)", () => {
    /** Repeats a call until it is refused. @returns the number of allowed calls, and the wait in seconds */
    const callsUntilRefused = async (call: (number: number) => ReturnType<typeof requestLink>) => {
      for (let number = 0; ; number++) {
        const { status, body } = await call(number);
        if (status === 429) return [number, body.meta.retry_after];
      }
    };
    const within = (most: number) => [expect.toSatisfy((wait) => wait > most - 60 && wait <= most)];
    beforeEach(() =>
      start({
        LIMIT_LINKS_PER_ADDRESS_AND_NETWORK: "",
        LIMIT_LINKS_PER_ADDRESS: "",
        LIMIT_LINKS_PER_NETWORK: "",
        LIMIT_FAILURES_PER_NETWORK: "",
      }),
    );

    test("allow an address 10 links a day from one network", async () => {
      const refused = await callsUntilRefused(() => requestLink("ada@example.com", "203.0.113.1"));
      expect(refused).toEqual([10, ...within(86_400)]);
    });

    test("allow an address 10 links a day from all /64 of one IPv6 /48 together", async () => {
      const refused = await callsUntilRefused((number) =>
        requestLink("ada@example.com", `2001:db8:1:${number}::1`),
      );
      expect(refused).toEqual([10, ...within(86_400)]);
      expect((await requestLink("ada@example.com", "2001:db8:2:1::1")).status).toBe(204);
    });

    test("allow one network 30 links an hour", async () => {
      const refused = await callsUntilRefused((number) =>
        requestLink(`${number}@example.com`, "203.0.113.1"),
      );
      expect(refused).toEqual([30, ...within(3600)]);
    });

    test("allow an address 30 links a day, then one an hour, and a known device 10 more", async () => {
      await nest.signIn("ada@example.com", {
        device: { platform: "mac", beak_id: "mine", fingerprint: "f" },
      });
      const refused = await callsUntilRefused((number) =>
        requestLink("ada@example.com", `198.51.100.${number}`),
      );
      // The sign-in used one of the 30 links. The hourly limit allows one more.
      expect(refused).toEqual([30, ...within(3600)]);
      const own = await callsUntilRefused((number) =>
        requestLink("ada@example.com", `192.0.2.${number}`, "mine"),
      );
      expect(own).toEqual([10, expect.toSatisfy((wait) => wait > 0 && wait <= 3600)]);
    });

    test("allow one network 60 failures a minute", async () => {
      const refused = await callsUntilRefused(() => nest.refresh(`01.reftok_nobody.${"0".repeat(64)}`));
      expect(refused).toEqual([60, ...within(60)]);
    });
  });

  test("counts IPv6 addresses with the same /48 as one network", async () => {
    await start({ LIMIT_LINKS_PER_NETWORK: "2" });
    const codes = [];
    for (const ip of ["2001:db8:1:2::1", "2001:db8:1:3::2", "2001:db8:1:ffff::3", "2001:db8:2:2::1"]) {
      codes.push((await requestLink(`${ip.replaceAll(":", "")}@example.com`, ip)).status);
    }
    expect(codes).toEqual([204, 204, 429, 204]);
  });

  test("takes the network from the gateway's source address and ignores forwarded headers", async () => {
    await start({ LIMIT_LINKS_PER_NETWORK: "2" });
    const statuses = [];
    for (const forwarded of ["198.51.100.1", "198.51.100.2", "198.51.100.3"]) {
      const headers = { "x-forwarded-for": forwarded, forwarded: `for=${forwarded}`, "x-real-ip": forwarded };
      const reply = await nest.call(`${V1}send_magic_link`, linkRequest(), { headers });
      statuses.push(reply.status);
    }
    expect(statuses).toEqual([204, 204, 429]);
  });

  test("allows an address above its daily limit one link an hour, even if 20 networks request one at once", async () => {
    await start({ LIMIT_LINKS_PER_ADDRESS: "2" });
    for (const network of [1, 2])
      expect((await requestLink("ada@example.com", `203.0.113.${network}`)).status).toBe(204);
    const countAllowed = async () => {
      const burst = Array.from({ length: 20 }, (_, network) =>
        requestLink("ada@example.com", `198.51.100.${network}`),
      );
      return (await Promise.all(burst)).filter(({ status }) => status === 204).length;
    };
    expect([await countAllowed(), await countAllowed()]).toEqual([1, 0]);
    await endWindowsOf("links_after_daily_limit");
    expect([await countAllowed(), await countAllowed()]).toEqual([1, 0]);
    expect(nest.ses.inbox).toHaveLength(4);
  });

  test("counts addresses that differ only in case or in the text after + as one mailbox", async () => {
    await start({ LIMIT_LINKS_PER_ADDRESS_AND_NETWORK: "2", LIMIT_LINKS_PER_ADDRESS: "3" });
    const statuses = [];
    for (const [address, network] of [
      ["victim@example.com", 1],
      ["Victim+1@example.com", 1],
      ["victim+2+3@example.com", 1],
      ["victim+4@EXAMPLE.com", 2],
      ["victim+5@example.com", 3],
      ["victim+6@example.com", 4],
      ["v.ictim@example.com", 1],
      ["victim@example.org", 1],
      ["+7@example.com", 1],
    ] as const)
      statuses.push((await requestLink(address, `203.0.113.${network}`)).status);
    // The fifth request is above the daily limit of 3: the hourly limit allows it.
    expect(statuses).toEqual([204, 204, 429, 204, 204, 429, 204, 204, 204]);
  });

  test("100 link requests from 50 other networks do not block the user's known device", async () => {
    await start({
      LIMIT_LINKS_PER_ADDRESS_AND_NETWORK: "5",
      LIMIT_LINKS_PER_ADDRESS: "20",
      LIMIT_LINKS_PER_NETWORK: "30",
      LIMIT_LINKS_PER_KNOWN_DEVICE: "5",
    });
    const own = { device: { platform: "mac", beak_id: "my-machine", fingerprint: "f" } };
    await nest.signIn("victim@example.com", own);
    const replies: number[] = [];
    for (let link = 0; link < 100; link++) {
      replies.push((await requestLink("victim@example.com", `198.51.100.${link % 50}`)).status);
    }
    // The sign-in used one of the 20 links. The hourly limit allows one more.
    expect(replies.filter((status) => status === 204)).toHaveLength(20);
    expect((await requestLink("victim@example.com", "203.0.113.77", "another-machine")).status).toBe(429);
    expect((await requestLink("VICTIM@example.com", "203.0.113.9", "my-machine")).status).toBe(204);
    expect((await requestLink("victim@example.com", "198.51.100.1", "my-machine")).status).toBe(204);
  });

  test("counts a refused request neither against the daily limit of its address nor against the limit of the deployment", async () => {
    await start({
      LIMIT_LINKS_PER_ADDRESS_AND_NETWORK: "2",
      LIMIT_LINKS_PER_ADDRESS: "4",
      LIMIT_MAILS_PER_HOUR: "1",
    });
    const request = () => requestLink("victim@example.com", "198.51.100.1");
    for (const status of [204, 204]) expect((await request()).status).toBe(status);
    // The limit is used up, so every concurrent request is refused.
    const flood = await Promise.all(Array.from({ length: 30 }, request));
    expect(flood.filter(({ status }) => status === 429)).toHaveLength(30);
    expect((await requestLink("victim@example.com", "203.0.113.1")).status).toBe(204);
    expect((await requestLink("victim@example.com", "203.0.113.2")).status).toBe(204);
    // The hourly limit allows one link.
    expect((await requestLink("victim@example.com", "203.0.113.3")).status).toBe(204);
    expect((await requestLink("victim@example.com", "203.0.113.4")).status).toBe(429);
    expect((await requestLink("somebody@example.com", "203.0.113.3")).status).toBe(204);
    expect(nest.ses.inbox).toHaveLength(6);
  });

  test("30 concurrent requests from one network for an address do not block requests from other networks", async () => {
    await start({
      LIMIT_LINKS_PER_ADDRESS_AND_NETWORK: "2",
      LIMIT_LINKS_PER_ADDRESS: "4",
      LIMIT_MAILS_PER_HOUR: "1",
    });
    for (let round = 0; round < 10; round++) {
      const victim = `victim-${round}@example.com`;
      const flood = Promise.all(Array.from({ length: 30 }, () => requestLink(victim, "198.51.100.1")));
      const others = await Promise.all([
        requestLink(victim, "203.0.113.1"),
        requestLink(victim, "203.0.113.2"),
      ]);
      const allowed = (await flood).filter(({ status }) => status === 204);
      expect([others.map(({ status }) => status), allowed.length]).toEqual([[204, 204], 2]);
      await endWindows();
    }
  });

  test("sends an address its daily limit of links and one hourly link when 30 networks request links at once", async () => {
    await start({ LIMIT_LINKS_PER_ADDRESS: "4" });
    const burst = await Promise.all(
      Array.from({ length: 30 }, (_, network) => requestLink("victim@example.com", `198.51.100.${network}`)),
    );
    // The hourly limit allows the fifth.
    expect(burst.filter(({ status }) => status === 204)).toHaveLength(5);
    expect(nest.ses.inbox).toHaveLength(5);
  });

  test("allows a known device what the daily and hourly limits leave, then its own limit", async () => {
    await start({ LIMIT_LINKS_PER_KNOWN_DEVICE: "1", LIMIT_LINKS_PER_ADDRESS: "2" });
    await nest.signIn("known@example.com", {
      device: { platform: "mac", beak_id: "mine", fingerprint: "f" },
    });
    const statuses = [];
    // The daily limit (the sign-in used one of 2), the hourly limit and the own limit allow one each.
    for (let link = 0; link < 4; link++)
      statuses.push((await requestLink("known@example.com", "203.0.113.1", "mine")).status);
    expect(statuses).toEqual([204, 204, 204, 429]);
  });

  test("allows concurrent requests of a known device its own limit and the rest of the other limits", async () => {
    await start({ LIMIT_LINKS_PER_KNOWN_DEVICE: "3", LIMIT_LINKS_PER_ADDRESS: "2" });
    await nest.signIn("known@example.com", {
      device: { platform: "mac", beak_id: "mine", fingerprint: "f" },
    });
    const burst = Array.from({ length: 20 }, () => requestLink("known@example.com", "203.0.113.1", "mine"));
    expect((await Promise.all(burst)).filter(({ status }) => status === 204)).toHaveLength(3 + 1 + 1);
  });

  test.each(["error", "rate_limited", "rejected"] as const)(
    "a link for which SES returns %s is counted only against the network that requested it",
    async (kind) => {
      await start({
        LIMIT_LINKS_PER_ADDRESS_AND_NETWORK: "2",
        LIMIT_LINKS_PER_ADDRESS: "2",
        LIMIT_LINKS_PER_KNOWN_DEVICE: "2",
        LIMIT_MAILS_PER_HOUR: "1",
        LIMIT_LINKS_PER_NETWORK: "20",
      });
      const own = () => requestLink("ada@example.com", "203.0.113.1");
      nest.ses.fault({ calls: 18, kind });
      for (let link = 0; link < 18; link++) expect((await own()).body.code).toBe("email_not_sent");
      expect([(await own()).status, (await own()).status, (await own()).status]).toEqual([204, 204, 429]);
      expect([await countOf("mails_per_hour"), await countOf("links_per_network")]).toEqual([2, 20]);
      await nest.collection("limit-windows").deleteMany({ "windows.id": "links_per_address" });
      expect((await own()).status).toBe(429);
    },
  );

  test("counts a link against the daily limit of its address if SES did not respond, and allows the network another", async () => {
    await start({ LIMIT_LINKS_PER_ADDRESS_AND_NETWORK: "1", LIMIT_LINKS_PER_ADDRESS: "2" }, { slowdown: 1 });
    nest.ses.fault({ calls: 1, kind: "hang" });
    expect((await requestLink("ada@example.com", "203.0.113.1")).body.code).toBe("email_not_sent");
    expect((await requestLink("ada@example.com", "203.0.113.1")).status).toBe(204);
    // The hourly limit allows one link.
    expect((await requestLink("ada@example.com", "203.0.113.2")).status).toBe(204);
    expect((await requestLink("ada@example.com", "203.0.113.3")).status).toBe(429);
  });

  test("wrong secrets of a network are limited, and a right secret from it is never refused", async () => {
    await start({ LIMIT_FAILURES_PER_NETWORK: "10" });
    let { refresh_token } = await nest.signIn();
    for (let success = 0; success < 15; success++)
      refresh_token = (await nest.refresh(refresh_token)).body.refresh_token;
    const code = await nest.emailedCode({ identifier_value: "other@example.com" });
    const wrong = () => nest.refresh(`01.reftok_nobody.${"0".repeat(64)}`);
    for (let failure = 0; failure < 10; failure++) expect((await wrong()).body.code).toBe("not_found");
    const refused = await wrong();
    expect({ status: refused.status, code: refused.body.code }).toEqual({
      status: 429,
      code: "rate_limited",
    });
    expect((await nest.redeem("authzcode_x.y")).body.code).toBe("rate_limited");
    expect((await nest.refresh(refresh_token)).status).toBe(200);
    expect((await nest.redeem(code)).status).toBe(200);
    // The secret is right, so the client gets its own error and not rate_limited.
    expect((await nest.redeem(code)).body.code).toBe("token_used");
  });

  test("returns the error of a wrong secret at most as often as the limit allows when 400 wrong secrets race", async () => {
    await start({ LIMIT_FAILURES_PER_NETWORK: "60" });
    const { refresh_token } = await nest.signIn();
    const [version, id] = refresh_token.split(".");
    const replies = await Promise.all(
      Array.from({ length: 400 }, (_, guess) =>
        nest.refresh(`${version}.${id}.${guess.toString(16).padStart(64, "0")}`),
      ),
    );
    const wrongSecret = replies.filter(({ body }) => body.code === "token_not_found");
    // An overloaded database can fail to count a failure. The limit then does not apply, and a warning is logged.
    const uncounted = nest.logged("rate_limiter_unreachable").length;
    expect(wrongSecret.length - uncounted).toBeLessThanOrEqual(60);
    // On a busy machine a call can time out. Its response does not tell whether the secret is wrong.
    const late = replies.filter(({ status }) => status === 503);
    expect(replies.filter(({ status }) => status === 429)).toHaveLength(
      400 - wrongSecret.length - late.length,
    );
    expect((await nest.refresh(refresh_token)).status).toBe(200);
  });

  test("warns above the limit of the deployment and refuses unknown devices at ten times the limit", async () => {
    await start({ LIMIT_MAILS_PER_HOUR: "1" });
    await nest.signIn("known@example.com", {
      device: { platform: "mac", beak_id: "known", fingerprint: "f" },
    });
    expect(nest.logged("mail_ceiling_passed")).toEqual([]);
    for (let mail = 2; mail <= 10; mail++)
      expect((await requestLink(`${mail}@example.com`, "203.0.113.1")).status).toBe(204);
    expect(nest.logged("mail_ceiling_passed").length).toBe(9);
    expect((await requestLink("eleven@example.com", "203.0.113.1")).status).toBe(429);
    expect((await requestLink("known@example.com", "203.0.113.1", "known")).status).toBe(204);
  });

  test("an unreachable limiter allows every call and logs a warning", async () => {
    await start({});
    const unreachable = new MongoClient("mongodb://127.0.0.1:1/", { serverSelectionTimeoutMS: 50 });
    const lines: string[] = [];
    const log = createLog((line) => lines.push(line), nest.clock.now);
    const limiter = new RateLimiter(new LimitWindowsRepository(unreachable.db("nest")), "k".repeat(32), {
      configured: { failures_per_network: 1 },
      log,
      random: () => 0,
    });
    const verdicts = await Promise.all(
      [1, 2, 3].map(() => limiter.countOne("failures_per_network", "203.0.113.1/32")),
    );
    expect(() => refuseIfOver(verdicts)).not.toThrow();
    expect(await limiter.countSampled(["mails_per_hour", "fleet"], 10)).toBeNull();
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      ...Array(3).fill({ level: "warn", event: "rate_limiter_unreachable", limit: "failures_per_network" }),
      { level: "warn", event: "rate_limiter_unreachable", limit: "mails_per_hour" },
    ]);
    await unreachable.close();
  });

  test("samples one call in 20 for the limit of the deployment, and the count is right within 4 standard deviations", async () => {
    await start({});
    const calls = 8000;
    const limiter = new RateLimiter(nest.gateway.core.limitWindows, "k".repeat(32), {
      configured: {},
      log: nest.gateway.core.log,
      random: seededRandom(seedOf("sampled limit")),
    });
    const sampled: Sampled[] = [];
    for (let call = 0; call < calls; call++) {
      const count = await limiter.countSampled(["mails_per_hour", "fleet"], 10);
      if (count !== null) sampled.push(count);
    }
    const counted = await countOf("mails_per_hour");
    expect(counted).toBe(sampled.length * 20);
    expect(sampled.at(-1)?.ratio).toBe(counted / 10_000);
    const deviation = 20 * Math.sqrt(calls * (1 / 20) * (19 / 20));
    expect(Math.abs(counted - calls)).toBeLessThan(4 * deviation);
    await limiter.releaseSampled(["mails_per_hour", "fleet"], sampled.at(-1) as Sampled);
    expect(await countOf("mails_per_hour")).toBe(counted - 20);
  });

  test.each(["a new network", "a network with earlier links"])(
    "50 concurrent requests from %s get exactly as many links as the limit allows",
    async (kind) => {
      await start({ LIMIT_LINKS_PER_NETWORK: "30" });
      const earlier = kind === "a new network" ? 0 : 4;
      for (let link = 0; link < earlier; link++)
        await requestLink(`earlier${link}@example.com`, "203.0.113.1");
      const burst = Array.from({ length: 50 }, (_, link) =>
        requestLink(`${link}@example.com`, "203.0.113.1"),
      );
      const allowed = (await Promise.all(burst)).filter(({ status }) => status === 204);
      expect(allowed).toHaveLength(30 - earlier);
      expect(nest.ses.inbox).toHaveLength(30);
      expect(await countOf("links_per_network")).toBe(30);
      expect(nest.logged("rate_limiter_unreachable")).toEqual([]);
    },
  );

  test("requests from a network above its limit are not counted against the addresses they name", async () => {
    await start({ LIMIT_LINKS_PER_NETWORK: "3", LIMIT_LINKS_PER_ADDRESS: "2" });
    for (let link = 0; link < 4; link++) await requestLink(`${link}@example.com`, "203.0.113.1");
    const before = await nest.collection("limit-windows").countDocuments();
    for (let victim = 0; victim < 20; victim++)
      expect((await requestLink(`victim${victim % 2}@example.com`, "203.0.113.1")).status).toBe(429);
    expect(await nest.collection("limit-windows").countDocuments()).toBe(before);
    for (const ip of ["198.51.100.1", "198.51.100.2"])
      expect((await requestLink("victim1@example.com", ip)).status).toBe(204);
  });

  test("allows a known device its own limit when its network and its address are above theirs", async () => {
    await start({
      LIMIT_LINKS_PER_NETWORK: "4",
      LIMIT_LINKS_PER_ADDRESS: "2",
      LIMIT_LINKS_PER_KNOWN_DEVICE: "3",
    });
    await nest.signIn("known@example.com", {
      device: { platform: "mac", beak_id: "mine", fingerprint: "f" },
    });
    for (let link = 0; link < 6; link++) await requestLink(`${link}@example.com`, "203.0.113.1");
    for (const ip of ["198.51.100.1", "198.51.100.2", "198.51.100.3"])
      await requestLink("known@example.com", ip, "a stranger's");
    const statuses = [];
    for (let link = 0; link < 4; link++)
      statuses.push((await requestLink("known@example.com", "203.0.113.1", "mine")).status);
    expect(statuses).toEqual([204, 204, 204, 429]);
    // A device that is not known to the address does not get the own limit of the known device.
    expect((await requestLink("known@example.com", "203.0.113.1", "a stranger's")).status).toBe(429);
  });

  test("requests from different networks for different addresses write no common document", async () => {
    await start({ LIMIT_LINKS_PER_ADDRESS: "30", LIMIT_LINKS_PER_NETWORK: "30", LIMIT_MAILS_PER_HOUR: "" });
    const keys: string[][] = [];
    const { client } = nest.gateway.mongo;
    client.on("commandStarted", ({ commandName, command }) => {
      const written = commandName === "findAndModify" && command[commandName] === "limit-windows";
      if (written) keys.at(-1)?.push(command.query.key);
      else if (["update", "findAndModify", "delete"].includes(commandName))
        keys.at(-1)?.push(JSON.stringify(command.updates ?? command.query ?? command.deletes));
    });
    for (let request = 0; request < 10; request++) {
      keys.push([]);
      expect((await requestLink(`${request}@example.com`, `203.0.113.${request}`)).status).toBe(204);
    }
    expect(keys.map(({ length }) => length)).toEqual(Array(10).fill(2));
    expect(new Set(keys.flat()).size).toBe(20);
  });

  test("allows sign-in and logs a warning when the limiter's collection refuses writes", async () => {
    await start({
      LIMIT_LINKS_PER_ADDRESS: "1",
      LIMIT_LINKS_PER_NETWORK: "1",
      LIMIT_FAILURES_PER_NETWORK: "1",
    });
    const windows = nest.collection("limit-windows");
    // No second document can be stored.
    await windows.createIndex({ nothing: 1 }, { unique: true });
    await windows.insertOne({ _id: "the only document" });
    try {
      for (let link = 0; link < 3; link++)
        expect((await requestLink("ada@example.com", "203.0.113.1")).status).toBe(204);
      const { refresh_token } = await nest.signIn("ada@example.com");
      expect((await nest.refresh(refresh_token)).status).toBe(200);
      expect((await nest.refresh(`01.reftok_nobody.${"0".repeat(64)}`)).body.code).toBe("not_found");
      const limits = new Set(nest.logged("rate_limiter_unreachable").map(({ limit }) => limit));
      expect([...limits].sort()).toEqual(["failures_per_network", "links_per_address", "links_per_network"]);
    } finally {
      // Other tests reuse the database.
      await windows.dropIndex("nothing_1");
    }
  });

  test("stores HMACs and neither email address nor network", async () => {
    await start({
      LIMIT_LINKS_PER_ADDRESS_AND_NETWORK: "10",
      LIMIT_LINKS_PER_ADDRESS: "20",
      LIMIT_LINKS_PER_NETWORK: "30",
    });
    await requestLink("ada@example.com", "203.0.113.1");
    const documents = await nest.gateway.mongo.database
      .collection<LimitWindows>("limit-windows")
      .find()
      .toArray();
    expect(documents).toHaveLength(2);
    for (const { key, windows } of documents) {
      expect(key).toMatch(/^[0-9a-f]{64}$/);
      for (const { id } of windows) expect(id).toMatch(/^([a-z_]+|[0-9a-f]{32})$/);
    }
  });

  test("an unknown client id is not written to the log", async () => {
    await start({});
    await nest.call(`${V1}list_news_items`, { client_id: "ada@example.com" });
    await nest.call(`${V1}list_news_items`, { client_id: MAC });
    expect(nest.logged("call").map(({ client_id }) => client_id)).toEqual([null, MAC]);
  });
});
