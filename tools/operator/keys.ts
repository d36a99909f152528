import { readFile, rename, writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { generateKeySet, RotationRefused, retireKey, rotateKeySet } from "#core/keys/key_rotation.ts";
import { parseKeySet, type StoredKeySet } from "#core/keys/signing_keys.ts";
import { act, examples, type Terminal, table } from "#tools/terminal/command.ts";
import { CommandError, UsageError } from "#tools/terminal/errors.ts";

interface KeyOptions {
  file?: string;
  now?: string;
}

/** `keys generate | rotate | retire`: the signing keys, as the JSON that SIGNING_KEYS holds. */
export function keyCommands(program: Command): void {
  const keys = program
    .command("keys")
    .description(
      "the keys that sign tokens, as the JSON that SIGNING_KEYS holds (docs/runbooks/rotate_signing_keys.md)",
    );
  const add = (name: string, what: string) =>
    keys
      .command(name)
      .description(what)
      .option(
        "--file <path>",
        "the file that holds the keys; without it SIGNING_KEYS is read, and the new value printed",
      )
      .option("--now <time>", "for tests, with STAGE=local");

  examples(
    act(add("generate", "makes a first set of keys"), async (terminal, options: KeyOptions) => {
      const set = await generateKeySet(readNow(terminal, options.now));
      await put(terminal, options.file, set, writeNew);
    }),
    ["keys generate --file signing_keys.json"],
  );

  examples(
    act(
      add("rotate", "the next key signs from now on, and a new next key is made"),
      async (terminal, options: KeyOptions) => {
        const set = await orRefuse(
          rotateKeySet(await read(terminal, options.file), readNow(terminal, options.now)),
        );
        await put(terminal, options.file, set, replace);
      },
    ),
    ["keys rotate --file signing_keys.json"],
  );

  examples(
    act(
      add("retire", "takes a key that leaked out of use at once: what it signed is refused").argument(
        "<kid>",
      ),
      async (terminal, kid: string, options: KeyOptions) => {
        const set = await read(terminal, options.file);
        await terminal.confirm(`What ${kid} signed is refused once the new set is deployed.`, kid);
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
  if (environment.STAGE !== "local") throw new CommandError("--now is for tests: it needs STAGE=local.");
  if (Number.isNaN(Date.parse(now))) throw new UsageError("--now is no time.");
  return new Date(now);
}

async function read({ environment }: Terminal, file: string | undefined): Promise<StoredKeySet> {
  const text =
    file === undefined
      ? environment.SIGNING_KEYS
      : await readFile(file, "utf8").catch(() => {
          throw new CommandError(`${file} can't be read.`);
        });
  if (!text) throw new CommandError("Name a key file with --file, or set SIGNING_KEYS.");
  try {
    return parseKeySet(JSON.parse(text));
  } catch {
    throw new CommandError(`${file ?? "SIGNING_KEYS"} holds no set of keys.`);
  }
}

async function orRefuse(work: Promise<StoredKeySet>): Promise<StoredKeySet> {
  return work.catch((error: unknown) => {
    throw error instanceof RotationRefused ? new CommandError(error.message) : error;
  });
}

/** A set that is thrown away can't be had back, so making one never writes over another. */
async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { mode: 0o600, flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST")
      throw new CommandError(`${file} can't be written.`);
    throw new CommandError(`${file} is there already. Rotate it, or name another file.`);
  }
}

/** A reader must never see half a key set. */
async function replace(file: string, text: string): Promise<void> {
  const next = `${file}.next`;
  await writeFile(next, text, { mode: 0o600 });
  await rename(next, file);
}
