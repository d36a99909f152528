import { MongoClient } from "mongodb";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createLog } from "#core/log.ts";
import { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import { refuseIfOver } from "#core/rate_limits/verdict.ts";
import { type LimitWindows, LimitWindowsRepository } from "#core/repositories/limit_windows.ts";
import { seededRandom } from "#stripe_double/random.ts";
import { linkRequest, MAC, type StartOptions, startNest, type TestNest, V1 } from "#tests/support/nest.ts";
import { seedOf } from "#tests/support/seed.ts";

describe("rate limits", () => {
  let nest: TestNest;
  afterEach(() => nest.stop());

  const start = async (limits: Record<string, string>, options: StartOptions = {}) => {
    nest = await startNest({ ...options, environment: limits });
  };
  const ask = (identifier_value: string, ip: string, beak_id = `b-${ip}`) =>
    nest.call(
      `${V1}send_magic_link`,
      linkRequest({ identifier_value, device: { platform: "mac", beak_id, fingerprint: "f" } }),
      { ip },
    );
  /** Ends every window. */
  const windowsPass = () =>
    nest
      .collection("limit-windows")
      .updateMany({}, { $set: { "windows.$[].endsAt": new Date(Date.now() - 1000) } });
  /** Ends the windows of one limit. */
  const windowPasses = (id: string) =>
    nest
      .collection("limit-windows")
      .updateMany(
        {},
        { $set: { "windows.$[ended].endsAt": new Date(Date.now() - 1000) } },
        { arrayFilters: [{ "ended.id": id }] },
      );
  /** The count of a limit that one document has. */
  const countOf = async (id: string) => {
    const documents = await nest.gateway.mongo.database
      .collection<LimitWindows>("limit-windows")
      .find({ "windows.id": id })
      .toArray();
    expect(documents.length).toBeLessThanOrEqual(1);
    return documents[0]?.windows.find((window) => window.id === id)?.count ?? 0;
  };

  test("an address gets its daily links from one network, then 429 with Retry-After", async () => {
    await start({ LIMIT_LINKS_PER_ADDRESS_AND_NETWORK: "5" });
    for (let link = 0; link < 5; link++)
      expect((await ask("ada@example.com", "203.0.113.1")).status).toBe(204);
    const refused = await ask("ada@example.com", "203.0.113.1");
    expect(refused.status).toBe(429);
    const seconds = refused.body.meta.retry_after;
    expect(seconds).toBeGreaterThan(86_390);
    expect(seconds).toBeLessThanOrEqual(86_400);
    expect(refused.headers["retry-after"]).toBe(String(seconds));
    expect(nest.ses.inbox).toHaveLength(5);
    expect((await ask("ada@example.com", "203.0.113.2")).status).toBe(204);
    await windowsPass();
    expect((await ask("ada@example.com", "203.0.113.1")).status).toBe(204);
  });

  describe("the default limits are the contract's", () => {
    /** Calls until the call is refused. @returns the number of accepted calls and the reported wait */
    const until429 = async (once: (turn: number) => ReturnType<typeof ask>) => {
      for (let turn = 0; ; turn++) {
        const { status, body } = await once(turn);
        if (status === 429) return [turn, body.meta.retry_after];
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

    test("10 links a day for an address from one network", async () => {
      const refused = await until429(() => ask("ada@example.com", "203.0.113.1"));
      expect(refused).toEqual([10, ...within(86_400)]);
    });

    test("10 links a day for an address from one IPv6 /48, from whichever /64", async () => {
      const refused = await until429((turn) => ask("ada@example.com", `2001:db8:1:${turn}::1`));
      expect(refused).toEqual([10, ...within(86_400)]);
      expect((await ask("ada@example.com", "2001:db8:2:1::1")).status).toBe(204);
    });

    test("one network gets 30 links an hour", async () => {
      const refused = await until429((turn) => ask(`${turn}@example.com`, "203.0.113.1"));
      expect(refused).toEqual([30, ...within(3600)]);
    });

    test("30 links a day for an address, then one an hour, and 10 more for a known device", async () => {
      await nest.signIn("ada@example.com", {
        device: { platform: "mac", beak_id: "mine", fingerprint: "f" },
      });
      const refused = await until429((turn) => ask("ada@example.com", `198.51.100.${turn}`));
      // One link was the sign-in's, and one is that of the hour.
      expect(refused).toEqual([30, ...within(3600)]);
      const own = await until429((turn) => ask("ada@example.com", `192.0.2.${turn}`, "mine"));
      expect(own).toEqual([10, expect.toSatisfy((wait) => wait > 0 && wait <= 3600)]);
    });

    test("one network gets 60 failures a minute", async () => {
      const refused = await until429(() => nest.refresh(`01.reftok_nobody.${"0".repeat(64)}`));
      expect(refused).toEqual([60, ...within(60)]);
    });
  });

  test("IPv6 addresses with the same /48 count as one network", async () => {
    await start({ LIMIT_LINKS_PER_NETWORK: "2" });
    const codes = [];
    for (const ip of ["2001:db8:1:2::1", "2001:db8:1:3::2", "2001:db8:1:ffff::3", "2001:db8:2:2::1"]) {
      codes.push((await ask(`${ip.replaceAll(":", "")}@example.com`, ip)).status);
    }
    expect(codes).toEqual([204, 204, 429, 204]);
  });

  test("a forwarded header does not change the network: only the gateway's source address counts", async () => {
    await start({ LIMIT_LINKS_PER_NETWORK: "2" });
    const statuses = [];
    for (const forwarded of ["198.51.100.1", "198.51.100.2", "198.51.100.3"]) {
      const headers = { "x-forwarded-for": forwarded, forwarded: `for=${forwarded}`, "x-real-ip": forwarded };
      const reply = await nest.call(`${V1}send_magic_link`, linkRequest(), { headers });
      statuses.push(reply.status);
    }
    expect(statuses).toEqual([204, 204, 429]);
  });

  test("an address above its daily limit gets one link an hour, even when many are requested at once", async () => {
    await start({ LIMIT_LINKS_PER_ADDRESS: "2" });
    for (const network of [1, 2])
      expect((await ask("ada@example.com", `203.0.113.${network}`)).status).toBe(204);
    const passed = async () => {
      const burst = Array.from({ length: 20 }, (_, network) =>
        ask("ada@example.com", `198.51.100.${network}`),
      );
      return (await Promise.all(burst)).filter(({ status }) => status === 204).length;
    };
    expect([await passed(), await passed()]).toEqual([1, 0]);
    await windowPasses("links_after_daily_limit");
    expect([await passed(), await passed()]).toEqual([1, 0]);
    expect(nest.ses.inbox).toHaveLength(4);
  });

  test("an address's limits count its mailbox: the text after + does not make another address", async () => {
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
      statuses.push((await ask(address, `203.0.113.${network}`)).status);
    // The fourth passes with the link of the hour.
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
    const answers: number[] = [];
    for (let link = 0; link < 100; link++) {
      answers.push((await ask("victim@example.com", `198.51.100.${link % 50}`)).status);
    }
    // 19 links of the daily limit and one of the hourly limit.
    expect(answers.filter((status) => status === 204)).toHaveLength(20);
    expect((await ask("victim@example.com", "203.0.113.77", "another-machine")).status).toBe(429);
    expect((await ask("VICTIM@example.com", "203.0.113.9", "my-machine")).status).toBe(204);
    expect((await ask("victim@example.com", "198.51.100.1", "my-machine")).status).toBe(204);
  });

  test("refused requests count neither against an address's daily limit nor against the fleet's mail ceiling", async () => {
    await start({
      LIMIT_LINKS_PER_ADDRESS_AND_NETWORK: "2",
      LIMIT_LINKS_PER_ADDRESS: "4",
      LIMIT_MAILS_PER_HOUR: "1",
    });
    const again = () => ask("victim@example.com", "198.51.100.1");
    for (const status of [204, 204]) expect((await again()).status).toBe(status);
    // Limits are separate counters, so only calls after the limit is used up are certainly refused.
    const flood = await Promise.all(Array.from({ length: 30 }, again));
    expect(flood.filter(({ status }) => status === 429)).toHaveLength(30);
    expect((await ask("victim@example.com", "203.0.113.1")).status).toBe(204);
    expect((await ask("victim@example.com", "203.0.113.2")).status).toBe(204);
    // The link of the hour, then none.
    expect((await ask("victim@example.com", "203.0.113.3")).status).toBe(204);
    expect((await ask("victim@example.com", "203.0.113.4")).status).toBe(429);
    expect((await ask("somebody@example.com", "203.0.113.3")).status).toBe(204);
    expect(nest.ses.inbox).toHaveLength(6);
  });

  test("a flood from one network does not block other networks, not even while it lasts", async () => {
    await start({
      LIMIT_LINKS_PER_ADDRESS_AND_NETWORK: "2",
      LIMIT_LINKS_PER_ADDRESS: "4",
      LIMIT_MAILS_PER_HOUR: "1",
    });
    for (let round = 0; round < 10; round++) {
      const victim = `victim-${round}@example.com`;
      const flood = Promise.all(Array.from({ length: 30 }, () => ask(victim, "198.51.100.1")));
      const others = await Promise.all([ask(victim, "203.0.113.1"), ask(victim, "203.0.113.2")]);
      const passed = (await flood).filter(({ status }) => status === 204);
      expect([others.map(({ status }) => status), passed.length]).toEqual([[204, 204], 2]);
      await windowsPass();
    }
  });

  test("a simultaneous burst from many networks sends an address at most its daily limit of links", async () => {
    await start({ LIMIT_LINKS_PER_ADDRESS: "4" });
    const burst = await Promise.all(
      Array.from({ length: 30 }, (_, network) => ask("victim@example.com", `198.51.100.${network}`)),
    );
    // The fifth is the link of the hour.
    expect(burst.filter(({ status }) => status === 204)).toHaveLength(5);
    expect(nest.ses.inbox).toHaveLength(5);
  });

  test("a known device above its own limit gets the limits of every other device", async () => {
    await start({ LIMIT_LINKS_PER_KNOWN_DEVICE: "1", LIMIT_LINKS_PER_ADDRESS: "2" });
    await nest.signIn("known@example.com", {
      device: { platform: "mac", beak_id: "mine", fingerprint: "f" },
    });
    const statuses = [];
    // Its own link, the second link of the daily limit, the link of the hour, then none.
    for (let link = 0; link < 4; link++)
      statuses.push((await ask("known@example.com", "203.0.113.1", "mine")).status);
    expect(statuses).toEqual([204, 204, 204, 429]);
  });

  test("simultaneous requests of a known device get its own limit and what the other limits leave", async () => {
    await start({ LIMIT_LINKS_PER_KNOWN_DEVICE: "3", LIMIT_LINKS_PER_ADDRESS: "2" });
    await nest.signIn("known@example.com", {
      device: { platform: "mac", beak_id: "mine", fingerprint: "f" },
    });
    const burst = Array.from({ length: 20 }, () => ask("known@example.com", "203.0.113.1", "mine"));
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
      const own = () => ask("ada@example.com", "203.0.113.1");
      nest.ses.fault({ calls: 18, kind });
      for (let link = 0; link < 18; link++) expect((await own()).body.code).toBe("email_not_sent");
      expect([(await own()).status, (await own()).status, (await own()).status]).toEqual([204, 204, 429]);
      expect([await countOf("mails_per_hour"), await countOf("links_per_network")]).toEqual([2, 20]);
      await nest.collection("limit-windows").deleteMany({ "windows.id": "links_per_address" });
      expect((await own()).status).toBe(429);
    },
  );

  test("a link whose SES request got no response counts against the address's daily limit, and the next request is allowed", async () => {
    await start({ LIMIT_LINKS_PER_ADDRESS_AND_NETWORK: "1", LIMIT_LINKS_PER_ADDRESS: "2" });
    nest.ses.fault({ calls: 1, kind: "hang" });
    expect((await ask("ada@example.com", "203.0.113.1")).body.code).toBe("email_not_sent");
    expect((await ask("ada@example.com", "203.0.113.1")).status).toBe(204);
    // The link of the hour, then none.
    expect((await ask("ada@example.com", "203.0.113.2")).status).toBe(204);
    expect((await ask("ada@example.com", "203.0.113.3")).status).toBe(429);
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
    // The secret is right: the client must learn that this link is used up.
    expect((await nest.redeem(code)).body.code).toBe("token_used");
  });

  test("400 simultaneous wrong secrets: at most as many as the limit allows get the error of a wrong secret", async () => {
    await start({ LIMIT_FAILURES_PER_NETWORK: "60" });
    const { refresh_token } = await nest.signIn();
    const [version, id] = refresh_token.split(".");
    const answers = await Promise.all(
      Array.from({ length: 400 }, (_, guess) =>
        nest.refresh(`${version}.${id}.${guess.toString(16).padStart(64, "0")}`),
      ),
    );
    const named = answers.filter(({ body }) => body.code === "token_not_found");
    // An overloaded database can fail to count a failure: then the limit does not apply, and the log says so.
    const uncounted = nest.logged("rate_limiter_unreachable").length;
    expect(named.length - uncounted).toBeLessThanOrEqual(60);
    // On a busy machine a call can run out of time, which reveals nothing.
    const late = answers.filter(({ status }) => status === 503);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(400 - named.length - late.length);
    expect((await nest.refresh(refresh_token)).status).toBe(200);
  });

  test("the fleet's mail ceiling warns when it is exceeded and refuses unknown devices at ten times its size", async () => {
    await start({ LIMIT_MAILS_PER_HOUR: "1" });
    await nest.signIn("known@example.com", {
      device: { platform: "mac", beak_id: "known", fingerprint: "f" },
    });
    expect(nest.logged("mail_ceiling_passed")).toEqual([]);
    for (let mail = 2; mail <= 10; mail++)
      expect((await ask(`${mail}@example.com`, "203.0.113.1")).status).toBe(204);
    expect(nest.logged("mail_ceiling_passed").length).toBe(9);
    expect((await ask("eleven@example.com", "203.0.113.1")).status).toBe(429);
    expect((await ask("known@example.com", "203.0.113.1", "known")).status).toBe(204);
  });

  test("an unreachable limiter allows every call and logs a warning", async () => {
    await start({});
    const nowhere = new MongoClient("mongodb://127.0.0.1:1/", { serverSelectionTimeoutMS: 50 });
    const lines: string[] = [];
    const log = createLog((line) => lines.push(line), nest.clock.now);
    const limiter = new RateLimiter(new LimitWindowsRepository(nowhere.db("nest")), "k".repeat(32), {
      configured: { failures_per_network: 1 },
      log,
      random: () => 0,
    });
    const verdicts = await Promise.all(
      [1, 2, 3].map(() => limiter.countOne("failures_per_network", "203.0.113.1/32")),
    );
    verdicts.push(await limiter.peekOne("failures_per_network", "203.0.113.1/32"));
    expect(() => refuseIfOver(verdicts)).not.toThrow();
    expect(await limiter.countSampled(["mails_per_hour", "fleet"], 10)).toBeNull();
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      ...Array(4).fill({ level: "warn", event: "rate_limiter_unreachable", limit: "failures_per_network" }),
      { level: "warn", event: "rate_limiter_unreachable", limit: "mails_per_hour" },
    ]);
    await nowhere.close();
  });

  test("the limit of the deployment is sampled: one call in 20 writes it, and the count is right within 4 standard deviations", async () => {
    await start({});
    const calls = 8000;
    const limiter = new RateLimiter(nest.gateway.core.limitWindows, "k".repeat(32), {
      configured: {},
      log: nest.gateway.core.log,
      random: seededRandom(seedOf("sampled ceiling")),
    });
    let writes = 0;
    for (let call = 0; call < calls; call++)
      if ((await limiter.countSampled(["mails_per_hour", "fleet"], 10)) !== null) writes++;
    const counted = await countOf("mails_per_hour");
    expect(counted).toBe(writes * 20);
    const deviation = 20 * Math.sqrt(calls * (1 / 20) * (19 / 20));
    expect(Math.abs(counted - calls)).toBeLessThan(4 * deviation);
    await limiter.releaseSampled(["mails_per_hour", "fleet"]);
    expect(await countOf("mails_per_hour")).toBe(counted - 20);
  });

  test.each(["a new network", "a network with earlier links"])(
    "50 simultaneous requests from %s get exactly the links of the limit",
    async (kind) => {
      await start({ LIMIT_LINKS_PER_NETWORK: "30" });
      const earlier = kind === "a new network" ? 0 : 4;
      for (let link = 0; link < earlier; link++) await ask(`earlier${link}@example.com`, "203.0.113.1");
      const burst = Array.from({ length: 50 }, (_, link) => ask(`${link}@example.com`, "203.0.113.1"));
      const passed = (await Promise.all(burst)).filter(({ status }) => status === 204);
      expect(passed).toHaveLength(30 - earlier);
      expect(nest.ses.inbox).toHaveLength(30);
      expect(await countOf("links_per_network")).toBe(30);
      expect(nest.logged("rate_limiter_unreachable")).toEqual([]);
    },
  );

  test("requests that a full network makes are not counted against other people's addresses", async () => {
    await start({ LIMIT_LINKS_PER_NETWORK: "3", LIMIT_LINKS_PER_ADDRESS: "2" });
    for (let link = 0; link < 4; link++) await ask(`${link}@example.com`, "203.0.113.1");
    const before = await nest.collection("limit-windows").countDocuments();
    for (let victim = 0; victim < 20; victim++)
      expect((await ask(`victim${victim % 2}@example.com`, "203.0.113.1")).status).toBe(429);
    expect(await nest.collection("limit-windows").countDocuments()).toBe(before);
    for (const ip of ["198.51.100.1", "198.51.100.2"])
      expect((await ask("victim1@example.com", ip)).status).toBe(204);
  });

  test("a known device gets links while its network and its address have no room", async () => {
    await start({
      LIMIT_LINKS_PER_NETWORK: "4",
      LIMIT_LINKS_PER_ADDRESS: "2",
      LIMIT_LINKS_PER_KNOWN_DEVICE: "3",
    });
    await nest.signIn("known@example.com", {
      device: { platform: "mac", beak_id: "mine", fingerprint: "f" },
    });
    for (let link = 0; link < 6; link++) await ask(`${link}@example.com`, "203.0.113.1");
    for (const ip of ["198.51.100.1", "198.51.100.2", "198.51.100.3"])
      await ask("known@example.com", ip, "a stranger's");
    const statuses = [];
    for (let link = 0; link < 4; link++)
      statuses.push((await ask("known@example.com", "203.0.113.1", "mine")).status);
    expect(statuses).toEqual([204, 204, 204, 429]);
    // Another device of the network, which claims to be the user's, does not use up the links of the known device.
    expect((await ask("known@example.com", "203.0.113.1", "a stranger's")).status).toBe(429);
  });

  test("no document of the limiter is written by requests from different networks for different addresses", async () => {
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
      expect((await ask(`${request}@example.com`, `203.0.113.${request}`)).status).toBe(204);
    }
    expect(keys.map(({ length }) => length)).toEqual(Array(10).fill(2));
    expect(new Set(keys.flat()).size).toBe(20);
  });

  test("sign-in continues while the limiter's collection refuses writes, and the log says so", async () => {
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
        expect((await ask("ada@example.com", "203.0.113.1")).status).toBe(204);
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

  test("counters contain HMACs and neither email address nor network", async () => {
    await start({
      LIMIT_LINKS_PER_ADDRESS_AND_NETWORK: "10",
      LIMIT_LINKS_PER_ADDRESS: "20",
      LIMIT_LINKS_PER_NETWORK: "30",
    });
    await ask("ada@example.com", "203.0.113.1");
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
