import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { runProgram, temporaryFolder } from "#tests/support/program.ts";

test.for([
  ["npm start", "tools/local/start.ts", []],
  ["the nest command", "tools/operator/nest.ts", ["--help"]],
  ["npm run docs", "tools/docs/main.ts", []],
  ["npm run package", "tools/deploy/commands/package.ts", []],
] as const)(
  "%s names an app that does not exist, in one message, and starts nothing",
  async ([, script, args]) => {
    await using folder = await temporaryFolder();
    const { status, printed } = await runProgram(script, [...args], {
      NEST_APP: "app/nothing",
      NEST_DATA_DIR: folder.path,
      PORT: "0",
    }).ended;
    expect({ status, printed: printed.trim() }).toEqual({
      status: 1,
      printed:
        "app/nothing/app.ts can't be used:\n" +
        "  the file does not exist. Set NEST_APP to a folder that has an app.ts, such as app/beak, or create the app: " +
        "`NEST_APP= npm run nest -- app create nothing`.",
    });
  },
);

const TEXTS = "app/beak/messages";

test.for<[what: string, change: (folder: string) => Promise<unknown>, message: string]>([
  [
    "a syntax error",
    (folder) => writeFile(`${folder}/app.ts`, "export default {\n"),
    "app.ts can't be used:\n  line 1: SyntaxError: ",
  ],
  [
    "an import of nothing",
    (folder) => writeFile(`${folder}/app.ts`, 'import "./nothing.ts";\nexport default {};\n'),
    "app.ts can't be used:\n  Error: Cannot find module",
  ],
  [
    "an error that it throws",
    (folder) => writeFile(`${folder}/app.ts`, 'const at = 1;\nthrow new Error("no such plan");\n'),
    "app.ts can't be used:\n  line 2: Error: no such plan. Correct the file.",
  ],
  [
    "a missing locale",
    (folder) => rm(`${folder}/messages/de.ts`),
    "messages/de.ts can't be used:\n  the file does not exist, but the app has the locale",
  ],
  [
    "a wrong text",
    async (folder) => {
      const text = await readFile(`${TEXTS}/de.ts`, "utf8");
      await writeFile(`${folder}/messages/de.ts`, text.replace("subject:", "subjekt:"));
    },
    "messages/de.ts can't be used:\n  magicLink.subject is missing",
  ],
])("an app with %s is refused in one message without a stack trace", async ([, change, message]) => {
  const folder = "dist/wrong_apps/acme";
  await rm(folder, { recursive: true, force: true });
  await cp("app/beak", folder, { recursive: true });
  await change(folder);
  const { status, printed } = await runProgram("tools/operator/nest.ts", ["app", "show"], {
    NEST_APP: folder,
  }).ended;
  await rm(folder, { recursive: true, force: true });
  expect(status).toBe(1);
  expect(printed).toContain(`${folder}/${message}`);
  expect(printed).not.toMatch(/^ +at |node:internal/m);
});

test("an app outside of Nest's folder that imports a part of Nest is refused, with the advice to move it", async () => {
  await using folder = await temporaryFolder();
  await cp("app/beak", `${folder.path}/acme`, { recursive: true });
  const { status, printed } = await runProgram("tools/operator/nest.ts", ["app", "show"], {
    NEST_APP: `${folder.path}/acme`,
  }).ended;
  expect({ status, printed }).toEqual({
    status: 1,
    printed: expect.stringContaining("is outside Nest's folder. Move the app to app/<name>."),
  });
});
