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
        "  the file does not exist. Set NEST_APP to a folder that has an app.ts, such as app/beak.",
    });
  },
);
