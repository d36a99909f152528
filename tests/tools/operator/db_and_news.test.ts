import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runCli } from "#tests/support/cli.ts";
import { MAC, startNest, type TestNest, V1, WINDOWS } from "#tests/support/nest.ts";
import { temporaryFolder } from "#tests/support/program.ts";
import { freePort } from "#tools/machine/child_process.ts";

const DB = "db";
const NEWS = "news";

let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

const command = (area: string, ...args: string[]) => runCli([area, ...args], { MONGODB_URI: nest.mongoUri });

describe("db", () => {
  test("check names a missing index and fails; setup creates it and can be repeated", async () => {
    expect(await command(DB, "check")).toMatchObject({ status: 0 });
    const identifiers = nest.collection("identifiers");
    const unique = (await identifiers.indexes()).find((index) => index.unique && index.name !== "_id_");
    await identifiers.dropIndex(unique?.name ?? "");
    const checked = await command(DB, "check");
    expect(checked).toMatchObject({ status: 1 });
    expect(checked.printed).toContain('missing: identifiers {"identifierType":1,"identifierValue":1}');
    expect(await command(DB, "setup")).toMatchObject({ status: 0 });
    expect(await command(DB, "setup")).toMatchObject({ status: 0 });
    expect(await command(DB, "check")).toMatchObject({ status: 0 });
  });

  test.each(["check", "setup"])(
    "%s reports in one line that the database can't be reached, without its password",
    async (action) => {
      const { status, printed } = await runCli([DB, action], {
        MONGODB_URI: `mongodb://user:hunter2@127.0.0.1:${await freePort()}/nest?directConnection=true`,
      });
      expect(status).toBe(1);
      expect(printed.trim()).toMatch(
        /^The database of MONGODB_URI can't be reached \(.*ECONNREFUSED.*\)\. Check the URI and the network\.$/,
      );
      expect(printed).not.toContain("hunter2");
    },
  );

  test("names the missing variable when no database is set", async () => {
    const { status, printed } = await runCli([DB, "check"], { MONGODB_URI: "" });
    expect(status).toBe(1);
    expect(printed).toContain("MONGODB_URI");
  });
});

