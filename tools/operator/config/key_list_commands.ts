import type { Command } from "commander";
import {
  add,
  drop,
  type Entry,
  KEY_LISTS,
  type KeyList,
  toFront,
  webhookSecret,
} from "#tools/operator/config/key_lists.ts";
import { readSecret } from "#tools/operator/config/read_secret.ts";
import { reportPut } from "#tools/operator/config/report_put.ts";
import { putParameters } from "#tools/stage/config/put_parameters.ts";
import { openStage, type StageOptions } from "#tools/stage/on_stage.ts";
import { actOnConfiguration, examples, type Terminal } from "#tools/terminal/command.ts";
import { CommandError, UsageError } from "#tools/terminal/errors.ts";

const NAMES = Object.keys(KEY_LISTS);
const NAME = `<${NAMES.join("|")}>`;

/** Adds a command for a stage to `config`. */
type AddCommand = (name: string, what: string) => Command;

/** `config list | add | first | drop`: secrets with several valid values, which are replaced one at a time. */
export function keyListCommands(addCommand: AddCommand): void {
  const list = addCommand("list", "lists the ids of a secret's values").argument(NAME);
  examples(actOnConfiguration(list, show), ["config list REFRESH_KEYS --stage nonprod"]);

  const adding = addCommand(
    "add",
    "adds a value to a secret: generates a key, or prompts for the secret that Stripe generated",
  ).argument(NAME);
  examples(
    actOnConfiguration(adding, (terminal, name: string, options: StageOptions) =>
      change(terminal, name, options, (entries, list) => addTo(terminal, name, entries, list)),
    ),
    ["config add REFRESH_KEYS --stage nonprod", "config add INTERNAL_KEYS --stage nonprod"],
  );

  const first = addCommand(
    "first",
    "moves a refresh key to the front; it derives tokens from the next deployment on",
  ).argument("<id>");
  examples(
    actOnConfiguration(first, (terminal, id: string, options: StageOptions) =>
      change(terminal, "REFRESH_KEYS", options, async (entries) => toFront(entries, id)),
    ),
    ["config first 1a2b3c4d --stage nonprod"],
  );

  const dropping = addCommand("drop", "removes a value; it is refused from the next deployment on")
    .argument(NAME)
    .argument("<id>");
  examples(
    actOnConfiguration(dropping, (terminal, name: string, id: string, options: StageOptions) =>
      change(terminal, name, options, async (entries, list) => {
        const rest = drop(entries, id, list);
        await terminal.confirm(`Value ${id} of ${name} is refused once the change is deployed.`, id);
        return rest;
      }),
    ),
    ["config drop INTERNAL_KEYS 1a2b3c4d --stage nonprod"],
  );
}

function listOf(name: string): KeyList {
  const list = KEY_LISTS[name];
  if (!list) throw new UsageError(`The name must be one of ${NAMES.join(", ")}.`);
  return list;
}

async function read(name: string, options: StageOptions) {
  const list = listOf(name);
  const onStage = await openStage(options);
  const stored = (await onStage.store.read([name])).get(name);
  if (!stored)
    throw new CommandError(`${name} is missing in SSM. Create it with \`config make\` or \`config put\`.`);
  return { list, onStage, entries: list.read(stored.value) };
}

async function show(terminal: Terminal, name: string, options: StageOptions): Promise<void> {
  const { entries } = await read(name, options);
  const ids = entries.map(({ id }) => id);
  terminal.show({ name, ids }, ids);
}

async function addTo(terminal: Terminal, name: string, entries: readonly Entry[], { make }: KeyList) {
  if (!make) return add(entries, webhookSecret(await readSecret(name)));
  const { entry, shown } = make();
  const longer = add(entries, entry);
  if (shown !== null) terminal.err(`Give this key to the caller. It is shown only once: ${shown}`);
  return longer;
}

async function change(
  terminal: Terminal,
  name: string,
  options: StageOptions,
  changed: (entries: readonly Entry[], list: KeyList) => Promise<Entry[]>,
): Promise<boolean> {
  const { list, onStage, entries } = await read(name, options);
  const next = await changed(entries, list);
  if (!reportPut(terminal, await putParameters(onStage, new Map([[name, list.write(next)]])))) return false;
  terminal.say(`${name}: ${next.map(({ id }) => id).join(", ")}`);
  terminal.say(`Deploy to apply it: npm run deploy -- --stage ${onStage.store.stage}`);
  return true;
}
