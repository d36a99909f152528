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
});
