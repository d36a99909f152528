import { readFile } from "node:fs/promises";
import { parseEnv } from "node:util";
import type { Command } from "commander";
import { RotationRefused, retireKey, rotateKeySet } from "#core/keys/key_rotation.ts";
import { parseKeySet, type StoredKeySet } from "#core/keys/signing_keys.ts";
import { keyListCommands } from "#tools/operator/config/key_list_commands.ts";
import { reportPut } from "#tools/operator/config/report_put.ts";
import { SECRET_GENERATORS } from "#tools/operator/config/secret_generators.ts";
import { checkStage, WHOLE_KEYS } from "#tools/stage/config/check_stage.ts";
import { putParameters } from "#tools/stage/config/put_parameters.ts";
import { type OnStage, openStage, type StageOptions } from "#tools/stage/on_stage.ts";
import { actOnConfiguration, examples, type Terminal } from "#tools/terminal/command.ts";
import { CommandError, UsageError } from "#tools/terminal/errors.ts";
import { readSecret } from "#tools/terminal/prompts.ts";
import { table } from "#tools/terminal/table.ts";

/** `config check | make | put | rotate | retire` and the key list commands: a stage's configuration. Secret values are never shown. */
export function configCommands(program: Command): void {
  const config = program
    .command("config")
    .description("a stage's settings and its secrets in SSM (docs/deploy.md); requires AWS credentials");
  const add = (name: string, what: string) => config.command(name).description(what);

  examples(
    actOnConfiguration(
      add("check", "checks every setting and parameter, and lists what to fix before a deployment"),
      check,
    ),
    ["config check --stage nonprod"],
  );
  examples(actOnConfiguration(add("make", "generates the missing random secrets"), make), [
    "config make --stage nonprod",
  ]);
  examples(
    actOnConfiguration(
      add(
        "put",
        "writes secrets to SSM, all or none; prompts for a single secret or reads it from standard input",
      )
        .argument("[name]")
        .option("--file <path>", "a file with NAME=value lines"),
      put,
    ),
    ["config put MONGODB_URI --stage nonprod", "config put --file secrets.env --stage nonprod"],
  );
  examples(
    actOnConfiguration(
      add("rotate", "rotates the signing keys in SSM; functions use them from the next deployment"),
      rotate,
    ),
    ["config rotate --stage nonprod"],
  );
  examples(
    actOnConfiguration(
      add("retire", "removes a leaked signing key; tokens it signed are refused").argument("<kid>"),
      retire,
    ),
    ["config retire 2026-01-31-AbCdEfGh --stage nonprod"],
  );
  keyListCommands(add);
}

async function check(terminal: Terminal, options: StageOptions): Promise<boolean> {
  const { rows, problems } = await checkStage(await openStage(options));
  const states = rows.map(([name, state, version]) => ({ name, state, version: version || null }));
  terminal.show({ states, problems }, [
    ...table(rows, ["name", "state", "version"]),
    ...(problems.length === 0 ? [] : ["", "Fix before deploying:", ...problems]),
  ]);
  return problems.length === 0;
}

async function make(terminal: Terminal, options: StageOptions): Promise<boolean> {
  const onStage = await openStage(options);
  const present = await onStage.store.read(Object.keys(SECRET_GENERATORS));
  const made = new Map<string, string>();
  for (const [name, makeSecret] of Object.entries(SECRET_GENERATORS)) {
    const stored = present.get(name);
    if (stored) terminal.say(`${name}: exists, version ${stored.version}`);
    else made.set(name, await makeSecret());
  }
  if (made.size > 0) return reportPut(terminal, await putParameters(onStage, made));
  terminal.result([]);
  return true;
}

async function put(
  terminal: Terminal,
  name: string | undefined,
  options: StageOptions & { file?: string },
): Promise<boolean> {
  if ((name === undefined) === (options.file === undefined))
    throw new UsageError("Pass either one name or --file.");
  const onStage = await openStage(options);
  const given =
    name === undefined ? await readValues(options.file ?? "") : { [name]: await readSecret(name) };
  const entries = Object.entries(given).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return reportPut(terminal, await putParameters(onStage, new Map(entries)));
}

async function readValues(file: string): Promise<Record<string, string | undefined>> {
  const text = await readFile(file, "utf8").catch(() => {
    throw new CommandError(`${file} can't be read.`);
  });
  return parseEnv(text);
}

async function rotate(terminal: Terminal, options: StageOptions): Promise<boolean> {
  return changeKeys(terminal, await openStage(options), (set) => rotateKeySet(set, new Date()));
}

async function retire(terminal: Terminal, kid: string, options: StageOptions): Promise<boolean> {
  const onStage = await openStage(options);
  await terminal.confirm(`Tokens signed by ${kid} are refused once the new key set is deployed.`, kid);
  return changeKeys(terminal, onStage, (set) => retireKey(set, kid, new Date()));
}

/** Changes the signing keys directly in SSM, so that they are never written to a file. */
async function changeKeys(
  terminal: Terminal,
  onStage: OnStage,
  change: (set: StoredKeySet) => Promise<StoredKeySet>,
): Promise<boolean> {
  const stored = (await onStage.store.read([WHOLE_KEYS])).get(WHOLE_KEYS);
  if (!stored) throw new CommandError(`${WHOLE_KEYS} is missing in SSM. Generate it with \`config make\`.`);
  const changed = await change(parseKeySet(JSON.parse(stored.value))).catch((error: unknown) => {
    throw error instanceof RotationRefused ? new CommandError(error.message) : error;
  });
  const put = await putParameters(onStage, new Map([[WHOLE_KEYS, JSON.stringify(changed)]]));
  if (!reportPut(terminal, put)) return false;
  for (const line of table(changed.keys.map(({ kid, state }) => [state, kid]))) terminal.say(line);
  terminal.say(`Deploy to apply it: npm run deploy -- --stage ${onStage.store.stage}`);
  return true;
}
