import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { expectOneAccountEach } from "#tests/support/accounts.ts";
import { runCli } from "#tests/support/cli.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";
import { register } from "#tests/support/passwords.ts";
import { temporaryFolder } from "#tests/support/program.ts";

const NOTHING = { read: 0, created: 0, unchanged: 0, existing: 0, duplicates: 0, left_out: 0 };
let nest: TestNest;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  [nest, folder] = await Promise.all([startNest(), temporaryFolder()]);
});
afterEach(async () => {
  await Promise.all([nest.stop(), folder[Symbol.asyncDispose]()]);
});

const run = (...args: string[]) => runCli(["db", "import", ...args], { MONGODB_URI: nest.mongoUri });

/** Writes a file and imports it. */
async function importFile(from: string, content: string | Buffer, ...more: string[]) {
  const file = join(folder.path, "users");
  await writeFile(file, content);
  const { status, printed } = await run("--from", from, file, "--json", ...more);
  return { status, ...JSON.parse(printed) };
}
const lines = (...all: unknown[]) =>
  all.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n");
const stored = async () => {
  const found = await nest.collection("identifiers").find().sort({ identifierValue: 1 }).toArray();
  return found.map(({ identifierValue, createdAt, verifiedAt }) => [identifierValue, createdAt, verifiedAt]);
};

/** Of better-auth 1.7: `hashPassword("correct horse battery staple 1")`. */
const BETTER_AUTH_HASH =
  "fe02468a3c8e0b891eb770fa7d7fa934:36ee2ac8e182cd8a9e9b7431abeb8478bb3a473504b95c5763c5361641cb67f975ca629a24295ca6b055a9bb73dd32f14a231e0ac50486faed73ea47e0b46d12";
const BCRYPT_OF_ABC = "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i";

const CSV = lines(
  "id,email,email_verified,created_at",
  "1,Ada@Example.com,true,2025-01-02T03:04:05Z",
  "2,bob@example.com,true,2025-02-03",
);

describe("formats", () => {
  const time = "2025-01-02T03:04:05.000Z";

  test.each([
    [
      "CSV of a PostgreSQL table",
      lines(
        "id,name,email,emailVerified,image,createdAt,updatedAt",
        "u1,Ada,ada@example.com,t,,2025-01-02 03:04:05+00,2025-01-02 03:04:05+00",
      ),
    ],
    [
      "CSV with snake_case columns and seconds",
      lines("id,email,email_verified,created_at", "u1,ada@example.com,1,1735787045"),
    ],
    [
      "JSON lines of MongoDB",
      lines({
        _id: { $oid: "65" },
        email: "ada@example.com",
        emailVerified: true,
        createdAt: { $date: time },
      }),
    ],
    [
      "JSON lines with milliseconds",
      lines({ id: "u1", email: "ada@example.com", emailVerified: 1, createdAt: 1735787045000 }),
    ],
  ])("reads users of better-auth from %s", async (_what, content) => {
    expect(await importFile("better-auth", content, "--apply")).toMatchObject({ status: 0, problems: [] });
    expect(await stored()).toEqual([["ada@example.com", time, time]]);
  });

  test("reads users of Supabase from CSV of auth.users, with the time of the verification", async () => {
    const content = lines(
      "instance_id,id,aud,role,email,encrypted_password,email_confirmed_at,created_at,raw_user_meta_data,phone,deleted_at,is_anonymous,banned_until",
      `0,a,authenticated,authenticated,ada@example.com,${BCRYPT_OF_ABC},2025-01-03 03:04:05.678901+00,2025-01-02 03:04:05.123456+00,"{""name"": ""A, B""}",,,false,`,
      "0,b,authenticated,authenticated,bob@example.com,,2025-01-03 03:04:05+00,2025-01-02 03:04:05+00,{},,2025-05-05 00:00:00+00,false,",
      "0,c,authenticated,authenticated,,,,2025-01-02 03:04:05+00,{},,,true,",
      "0,d,authenticated,authenticated,dan@example.com,,2025-01-03 03:04:05+00,2025-01-02 03:04:05+00,{},,,f,2999-01-01 00:00:00+00",
      "0,e,authenticated,authenticated,eve@example.com,,2025-01-03 03:04:05+00,2025-01-02 03:04:05+00,{},,,f,2020-01-01 00:00:00+00",
      "0,f,authenticated,authenticated,,,,2025-01-02 03:04:05+00,{},44123,,f,",
    );
    const { status, counts, problems } = await importFile("supabase", content, "--apply");
    expect({ status, counts }).toEqual({
      status: 1,
      counts: { ...NOTHING, read: 6, created: 2, left_out: 4 },
    });
    expect(problems).toEqual([
      { line: 3, problem: "the user was deleted there" },
      { line: 4, problem: "the user is anonymous" },
      { line: 5, problem: "the user is blocked there, and Nest has no such state" },
      { line: 7, problem: "the user has no email address" },
    ]);
    expect(await stored()).toEqual([
      ["ada@example.com", "2025-01-02T03:04:05.123Z", "2025-01-03T03:04:05.678Z"],
      ["eve@example.com", time, "2025-01-03T03:04:05.000Z"],
    ]);
  });

  test("reads users of Auth0 from the compressed JSON lines of an export job", async () => {
    const user = { user_id: "auth0|1", email: "ada@example.com", email_verified: true, created_at: time };
    const blocked = { ...user, user_id: "auth0|2", email: "bob@example.com", blocked: true };
    const { counts, problems } = await importFile("auth0", gzipSync(`${lines(user, blocked)}\n`), "--apply");
    expect(counts).toEqual({ ...NOTHING, read: 2, created: 1, left_out: 1 });
    expect(problems).toEqual([{ line: 2, problem: expect.stringContaining("blocked there") }]);
    expect(await stored()).toEqual([["ada@example.com", time, time]]);
  });

  test("reads users of Auth0 from CSV, whose texts begin with an apostrophe", async () => {
    const content = lines(
      '"Id","Email","Email Verified","Created At"',
      `"'auth0|1","'ada@example.com","true","'${time}"`,
    );
    expect(
      await importFile("auth0", `\uFEFF${content.replaceAll("\n", "\r\n")}\r\n`, "--apply"),
    ).toMatchObject({ status: 0 });
    expect(await stored()).toEqual([["ada@example.com", time, time]]);
  });
});