describe("news", () => {
  const banner = (title: string) => ({
    code: "generic_banner",
    dismissible: true,
    payload: { emoji: "🐦", title, body: "Words.", action: { cta: "Read", url: "https://getbeak.app/" } },
  });
  const titles = async (clientId: string) => {
    const { body } = await nest.call(`${V1}list_news_items`, { client_id: clientId }, { internal: true });
    return body.map((item: { primary: { payload: { title: string } } }) => item.primary.payload.title);
  };

  test("shows an added item to its clients until it is ended or removed", async () => {
    await using folder = await temporaryFolder();
    const file = async (name: string, content: unknown) => {
      const path = join(folder.path, name);
      await writeFile(path, JSON.stringify(content));
      return path;
    };
    const everybody = await command(NEWS, "add", await file("a.json", { primary: banner("All"), order: 2 }));
    const windows = await command(
      NEWS,
      "add",
      await file("b.json", { primary: banner("Windows"), clientIds: [WINDOWS], order: 1 }),
    );
    const later = { primary: banner("Later"), startsAt: "2999-01-01T00:00:00Z" };
    expect(await command(NEWS, "add", await file("c.json", later))).toMatchObject({ status: 0 });
    nest.clock.advance(120);
    expect(await titles(MAC)).toEqual(["All"]);
    expect(await titles(WINDOWS)).toEqual(["Windows", "All"]);
    expect((await command(NEWS, "list")).printed).toContain("Later");

    const [, allId = ""] = /added (\S+)/.exec(everybody.printed) ?? [];
    const [, windowsId = ""] = /added (\S+)/.exec(windows.printed) ?? [];
    expect(await command(NEWS, "end", allId)).toMatchObject({ status: 0 });
    expect(await command(NEWS, "remove", windowsId, "--yes")).toMatchObject({ status: 0 });
    nest.clock.advance(120);
    expect(await titles(WINDOWS)).toEqual([]);
  });

  test.each([
    ["an unknown id", ["remove", "newsitem_none", "--yes"]],
    ["a removal that was not confirmed", ["remove", "newsitem_none"]],
    [
      "an end before the beginning",
      ["schedule", "newsitem_x", "--from", "2026-02-01", "--until", "2026-01-01"],
    ],
    ["a file that is not there", ["add", "nowhere.json"]],
  ])("%s is an error, not a trace", async (_case, args) => {
    const { status, printed } = await command(NEWS, ...args);
    expect(status).toBe(1);
    expect(printed).not.toMatch(/\n\s+at /);
  });

  test("refuses a banner that the app can't show", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "bad.json");
    const bad = banner("Bad");
    await writeFile(
      path,
      JSON.stringify({ primary: { ...bad, payload: { ...bad.payload, action: undefined } } }),
    );
    expect(await command(NEWS, "add", path)).toMatchObject({ status: 1 });
    expect(await nest.collection("news-items").countDocuments()).toBe(0);
  });

  const add = async (content: string) => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "item.json");
    await writeFile(path, content);
    const { status, printed } = await command(NEWS, "add", path);
    return { status, lines: printed.trim().replaceAll(path, "item.json").split("\n") };
  };

  test("accepts the example that it prints", async () => {
    const { printed } = await command(NEWS, "example");
    expect((await add(printed)).status).toBe(0);
    expect(await nest.collection("news-items").findOne({})).toMatchObject({
      primary: JSON.parse(printed).primary,
      startsAt: "2026-12-01T09:00:00.000Z",
    });
  });

  test("names line and column of everything that is wrong in a file", async () => {
    const action = { cta: "Read", url: "http://example.com" };
    const item = { primary: { ...banner("Bad"), dismissible: "yes" }, endsAt: "soon", extra: 1 };
    item.primary.payload.action = action;
    const { status, lines } = await add(JSON.stringify(item, null, 2));
    expect(status).toBe(1);
    expect(lines).toEqual([
      "item.json:4:20: primary.dismissible: must be of type boolean, not string.",
      "item.json:11:16: primary.payload.action.url: must begin with https://.",
      "item.json:15:13: endsAt: write a time as 2026-01-31T12:00:00Z.",
      'item.json:16:12: the file: unknown field: "extra".',
      "Nothing was changed. `news example` prints a valid file.",
    ]);
  });

  test("names the parent of a field that is missing", async () => {
    const { lines } = await add('{\n  "primary": {}\n}');
    expect(lines).toContain("item.json:2:14: primary.dismissible: is missing, and must be of type boolean.");
  });

  test("refuses an item that nobody would ever see", async () => {
    const item = { primary: banner("Bad"), clientIds: [WINDOWS, "nobody"] };
    const times = { startsAt: "2999-12-24T18:00:00Z", endsAt: "2999-12-01T09:00:00Z" };
    const { status, lines } = await add(JSON.stringify({ ...item, ...times }, null, 2));
    expect({ status, lines }).toEqual({
      status: 1,
      lines: [
        'item.json:17:5: clientIds.1: the app has no client "nobody"; `clients list` lists its clients.',
        "item.json:20:13: endsAt: must be after startsAt, 2999-12-24T18:00:00.000Z.",
        "Nothing was changed. `news example` prints a valid file.",
      ],
    });
    expect(await nest.collection("news-items").countDocuments()).toBe(0);
  });

  test.each([
    ["a comma too many", '{\n  "primary": {},\n}', "item.json:3:1: not JSON: property name expected."],
    ["a comment", "{ // item\n}", "item.json:1:3: not JSON: invalid comment token."],
    ["an end too early", '{\n  "primary": {', "item.json:2:15: not JSON: close brace expected."],
    ["nothing", "", "item.json:1:1: not JSON: value expected."],
  ])("names line and column of %s", async (_what, content, expected) => {
    const { status, lines } = await add(content);
    expect({ status, line: lines[0] }).toEqual({ status: 1, line: expect.stringContaining(expected) });
  });
});
