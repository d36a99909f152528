import { readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { ConfigError, readConfig } from "#core/config.ts";
import { signerVariables } from "#core/keys/signing_keys.ts";

/** The test cases of the original server (S, D) and of its programs (G, N, P), and the faults of the server (F) that Nest must not have. */
const CASES = [
  ...["S1", "S2", "S3", "G1", "N1", "N2", "N4", "P2", "P3", "P4", "P5", "P6", "D3", "D6"],
  ...Array.from({ length: 21 }, (_, index) => `F${index + 1}`),
];

/** Expands `P4 to P6`. */
function casesIn(label: string): string[] {
  return label.split(", ").flatMap((part) => {
    const [, letter = "", from, to] = /^([A-Z])(\d+)(?: to [A-Z](\d+))?$/.exec(part) ?? [];
    const [first, last] = [Number(from), Number(to ?? from)];
    return Array.from({ length: last - first + 1 }, (_, index) => `${letter}${first + index}`);
  });
}

test("every case of StaticBackend has a test that names it", async () => {
  const files = (await readdir("tests/adapters")).filter((file) => /^static_backend.*\.test\.ts$/.test(file));
  const sources = await Promise.all(files.map((file) => readFile(`tests/adapters/${file}`, "utf8")));
  const labels = [...sources.join("\n").matchAll(/test\(\s*"[^"]* \(([A-Z]\d[^)"]*)\)"/g)];
  const named = new Set(labels.flatMap(([, label = ""]) => casesIn(label)));
  expect(CASES.filter((one) => !named.has(one))).toEqual([]);
});

test("no code and no token comes from a generator that can be predicted (F14)", async () => {
  const files = (await readdir("src", { recursive: true })).filter((file) => file.endsWith(".ts"));
  const using: string[] = [];
  for (const file of files)
    if ((await readFile(`src/${file}`, "utf8")).includes("Math.random")) using.push(file);
  // It spreads retries.
  expect(using).toEqual(["core/services/ssm.ts"]);
});

test("a function without signing keys does not start, and makes none of its own (F20)", () => {
  for (const value of [undefined, "", "secret", "{}", '{"keys":[]}'])
    expect(() => readConfig(signerVariables, { SIGNING_KEYS: value }), value).toThrow(ConfigError);
});