test("an imported user signs in with a magic link and keeps the id of the import", async () => {
  await importFile("csv", CSV, "--apply");
  const imported = await nest.findUserId("ada@example.com");
  expect((await nest.signIn("ADA@example.com")).user_id).toBe(imported);
  expect(await expectOneAccountEach(nest.gateway.mongo.database)).toBe(2);
});

test("writes nothing without --apply, and the same counts with it", async () => {
  const counts = { ...NOTHING, read: 2, created: 2 };
  expect(await importFile("csv", CSV)).toMatchObject({ status: 0, applied: false, counts });
  expect([await nest.collection("users").countDocuments(), await stored()]).toEqual([0, []]);
  expect(await importFile("csv", CSV, "--apply")).toMatchObject({ status: 0, applied: true, counts });
});

test("changes nothing when it is repeated, also after a person removed the address", async () => {
  await importFile("csv", CSV, "--apply");
  await nest
    .collection("identifiers")
    .updateOne({ identifierValue: "bob@example.com" }, { $set: { removedAt: "2026-01-01" } });
  const before = await nest.dump();
  expect((await importFile("csv", CSV, "--apply")).counts).toEqual({ ...NOTHING, read: 2, unchanged: 2 });
  expect(await nest.dump()).toBe(before);
});

test("completes an import that stopped between the users and their addresses", async () => {
  await importFile("csv", CSV, "--apply");
  const ids = await nest.collection("users").distinct("_id");
  await nest.collection("identifiers").deleteMany({});
  expect((await importFile("csv", CSV, "--apply")).counts).toEqual({ ...NOTHING, read: 2, created: 2 });
  expect(await nest.collection("users").distinct("_id")).toEqual(ids);
  expect(await stored()).toHaveLength(2);
  expect(await expectOneAccountEach(nest.gateway.mongo.database)).toBe(2);
});

test("completes an import that stopped before the users had accounts", async () => {
  await importFile("csv", CSV, "--apply");
  await nest.collection("users").updateMany({}, { $unset: { defaultAccountId: "" } });
  for (const name of ["accounts", "account_members"]) await nest.collection(name).deleteMany({});
  expect((await importFile("csv", CSV, "--apply")).counts).toEqual({ ...NOTHING, read: 2, unchanged: 2 });
  expect(await expectOneAccountEach(nest.gateway.mongo.database)).toBe(2);
});

test("leaves a user alone who had signed in before, and reports the line", async () => {
  const { user_id } = await nest.signIn("ada@example.com");
  const before = await nest.collection("identifiers").findOne({ userId: user_id });
  const { status, counts, problems } = await importFile("csv", CSV, "--apply");
  expect({ status, counts }).toEqual({ status: 1, counts: { ...NOTHING, read: 2, created: 1, existing: 1 } });
  expect(problems).toEqual([{ line: 2, problem: `the address belongs to ${user_id}, who stays as it is` }]);
  expect(await nest.collection("identifiers").findOne({ userId: user_id })).toEqual(before);
  expect(await nest.collection("users").countDocuments()).toBe(2);
});

