import { readFile, rename, writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { NestError } from "#core/errors.ts";
import { resealSeeds } from "#core/factors/reseal_seeds.ts";
import { generateKeySet, RotationRefused, retireKey, rotateKeySet } from "#core/keys/key_rotation.ts";
import { parseKeySet, type StoredKeySet } from "#core/keys/signing_keys.ts";
import { factorKeys as factorKeysPart } from "#core/parts.ts";
import { openRepositories } from "#core/repositories/all.ts";
import { onDatabase } from "#tools/operator/on_database.ts";
import { act, examples, type Terminal } from "#tools/terminal/command.ts";
import { CommandError, UsageError } from "#tools/terminal/errors.ts";
import { table } from "#tools/terminal/table.ts";

interface KeyOptions {
  file?: string;
  now?: string;
}

/** `keys generate | rotate | retire`: the signing keys as JSON, the value of SIGNING_KEYS; with `--mfa`, the keys of second factors. */
export function keyCommands(program: Command): void {
  const keys = program
    .command("keys")
    .description(
      "signing keys as JSON, the value of SIGNING_KEYS, and keys of second factors (docs/runbooks/rotate_signing_keys.md)",
    );
  const add = (name: string, what: string) =>
    keys
      .command(name)
      .description(what)
      .option(
        "--file <path>",
        "the key file; without it the command reads SIGNING_KEYS and prints the new value",
      )
      .option("--now <time>", "the current time; for tests, requires STAGE=local");

  examples(
    act(add("generate", "generates the first key set"), async (terminal, options: KeyOptions) => {
      const set = await generateKeySet(readNow(terminal, options.now));
      await put(terminal, options.file, set, writeNew);
    }),
    ["keys generate --file signing_keys.json"],
  );

  const rotate = add("rotate", "makes the next key the signing key and generates a new next key").option(
    "--mfa",
    "rotates no signing key; encrypts the seeds of authenticator apps in the database of MONGODB_URI with the first key of FACTOR_KEYS",
  );
  const rotateKeys = async (terminal: Terminal, options: KeyOptions & { mfa?: true }) => {
    if (options.mfa) return resealAll(terminal, options);
    const now = readNow(terminal, options.now);
    const set = await orRefuse(rotateKeySet(await read(terminal, options.file), now));
    await put(terminal, options.file, set, replace);
  };
  examples(act(rotate, rotateKeys, { secrets: ["FACTOR_KEYS"] }), [
    "keys rotate --file signing_keys.json",
    "keys rotate --mfa",
  ]);

  examples(
    act(
      add("retire", "removes a leaked key at once; tokens it signed are refused").argument("<kid>"),
      async (terminal, kid: string, options: KeyOptions) => {
        const set = await read(terminal, options.file);
        await terminal.confirm(`Tokens signed by ${kid} are refused once the new key set is deployed.`, kid);
        await put(
          terminal,
          options.file,
          await orRefuse(retireKey(set, kid, readNow(terminal, options.now))),
          replace,
        );
      },
    ),
    ["keys retire 2026-01-31-AbCdEfGh --file signing_keys.json"],
  );
}

async function resealAll(terminal: Terminal, { file, now }: KeyOptions): Promise<void> {
  if (file !== undefined || now !== undefined)
    throw new UsageError(
      "--mfa can't be combined with --file or --now: it reads FACTOR_KEYS and MONGODB_URI of the stage or the environment.",
    );
  const factorKeys = factorKeysPart.open(terminal.environment);
  const result = await onDatabase(terminal, (database) =>
    resealSeeds({ ...openRepositories(database), factorKeys }),
  ).catch((error: unknown) => {
    if (error instanceof NestError && error.code === "unavailable")
      throw new CommandError(
        `A seed can't be decrypted: ${error.detail}. Add the key, and run the command again.`,
      );
    throw error;
  });
  terminal.show(
    result,
    `${result.resealed} seeds were encrypted again. The first key of FACTOR_KEYS now encrypts every seed.`,
  );
}

type Write = (file: string, text: string) => Promise<void>;

async function put(
  terminal: Terminal,
  file: string | undefined,
  set: StoredKeySet,
  write: Write,
): Promise<void> {
  if (file === undefined) return terminal.print(JSON.stringify(set));
  await write(file, `${JSON.stringify(set, null, 2)}\n`);
  const states = set.keys.map(({ kid, state }) => ({ kid, state }));
  terminal.show(states, table(states.map(({ kid, state }) => [state, kid])));
}

function readNow({ environment }: Terminal, now: string | undefined): Date {
  if (now === undefined) return new Date();
  if (environment.STAGE !== "local") throw new CommandError("--now is for tests. It requires STAGE=local.");
  if (Number.isNaN(Date.parse(now)))
    throw new UsageError("--now is not a time. Write it as 2026-01-31T12:00:00Z.");
  return new Date(now);
}

async function read({ environment }: Terminal, file: string | undefined): Promise<StoredKeySet> {
  const text =
    file === undefined
      ? environment.SIGNING_KEYS
      : await readFile(file, "utf8").catch(() => {
          throw new CommandError(`${file} can't be read.`);
        });
  if (!text) throw new CommandError("No key set is given. Pass --file, or set SIGNING_KEYS.");
  try {
    return parseKeySet(JSON.parse(text));
  } catch {
    throw new CommandError(`${file ?? "SIGNING_KEYS"} does not contain a valid key set.`);
  }
}

async function orRefuse(work: Promise<StoredKeySet>): Promise<StoredKeySet> {
  return work.catch((error: unknown) => {
    throw error instanceof RotationRefused ? new CommandError(error.message) : error;
  });
}

/** Never overwrites: a lost key set can't be recovered. */
async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { mode: 0o600, flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST")
      throw new CommandError(`${file} can't be written.`);
    throw new CommandError(`${file} exists already. Use \`keys rotate\`, or choose another file.`);
  }
}

/** Replaces the file atomically, so that no reader sees half a key set. */
async function replace(file: string, text: string): Promise<void> {
  const next = `${file}.next`;
  await writeFile(next, text, { mode: 0o600 });
  await rename(next, file);
}
