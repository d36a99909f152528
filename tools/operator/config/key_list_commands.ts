import type { Command } from "commander";
import { KEY_NAME } from "#core/keys/internal_key.ts";
import {
  add,
  drop,
  type Entry,
  KEY_LISTS,
  type KeyHolder,
  type KeyList,
  toFront,
  webhookSecret,
} from "#tools/operator/config/key_lists.ts";
import { reportPut } from "#tools/operator/config/report_put.ts";
import { putParameters } from "#tools/stage/config/put_parameters.ts";
import { openStage, type StageOptions } from "#tools/stage/on_stage.ts";
import { actOnConfiguration, examples, type Terminal } from "#tools/terminal/command.ts";
import { CommandError, UsageError } from "#tools/terminal/errors.ts";
import { readSecret } from "#tools/terminal/prompts.ts";
import { table } from "#tools/terminal/table.ts";

const NAMES = Object.keys(KEY_LISTS);
const NAME = `<${NAMES.join("|")}>`;

/** The caller of a new internal key, as the command line names it. */
interface HolderOptions {
  name?: string;
  methods?: string;
}

/** Adds a command for a stage to `config`. */
type AddCommand = (name: string, what: string) => Command;

/** `config list | add | first | drop`: secrets with several valid values, which are replaced one at a time. */
export function keyListCommands(addCommand: AddCommand): void {
  const list = addCommand(
    "list",
    "lists the ids of a secret's values, and what internal keys permit",
  ).argument(NAME);
  examples(actOnConfiguration(list, show), ["config list REFRESH_KEYS --stage nonprod"]);

  const adding = addCommand(
    "add",
    "adds a value to a secret: generates a key, or prompts for the secret that Stripe generated",
  )
    .argument(NAME)
    .option("--name <name>", "of INTERNAL_KEYS: the caller's name, which the log shows")
    .option(
      "--methods <names>",
      "of INTERNAL_KEYS: the methods that the key permits, comma-separated, or `all`",
    );
  examples(
    actOnConfiguration(adding, (terminal, name: string, options: StageOptions & HolderOptions) =>
      addValue(terminal, name, options),
    ),
    [
      "config add REFRESH_KEYS --stage nonprod",
      "config add INTERNAL_KEYS --name billing --methods get_user,get_subscription_status --stage nonprod",
    ],
  );

  const first = addCommand(
    "first",
    "moves a refresh key, a pepper, or a key of webhooks or factors to the front; it is used from the next deployment on",
  )
    .argument("<id>")
    .option(
      "--of <name>",
      "the secret: REFRESH_KEYS, PASSWORD_PEPPERS, WEBHOOK_KEYS or FACTOR_KEYS",
      "REFRESH_KEYS",
    );
  examples(
    actOnConfiguration(first, (terminal, id: string, options: StageOptions & { of: string }) =>
      change(terminal, orderedName(options.of), options, async (entries) => toFront(entries, id, options.of)),
    ),
    ["config first 1a2b3c4d --stage nonprod", "config first 1a2b3c4d --of PASSWORD_PEPPERS --stage nonprod"],
  );

  const dropping = addCommand("drop", "removes a value; it is refused from the next deployment on")
    .argument(NAME)
    .argument("<id>");
  examples(
    actOnConfiguration(dropping, (terminal, name: string, id: string, options: StageOptions) =>
      change(terminal, name, options, async (entries, list) => {
        const rest = drop(entries, id, { isOrdered: list.isOrdered, name });
        await terminal.confirm(`Value ${id} of ${name} is refused once the change is deployed.`, id);
        return rest;
      }),
    ),
    ["config drop INTERNAL_KEYS billing --stage nonprod"],
  );
}

/** @throws UsageError if no value of the secret is in use before the others */
function orderedName(name: string): string {
  if (listOf(name).isOrdered) return name;
  throw new UsageError(`The values of ${name} have no order: all of them are in use.`);
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
  const values = entries.map(({ id, purpose }) => ({ id, ...(purpose === undefined ? {} : { purpose }) }));
  terminal.show({ name, values }, table(values.map(({ id, purpose = "" }) => [id, purpose])));
}

async function addValue(
  terminal: Terminal,
  name: string,
  options: StageOptions & HolderOptions,
): Promise<boolean> {
  const { make, hasHolders } = listOf(name);
  const holder = readHolder(hasHolders, options);
  const made = make?.(holder) ?? { entry: webhookSecret(await readSecret(name)), shown: null };
  const isAdded = await change(terminal, name, options, async (entries) => add(entries, made.entry));
  // Shown after it is stored: a key that was refused must not reach the caller.
  if (isAdded && made.shown !== null)
    terminal.err(`Give this key to the caller. It is shown only once: ${made.shown}`);
  return isAdded;
}

/** @throws UsageError if an internal key has no valid holder, or another value has one */
function readHolder(hasHolders: boolean, { name, methods }: HolderOptions): KeyHolder {
  if (!hasHolders) {
    if (name !== undefined || methods !== undefined)
      throw new UsageError("--name and --methods are for INTERNAL_KEYS only.");
    return { name: "" };
  }
  if (name === undefined || methods === undefined)
    throw new UsageError(
      "A key of INTERNAL_KEYS needs --name and --methods. `--methods all` permits every method.",
    );
  if (!KEY_NAME.test(name))
    throw new UsageError(
      "--name must have 1 to 40 characters of a-z, 0-9, _ and -, and start with a letter or digit.",
    );
  return methods === "all" ? { name } : { name, methods: methods.split(",").map((method) => method.trim()) };
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
