/**
 * `npm run keys:generate -- --file <path>` and `npm run keys:rotate -- --file <path>`: the signing keys, as the JSON that
 * SIGNING_KEYS holds. Without `--file`, reads SIGNING_KEYS from the environment and prints the new value.
 */
import { readFile, rename, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { generateKeySet, parseKeySet, rotateKeySet, type StoredKeySet } from "#core/auth/signing_keys.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { file: { type: "string" }, now: { type: "string" } },
});
const [action] = positionals;
const now = values.now === undefined ? new Date() : new Date(values.now);

async function read(): Promise<StoredKeySet> {
  const text = values.file === undefined ? process.env.SIGNING_KEYS : await readFile(values.file, "utf8");
  if (!text) throw new Error("Name a key file with --file, or set SIGNING_KEYS.");
  return parseKeySet(JSON.parse(text));
}

async function write(keys: StoredKeySet): Promise<void> {
  if (values.file === undefined) {
    console.log(JSON.stringify(keys));
    return;
  }
  // A reader must never see half a key set.
  const next = `${values.file}.next`;
  await writeFile(next, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600 });
  await rename(next, values.file);
  for (const { kid, state } of keys.keys) console.log(`${state.padEnd(8)}${kid}`);
}

try {
  if (action === "generate") await write(await generateKeySet(now));
  else if (action === "rotate") await write(await rotateKeySet(await read(), now));
  else throw new Error("Say generate or rotate.");
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
