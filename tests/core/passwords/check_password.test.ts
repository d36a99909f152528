import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createLog } from "#core/log.ts";
import { type CheckCore, checkPassword } from "#core/passwords/check_password.ts";
import { isCommon } from "#core/passwords/common_passwords.ts";
import { BreachedPasswords } from "#core/services/hibp.ts";
import { type HibpDouble, startHibpDouble } from "#tools/local/hibp_double.ts";

let hibp: HibpDouble;
let core: CheckCore;
const lines: string[] = [];
beforeAll(async () => {
  hibp = await startHibpDouble();
  const log = createLog(
    (line) => void lines.push(line),
    () => new Date(),
  );
  core = { app: { name: "Beak" }, log, breachedPasswords: new BreachedPasswords(hibp.url) };
});
afterAll(() => hibp.close());
beforeEach(() => {
  hibp.asked.splice(0);
  hibp.fault({ calls: 0, kind: "none" });
  lines.splice(0);
});

const ADDRESSES = ["ada.lovelace@example.com", "+6591234567"];

/** The reasons for which a password is refused; empty if it is accepted. */
async function reasonsFor(password: string, passwordMinLength = 15, addresses = ADDRESSES): Promise<unknown> {
  try {
    await checkPassword(core, { passwordMinLength }, { password, addresses });
    return [];
  } catch (error) {
    const { code, reasons } = error as { code: string; reasons: { code: string }[] };
    expect(code).toBe("password_not_acceptable");
    return reasons.map((reason) => reason.code);
  }
}

test.each([
  ["14 characters", "fourteen chars", ["too_short"]],
  ["14 emoji, which are 28 UTF-16 units", "🦊🐢🐙🦀🐝🐞🦋🐌🐛🐜🦗🦂🐍🦎", ["too_short"]],
  ["15 emoji", "🦊🐢🐙🦀🐝🐞🦋🐌🐛🐜🦗🦂🐍🦎🐬", []],
  ["spaces only", " ".repeat(15), []],
  ["64 characters", "word ".repeat(13).slice(0, 64), []],
  ["128 characters", "word ".repeat(26).slice(0, 128), []],
  ["129 characters", "word ".repeat(26).slice(0, 129), ["too_long"]],
  ["more text than is normalized", "x".repeat(1_000_000), ["too_long"]],
  ["a password of 15 characters that was in a breach", "a".repeat(15), ["breached"]],
  ["a common password in capitals", "QWERTYUIOP12345", ["breached"]],
  ["the name of the app", "my very own bEAk phrase", ["contextual"]],
  ["the local part of the address", "xx Ada.Lovelace xx yy", ["contextual"]],
  ["the address", "ada.lovelace@example.com", ["contextual"]],
  ["the phone number without its plus sign", "call 6591234567 now", ["contextual"]],
  ["the name of the app in full-width letters", "my very own ｂｅａｋ phrase", ["contextual"]],
  ["two faults", "beak", ["too_short", "contextual"]],
  ["an ordinary passphrase", "correct horse battery staple 1", []],
])("judges %s", async (_what, password, reasons) => {
  expect(await reasonsFor(password)).toEqual(reasons);
});

test("ignores words of fewer than 4 characters, and the tag of an address", async () => {
  expect(await reasonsFor("a phrase with ada in it", 15, ["ada@example.com"])).toEqual([]);
  expect(await reasonsFor("a phrase with news in it", 15, ["ada+news@example.com"])).toEqual([]);
  expect(await reasonsFor("a phrase with grace in it", 15, ["grace+news@example.com"])).toEqual([
    "contextual",
  ]);
});

test("states the limits", async () => {
  const short = checkPassword(core, { passwordMinLength: 15 }, { password: "x", addresses: [] });
  await expect(short).rejects.toMatchObject({ reasons: [{ code: "too_short", meta: { minimum: 15 } }] });
  const long = checkPassword(core, { passwordMinLength: 15 }, { password: "x".repeat(129), addresses: [] });
  await expect(long).rejects.toMatchObject({ reasons: [{ code: "too_long", meta: { maximum: 128 } }] });
});

test("a client with a minimum below 8 checks the length only", async () => {
  expect(await reasonsFor("userpw", 6)).toEqual([]);
  expect(await reasonsFor("password123", 6)).toEqual([]);
  expect(await reasonsFor("short", 6)).toEqual(["too_short"]);
  expect(await reasonsFor("password1", 8)).toEqual(["breached"]);
  expect(hibp.asked).toEqual([]);
});

test("sends five digits of the hash, asks for padding, and counts no padding as a find", async () => {
  await reasonsFor("correct horse battery staple 1");
  expect(hibp.asked).toEqual([{ prefix: expect.stringMatching(/^[0-9A-F]{5}$/), isPadded: true }]);
  expect(await reasonsFor("fourteen chars")).toEqual(["too_short"]);
  expect(hibp.asked).toHaveLength(1);
});

test.each(["error", "rate_limited", "hang"] as const)(
  "accepts what only Have I Been Pwned knows if it fails with %s, still refuses common ones, and logs no password",
  async (kind) => {
    hibp.fault({ calls: 1, kind });
    expect(await reasonsFor("a".repeat(15))).toEqual([]);
    expect(lines.map((line) => JSON.parse(line).event)).toEqual(["breached_passwords_unreachable"]);
    expect(lines.join()).not.toContain("aaaa");
    hibp.fault({ calls: 1, kind });
    expect(await reasonsFor("qwertyuiop12345")).toEqual(["breached"]);
    hibp.fault({ calls: 0, kind: "none" });
    expect(await reasonsFor("a".repeat(15))).toEqual(["breached"]);
  },
);

test("the shipped list has the 3000 most common passwords", async () => {
  const { default: list } = await import("@zxcvbn-ts/language-common/dist/passwords.json.mjs");
  expect(list.length).toBeGreaterThan(3000);
  for (const common of ["password", "12345678", "iloveyou", "Trustno1"])
    expect(await isCommon(common)).toBe(true);
  expect(await isCommon("correct horse battery staple 1")).toBe(false);
});
