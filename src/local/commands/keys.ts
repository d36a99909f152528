/**
 * `npm run keys:generate -- --file <path>` and `npm run keys:rotate -- --file <path>`: the signing keys, as the JSON that
 * SIGNING_KEYS holds. Without `--file`, reads SIGNING_KEYS from the environment and prints the new value. `--now <ISO
 * time>` is for tests and needs STAGE=local: it gets round the hour before a rotation.
 */
import { readFile, rename, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { generateKeySet, parseKeySet, rotateKeySet, type StoredKeySet } from "#core/auth/signing_keys.ts";

function readNow(now: string | undefined): Date {
  if (now === undefined) return new Date();
  if (process.env.STAGE !== "local") throw new Error("--now is for tests: it needs STAGE=local.");
  if (Number.isNaN(Date.parse(now))) throw new Error("--now is no time.");
  return new Date(now);
}

async function read(file: string | undefined): Promise<StoredKeySet> {
  const text = file === undefined ? process.env.SIGNING_KEYS : await readFile(file, "utf8");
  if (!text) throw new Error("Name a key file with --file, or set SIGNING_KEYS.");
  return parseKeySet(JSON.parse(text));
}

/** A set that is thrown away can't be had back, so making one never writes over another. */
async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { mode: 0o600, flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new Error(`${file} is there already. Rotate it, or name another file.`);
  }
}

/** A reader must never see half a key set. */
async function replace(file: string, text: string): Promise<void> {
  const next = `${file}.next`;
  await writeFile(next, text, { mode: 0o600 });
  await rename(next, file);
}

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { file: { type: "string" }, now: { type: "string" } },
  });
  const { file } = values;
  const now = readNow(values.now);
  const [action] = positionals;
  if (action !== "generate" && action !== "rotate") throw new Error("Say generate or rotate.");
  const isNew = action === "generate";
  const keys = isNew ? await generateKeySet(now) : await rotateKeySet(await read(file), now);
  if (file === undefined) console.log(JSON.stringify(keys));
  else {
    await (isNew ? writeNew : replace)(file, `${JSON.stringify(keys, null, 2)}\n`);
    for (const { kid, state } of keys.keys) console.log(`${state.padEnd(8)}${kid}`);
  }
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