test("reports duplicates and bad rows with their lines, and imports the others", async () => {
  const content = lines(
    "id,email,email_verified,created_at",
    "1,ada@example.com,true,2025-01-02",
    "2, ADA@example.com ,true,2025-01-02",
    "",
    "3,not an address,true,2025-01-02",
    "4,dan@example.com,true,yesterday",
    "5,eve@example.com",
    '6,"fay"x@example.com,true,2025-01-02',
    "7,gus@example.com,false,2025-01-02",
    "1,other@example.com,true,2025-01-02",
    "8,hal@example.com,yes,",
  );
  const { counts, problems } = await importFile("csv", content, "--apply");
  expect(problems).toEqual([
    { line: 3, problem: "the user has the same address or id as line 2" },
    { line: 5, problem: 'the user has an invalid email address: "not an address"' },
    { line: 6, problem: 'the user was created at an unknown time: "yesterday"' },
    { line: 7, problem: "the line is not a record with as many fields as the header" },
    { line: 8, problem: 'the user has an invalid email address: "\\"fay\\"x@example.com"' },
    { line: 9, problem: "the user has not verified the address" },
    { line: 10, problem: "the user has the same address or id as line 2" },
  ]);
  expect(counts).toMatchObject({ created: 2, duplicates: 2, left_out: 5 });
  expect((await stored()).map(([address]) => address)).toEqual(["ada@example.com", "hal@example.com"]);
});

test("imports an address as verified only if the file says so in a known way", async () => {
  const values = ["pending", "unverified", "n/a", "2", "yes", "T", "1", "on", "2025-01-03", "false", "none"];
  const content = lines(
    "id,email,email_verified,created_at",
    ...values.map((value, index) => `${index},user${index}@example.com,${value},2025-01-02`),
  );
  const { counts, problems } = await importFile("csv", content, "--apply");
  expect(counts).toMatchObject({ created: 5, left_out: 6 });
  expect(problems.slice(0, 2)).toEqual([
    { line: 2, problem: 'the user has an unknown value in email_verified: "pending"' },
    { line: 3, problem: 'the user has an unknown value in email_verified: "unverified"' },
  ]);
  expect((await stored()).map(([address]) => address)).toEqual(
    [4, 5, 6, 7, 8].map((index) => `user${index}@example.com`),
  );
});

test("reports times that no user id can hold, values without an end and long values, and imports the others", async () => {
  const content = lines(
    { id: 1, email: "ada@example.com", email_verified: true, created_at: "9999-12-31" },
    { id: 2, email: "bob@example.com", email_verified: true, created_at: 9_999_999_999_999 },
    `{"id":${"[".repeat(20_000)}${"]".repeat(20_000)},"email":"dan@example.com","email_verified":true}`,
    { id: 4, email: `${"x".repeat(100_000)}@example.com`, email_verified: true },
    { id: 5, email: "eve@example.com", email_verified: "9999-12-31", created_at: "2025-01-02" },
    { id: 6, email: "fay@example.com", email_verified: true, created_at: "0001-01-01" },
  );
  const { counts, problems } = await importFile("csv", content, "--apply");
  expect(counts).toMatchObject({ read: 6, created: 3, left_out: 3 });
  expect(problems).toMatchObject([
    { line: 1, problem: 'the user was created at an unknown time: "9999-12-31"' },
    { line: 2, problem: 'the user was created at an unknown time: "9999999999999"' },
    { line: 4, problem: expect.stringMatching(/^the user has an invalid email address: "x{100}…"$/) },
  ]);
  const eve = (await stored()).find(([address]) => address === "eve@example.com");
  expect(eve?.[2]).toBe("2025-01-02T00:00:00.000Z");
});

test("leaves out a user of Supabase who is banned without an end", async () => {
  const content = lines(
    "id,email,email_confirmed_at,created_at,banned_until",
    "a,ada@example.com,2025-01-03,2025-01-02,infinity",
  );
  expect((await importFile("supabase", content, "--apply")).problems).toEqual([
    { line: 2, problem: "the user is blocked there, and Nest has no such state" },
  ]);
});

