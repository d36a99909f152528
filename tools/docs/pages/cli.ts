import type { Command } from "commander";
import { nestProgram } from "#tools/operator/nest.ts";
import { examplesOf } from "#tools/terminal/command.ts";

export const path = "docs/cli.md";

const code = (text: string) => `\`${text}\``;

/** A description. A placeholder such as `app/<name>` becomes code, since a page takes it for a tag. */
const prose = (text: string) => text.replace(/[\w./-]*<\w+>[\w./-]*/g, code);

/** The command with its arguments, as one types it. */
function call(area: Command, command: Command): string {
  const args = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return code([area.name(), command.name(), ...args].join(" "));
}

/** The options of a command with their descriptions. */
function options(command: Command): string {
  return command.options.map(({ flags, description }) => `${code(flags)} ${prose(description)}`).join("; ");
}

/** @returns the blocks of the page */
export async function render() {
  const program = nestProgram();
  return [
    "# The nest command",
    "The reference of the command-line tool for operators: `npm run nest -- <area> <command>`. It works on the stage of " +
      "`--stage`, on the local stack with `--local`, else on what the environment and `.env` configure. On a deployed stage, " +
      "always pass `--stage`: the examples below leave it out. Most areas need only " +
      "`MONGODB_URI`; [the Stripe runbook](runbooks/stripe.md) lists what `stripe` needs. `--help` after any command shows " +
      "its arguments.",
    {
      head: ["Option", "Effect"],
      rows: program.options.map(({ flags, description }) => [code(flags), prose(description)]),
    },
    {
      head: ["Exit status", "Meaning"],
      rows: [
        ["0", "Success"],
        ["1", "The command failed, or a check found a problem"],
        ["2", "The arguments are invalid"],
      ],
    },
    ...program.commands.flatMap((area) => [
      `## ${area.name()}`,
      `${area.description()[0]?.toUpperCase()}${area.description().slice(1)}.`,
      {
        head: ["Command", "What it does", "Options"],
        rows: area.commands.map((command) => [
          call(area, command),
          prose(command.description()),
          options(command),
        ]),
      },
      ["```sh", ...area.commands.flatMap(examplesOf).map((line) => `npm run nest -- ${line}`), "```"].join(
        "\n",
      ),
    ]),
    "Next: [operate](operate.md) for alarms and runbooks, [configure](configure.md) for the variables.",
  ];
}
