import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { WEBHOOK_EVENTS } from "#core/events/announced_types.ts";

test("the page on webhooks lists every event that a webhook can get, in the order of the audit log", async () => {
  const page = await readFile("docs/webhooks.md", "utf8");
  const [, table = ""] = /\| Event \|.*\n.*\n([\s\S]*?)\n\n/.exec(page) ?? [];
  const named = table.split("\n").map((line) => /^\| `([^`]+)`/.exec(line)?.[1]);
  expect(named).toEqual([...WEBHOOK_EVENTS]);
});
