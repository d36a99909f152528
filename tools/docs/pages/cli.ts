import type { Command } from "commander";
import { nestProgram } from "#tools/operator/nest.ts";
import { examplesOf } from "#tools/terminal/command.ts";

export const path = "docs/cli.md";

const code = (text: string) => `\`${text}\``;

function call(area: Command, command: Command): string {
  const args = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return code([area.name(), command.name(), ...args].join(" "));
}

function options(command: Command): string {
  return command.options.map(({ flags, description }) => `${code(flags)} ${description}`).join("; ");
}

export async function render() {
  const program = nestProgram();
  return [
    "# The operator's program",
    "`npm run nest -- <area> <command>` works on the deployment that the environment names, or `.env` where the " +
      "environment says nothing. Most areas need `MONGODB_URI` only; `stripe` also what " +
      "[its runbook](runbooks/stripe.md) says. `--help` after any command shows how it is called.",
    "`--json` prints one JSON document instead of words. What can't be undone is asked for first; `--yes` says so in " +
      "advance, as a script must. Status 0 means that all is well, 1 that something is not, 2 that it was called wrongly.",
    "`--local` has a command work on [the local stack](local_stack.md) that `npm start` runs, whatever the environment says.",
    "`npm run db:setup`, `db:check`, `keys:generate`, `keys:rotate` and `news` are the same commands under the names that " +
      "deploys use.",
    ...program.commands.flatMap((area) => [
      `## ${area.name()}`,
      `${area.description()[0]?.toUpperCase()}${area.description().slice(1)}.`,
      {
        head: ["Command", "What it does", "Options"],
        rows: area.commands.map((command) => [call(area, command), command.description(), options(command)]),
      },
      ["```sh", ...area.commands.flatMap(examplesOf).map((line) => `npm run nest -- ${line}`), "```"].join(
        "\n",
      ),
    ]),
  ];
}