test("reports a quote that is never closed, and imports the lines before it", async () => {
  const content = lines(
    "email,email_verified",
    "ada@example.com,true",
    '"bob@example.com,true',
    "eve@example.com,true",
  );
  const { status, problems } = await importFile("csv", content, "--apply");
  expect({ status, problems }).toEqual({
    status: 1,
    problems: [
      {
        line: 4,
        problem: expect.stringMatching(/^the line is the end of a quoted field that is never closed/),
      },
    ],
  });
  expect((await stored()).map(([address]) => address)).toEqual(["ada@example.com"]);
});

test("prints each line that it leaves out with the name of the file", async () => {
  const file = join(folder.path, "users.ndjson");
  await writeFile(file, '{"email":\n[]\n{"email":"ada@example.com"}\n');
  const { status, printed } = await run("--from", "csv", file);
  expect({ status, printed: printed.replaceAll(file, "users") }).toEqual({
    status: 1,
    printed: expect.stringMatching(
      /^users:1: the line is not a JSON object\nusers:2: the line is not a JSON object\nusers:3: the user has no field email_verified\nread {2}created [\s\S]*Nothing was changed\. Pass --apply to import\.\n$/,
    ),
  });
});

test.each([
  ["better-auth", "id,email", "emailVerified"],
  ["supabase", "id,email", "email_confirmed_at"],
  ["auth0", "user_id,email_verified", "email"],
  ["csv", "email;email_verified", "email, email_verified"],
  ["csv", "ada@example.com,true", "email, email_verified"],
])("refuses CSV of %s with the header %s, and imports nothing", async (from, header, missing) => {
  const file = join(folder.path, "users.csv");
  await writeFile(file, lines(header, "bob@example.com,true", "eve@example.com,true"));
  const { status, printed } = await run("--from", from, file, "--apply");
  expect({ status, printed }).toEqual({
    status: 1,
    printed: `${file}:1: the header has no column ${missing}. The header is "${header}". The first line must name the columns, separated by commas.\n`,
  });
  expect(await stored()).toEqual([]);
});

test("maps no id to a user who claimed the address and has not proved it", async () => {
  const mapping = join(folder.path, "ids.csv");
  const { body: stranger } = await register(nest, { identifier_value: "ada@example.com" });
  const { problems } = await importFile("csv", CSV, "--apply", "--mapping", mapping);
  const [{ problem }] = problems;
  expect(problem).toBe(
    `the address belongs to ${stranger.user_id}, who has not proved it and stays as it is`,
  );
  const bob = await nest.findUserId("bob@example.com");
  expect(await readFile(mapping, "utf8")).toBe(`source_id,user_id\n"2",${bob}\n`);
});

test("says that a mapping is empty if the file has no ids", async () => {
  const [file, mapping] = [join(folder.path, "users.csv"), join(folder.path, "ids.csv")];
  await writeFile(file, lines("email,email_verified", "ada@example.com,true"));
  const { status, printed } = await run("--from", "csv", file, "--apply", "--mapping", mapping);
  expect({ status, printed }).toEqual({
    status: 0,
    printed: expect.stringContaining(`Imported.\n${mapping} is empty, because no imported line has an id.\n`),
  });
});

test("writes which user each id of the source became, to a new file that only its owner can read", async () => {
  const mapping = join(folder.path, "ids.csv");
  const { user_id } = await nest.signIn("bob@example.com");
  await importFile("csv", CSV, "--apply", "--mapping", mapping);
  const ada = await nest.findUserId("ada@example.com");
  expect(await readFile(mapping, "utf8")).toBe(`source_id,user_id\n"1",${ada}\n"2",${user_id}\n`);
  expect(
    await run("--from", "csv", join(folder.path, "users"), "--apply", "--mapping", mapping),
  ).toMatchObject({
    status: 1,
    printed: expect.stringContaining("exists already"),
  });
});

test("imports several batches, while a person signs in with one of the addresses", async () => {
  const rows = Array.from(
    { length: 1_234 },
    (_, number) => `${number},user${number}@example.com,true,2025-01-02`,
  );
  const importing = importFile("csv", lines("id,email,email_verified,created_at", ...rows), "--apply");
  const [{ counts }, { user_id }] = await Promise.all([importing, nest.signIn("user1233@example.com")]);
  expect(counts.created + counts.existing).toBe(1_234);
  expect(await nest.findUserId("user1233@example.com")).toBe(user_id);
  expect(await nest.collection("identifiers").countDocuments()).toBe(1_234);
  expect(await nest.collection("users").countDocuments()).toBe(1_234);
});

test("two imports at the same time create each user once", async () => {
  const file = join(folder.path, "users");
  await writeFile(file, CSV);
  const ended = await Promise.all([1, 2, 3].map(() => run("--from", "csv", file, "--apply")));
  expect(ended.map(({ status }) => status)).toEqual([0, 0, 0]);
  expect(await nest.collection("users").countDocuments()).toBe(2);
  expect(await stored()).toHaveLength(2);
});

