import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RpcHandler } from "#entry/rpc.ts";
import { loadMethods } from "#routes.ts";
import { linkIn, linkRequest, startNest, type TestNest } from "#tests/support/nest.ts";
import { seedOf } from "#tests/support/seed.ts";

const seed = seedOf("bad_input");

/** Every document, but for the record that somebody read the audit log: a read with an empty request succeeds. */
async function dumpOf(nest: TestNest): Promise<string> {
  await nest.collection("audit_logs").deleteMany({ action: "audit.read" });
  return nest.dump();
}

/** Strings that are known to break software. */
const NAUGHTY = [
  "",
  " ",
  "\u0000",
  "\u202e",
  "undefined",
  "null",
  "NaN",
  "-1",
  "1e309",
  "0x0",
  "__proto__",
  "constructor",
  "$where",
  "$ne",
  "a.b",
  "../../etc/passwd",
  "<script>alert(1)</script>",
  "' OR 1=1 --",
  "{{7*7}}",
  "$\u007b7*7}",
  "%0d%0aSet-Cookie:x",
  "a\r\nBcc: b@example.com",
  "\ud800",
  "👩‍👩‍👧‍👦",
  "ﷺ",
  "Ω≈ç√∫",
  "x".repeat(70_000),
];
const PROTOTYPE_KEYS = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"];

const naughty = fc.constantFrom(...NAUGHTY);
const scalar = fc.oneof(naughty, fc.string(), fc.double(), fc.integer(), fc.boolean(), fc.constant(null));
const operator = fc.constantFrom(
  { $ne: null },
  { $gt: "" },
  { $regex: ".*" },
  { $where: "1" },
  { $in: [] },
  { toString: 1 },
  [],
  [[]],
  {},
);
const anything = fc.oneof(
  scalar,
  operator,
  fc.array(scalar, { maxLength: 3 }),
  fc.jsonValue({ maxDepth: 3 }),
);

/** A body close to the schema: known keys with arbitrary values, some keys missing, some unknown. */
const nearBody = (keys: string[]) =>
  fc.dictionary(fc.constantFrom(...keys, ...PROTOTYPE_KEYS, "$set", "zig"), anything, {
    maxKeys: keys.length + 2,
  });

const deep = (open: string, close: string) => open.repeat(20_000) + close.repeat(20_000);
const RAW_BODIES = [
  "",
  " ",
  "null",
  "true",
  "0",
  '"text"',
  "[]",
  "[{}]",
  "{",
  "}",
  "{}{}",
  "\ufeff{}",
  "{'a':1}",
  '{"a":1,}',
  "NaN",
  "undefined",
  '{"client_id":"x","client_id":"y"}',
  '{"__proto__":{"client_id":"x"}}',
  '{"constructor":{"prototype":{"x":1}}}',
  deep("[", "]"),
  deep('{"a":', "}"),
  "x".repeat(1024 * 1024),
  `{"client_id":"${"x".repeat(1024 * 1024)}"}`,
];
const BINARY_BODIES = [
  Buffer.from([0xff, 0xfe]),
  Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x7d]),
  Buffer.alloc(100),
  Buffer.from("{}", "utf16le"),
];

