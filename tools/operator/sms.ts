import type { Command } from "commander";
import { array, nullable, object, safeParse, string } from "zod/mini";
import { act, examples } from "#tools/terminal/command.ts";
import { CommandError } from "#tools/terminal/errors.ts";
import { localUrl } from "#tools/terminal/local_stack.ts";
import { table } from "#tools/terminal/table.ts";

const ANSWER_LIMIT_MS = 5_000;

const inbox = array(
  object({ to: string(), text: string(), sender_id: nullable(string()), sent_at: string() }),
);

/** `sms list`. */
export function smsCommands(program: Command): void {
  const sms = program.command("sms").description("the SMS of the local stack, which reach no phone");
  const list = sms.command("list").description("lists the SMS that the local stack sent, newest first");
  examples(list, ["sms list", "sms list --json"]);
  act(list, async (terminal) => {
    const answer = await fetch(`${localUrl(terminal.environment)}/dev/sms`, {
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    })
      .then((response) => response.json())
      .catch(() => null);
    const { data } = safeParse(inbox, answer);
    if (!data)
      throw new CommandError(
        `No local stack responds at ${localUrl(terminal.environment)}. Start one with \`npm start\`, or set PORT to its port.`,
      );
    const newest = data.toReversed();
    terminal.show(
      newest,
      newest.length === 0
        ? "There are no SMS."
        : table(newest.map(({ sent_at, to, text }) => [sent_at, to, text.replaceAll(/\n+/g, " ")])),
    );
  });
}