test.each([
  ["a JSON array", "[{}]", "jq -c '.[]'"],
  ["an empty file", "\n", "is empty"],
  ["damaged gzip", Buffer.from("1f8b0800000000000003ffff", "hex"), "can't be read"],
])("refuses %s and says what to do", async (_what, content, message) => {
  const file = join(folder.path, "users");
  await writeFile(file, content);
  expect(await run("--from", "csv", file)).toMatchObject({
    status: 1,
    printed: expect.stringContaining(message),
  });
});

test.each([
  [["users.csv"], "--from better-auth, supabase, auth0, csv"],
  [["--from", "csv"], "Name the file to import."],
  [["--from", "firebase", "users.csv"], "Allowed choices are better-auth, supabase, auth0, csv, 2022"],
  [["--from", "csv", "users.csv", "--mapping", "ids.csv"], "--mapping needs --apply"],
])("refuses %j as wrong usage", async (args, message) => {
  expect(await run(...args)).toMatchObject({ status: 2, printed: expect.stringContaining(message) });
});

test("refuses a file that does not exist, and a database without indexes", async () => {
  expect(await run("--from", "csv", "nowhere.csv")).toMatchObject({
    status: 1,
    printed: expect.stringContaining("nowhere.csv can't be read"),
  });
  await nest.collection("identifiers").dropIndexes();
  expect(await run("--from", "csv", "nowhere.csv")).toMatchObject({
    status: 1,
    printed: expect.stringContaining("db setup"),
  });
});

describe("passwords", () => {
  test.each([
    ["better-auth", "emailVerified", "password", BETTER_AUTH_HASH, "correct horse battery staple 1"],
    ["supabase", "email_confirmed_at", "encrypted_password", BCRYPT_OF_ABC, "abc"],
    ["auth0", "email_verified", "passwordHash", BCRYPT_OF_ABC, "abc"],
    ["csv", "email_verified", "password_hash", BCRYPT_OF_ABC, "abc"],
  ])("of %s sign in, and their hash is replaced", async (from, verified, field, hash, password) => {
    const user = { id: "u1", email: "ada@example.com", [verified]: "2025-01-02T03:04:05Z", [field]: hash };
    expect((await importFile(from, lines(user), "--apply")).status).toBe(0);
    expect((await signIn(`${password} `)).status).toBe(401);
    expect((await signIn(password)).status).toBe(200);
    const [stored] = await nest.collection("passwords").find().toArray();
    expect(stored).toMatchObject({ hash: expect.stringMatching(/^\$argon2id\$/), failedCount: 0 });
    expect(stored?.pepperId).not.toBeNull();
    expect((await signIn(password)).status).toBe(200);
  });

  test("of an unknown form are left out and reported, and the user is imported", async () => {
    const user = { id: "u1", email: "ada@example.com", email_verified: true, password_hash: "$1$abc$def" };
    const { status, counts, problems } = await importFile("csv", lines(user), "--apply");
    expect(status).toBe(1);
    expect(counts).toEqual({ ...NOTHING, read: 1, created: 1 });
    expect(problems).toEqual([
      {
        line: 1,
        problem: "the password has a hash that Nest can't compare; the user has no password in Nest",
      },
    ]);
    expect(await nest.collection("passwords").countDocuments()).toBe(0);
  });

  test("stay as the user changed them when the import is repeated", async () => {
    const user = { id: "u1", email: "ada@example.com", email_verified: true, password_hash: BCRYPT_OF_ABC };
    await importFile("csv", lines(user), "--apply");
    await nest.collection("passwords").updateOne({}, { $set: { hash: "changed" } });
    await importFile("csv", lines(user), "--apply");
    expect(await nest.collection("passwords").find().toArray()).toMatchObject([{ hash: "changed" }]);
  });

  test("are not imported for an address that has another user", async () => {
    await nest.signIn("ada@example.com");
    const user = { id: "u1", email: "ada@example.com", email_verified: true, password_hash: BCRYPT_OF_ABC };
    await importFile("csv", lines(user), "--apply");
    expect(await nest.collection("passwords").countDocuments()).toBe(0);
  });
});

const signIn = (password: string) =>
  nest.call("/1/2026-12-01/authenticate_user", {
    ...{ client_id: "client_sample_simple", grant_type: "password", password },
    ...{ identifier_type: "email", identifier_value: "ada@example.com" },
  });