describe("arbitrary input", () => {
  let nest: TestNest;
  let methods: { handler: RpcHandler; path: string; keys: string[] }[];
  let before: string;

  beforeAll(async () => {
    nest = await startNest({
      environment: {
        LIMIT_FAILURES_PER_NETWORK: "0",
        LIMIT_LINKS_PER_KNOWN_DEVICE: "0",
        LIMIT_MAILS_PER_HOUR: "0",
      },
    });
    await nest.signIn();
    methods = (await loadMethods()).map(({ handler, paths }) => ({
      handler,
      path: paths.at(-1) ?? "",
      keys: Object.keys((handler.declaration.request as unknown as { shape: object }).shape),
    }));
    before = await dumpOf(nest);
  });
  afterAll(() => nest.stop());

  const check = (reply: Awaited<ReturnType<TestNest["call"]>>, sent: unknown) => {
    const shown = () =>
      `${String(JSON.stringify(sent)).slice(0, 200)} -> ${reply.status} ${reply.raw.slice(0, 200)}`;
    expect(reply.status, shown()).toBeLessThan(500);
    expect(reply.raw, shown()).not.toMatch(/node_modules|\bat .*\.ts:\d|Error:|mongo/i);
    if (reply.status >= 400) expect(typeof reply.body.code, shown()).toBe("string");
  };

  test("every method returns a clear error for an unexpected body and writes nothing", async () => {
    for (const { path } of methods) {
      for (const body of [...RAW_BODIES, ...BINARY_BODIES]) {
        const reply = await nest.call(path, body);
        check(reply, body);
        if (path.endsWith("list_news_items") && reply.status === 200) continue;
        // It signs out whoever asks, and there is nobody to sign out.
        if (path.endsWith("2026-12-01/revoke_token") && reply.status === 204) continue;
        expect(reply.status).toBeGreaterThanOrEqual(400);
      }
    }
    expect(await dumpOf(nest)).toBe(before);
  });

  test("every method handles arbitrary field values without a 5xx, and an invalid call writes nothing", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc
          .nat(methods.length - 1)
          .chain((index) => fc.tuple(fc.constant(index), nearBody(methods[index]?.keys ?? []), fc.boolean())),
        async ([index, body, isInternal]) => {
          const reply = await nest.call(methods[index]?.path ?? "", body, { internal: isInternal });
          check(reply, body);
        },
      ),
      { numRuns: 600, seed },
    );
    expect(await dumpOf(nest)).toBe(before);
  });

  test("a magic link request with one invalid field writes nothing and sends no mail", async () => {
    nest.ses.clear();
    const good = linkRequest({ state: "s" });
    const wrong = fc.oneof(
      operator,
      fc.integer(),
      fc.constant(null),
      fc.constant(""),
      fc.constant("x".repeat(1025)),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...Object.keys(good)), wrong, async (key, value) => {
        const reply = await nest.call("/1/2020-12-14/send_magic_link", { ...good, [key]: value });
        check(reply, [key, value]);
        expect(reply.body?.code).toMatch(
          /^(validation_failed|client_not_found|invalid_redirect_uri|invalid_email)$/,
        );
      }),
      { numRuns: 200, seed },
    );
    expect(nest.ses.inbox).toEqual([]);
    expect(await dumpOf(nest)).toBe(before);
  });

  test("an error body has at most 16 KB, lists 20 invalid fields and counts the others", async () => {
    const keys = (count: number, key: (index: number) => string) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [key(index), 1]));
    const bodies = [
      keys(6_000, (index) => `k${index}`),
      keys(60, (index) => `${index}${"\u0001".repeat(150)}`),
      keys(25, (index) => `${index}${"\ud83d".repeat(800)}`),
      { ["x".repeat(60_000)]: 1 },
      { user_id: "x".repeat(60_000), device: keys(3_000, (index) => `k${index}`) },
    ];
    for (const { path } of methods) {
      for (const body of bodies) {
        const { raw } = await nest.call(path, body, { internal: true });
        expect(Buffer.byteLength(raw), path).toBeLessThan(16 * 1024);
      }
    }
    const { body } = await nest.call("/1/2020-12-14/list_news_items", {
      client_id: "x",
      ...keys(50, (index) => `k${index}`),
    });
    expect(body.reasons).toHaveLength(20);
    expect(body.meta).toEqual({ ...body.reasons[0].meta, more: 30 });
  });

  test("a magic link request stores any accepted text unchanged and refuses other text before any write", async () => {
    const texts = NAUGHTY.flatMap((text) => [text, `a${text}b`]);
    const device = { platform: "mac", beak_id: "b", fingerprint: "f" };
    const requests = texts.flatMap((text) => [
      { state: text },
      { code_challenge: text },
      { device: { ...device, beak_id: text } },
      { device: { ...device, fingerprint: text } },
    ]);
    const own = await startNest();
    const stored = () => own.collection("authorizations").countDocuments();
    for (const change of requests) {
      const [mails, links] = [own.ses.inbox.length, await stored()];
      const reply = await own.call("/1/2020-12-14/send_magic_link", linkRequest(change));
      check(reply, change);
      const sent = reply.status === 204 ? 1 : 0;
      if (!sent) expect(reply.body.code).toMatch(/^(validation_failed|body_too_large)$/);
      expect([own.ses.inbox.length - mails, (await stored()) - links]).toEqual([sent, sent]);
      const mail = own.ses.inbox.at(-1);
      if (sent && mail && change.state) expect(linkIn(mail).searchParams.get("state")).toBe(change.state);
    }
    await own.stop();
  });

  test("an arbitrary authorization header on any path gets the error shape or a success", async () => {
    const header = fc.oneof(
      naughty,
      fc.string(),
      fc.string().map((text) => `bearer ${text}`),
      fc.string().map((text) => `internal ${text}`),
    );
    const path = fc.oneof(
      fc.constantFrom(...methods.map((method) => method.path)),
      fc.string().map((text) => `/1/2020-12-14/${text}`),
      fc.string().map((text) => `/${text}`),
    );
    await fc.assert(
      fc.asyncProperty(
        path,
        header,
        fc.constantFrom("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"),
        async (to, authorization, method) => {
          check(await nest.call(to, {}, { method, headers: { authorization } }), [to, authorization]);
        },
      ),
      { numRuns: 400, seed },
    );
    expect(await dumpOf(nest)).toBe(before);
  });
});
