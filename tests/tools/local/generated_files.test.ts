import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { nameApp } from "#tools/local/generated_files.ts";

test.each([
  ["A$$AP", "A$$AP"],
  ["$& $` $' $1", "$&amp; $` $&#39; $1"],
  ['<b>"x"</b>', "&lt;b&gt;&quot;x&quot;&lt;/b&gt;"],
  ["{{app}}", "{{app}}"],
])("the local page names the app %s as it is written", async (name, shown) => {
  const page = nameApp(await readFile("tools/local/page/index.html", "utf8"), name);
  expect(page).toContain(`<title>${shown} (Nest local stack)</title>`);
  expect(page).toContain(`<span id="app-name">${shown}</span>`);
});
