import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { type StageSettings, settingsPath } from "#tools/stage/settings.ts";

type Change = { [Key in keyof StageSettings]?: Partial<StageSettings[Key]> };

/**
 * Writes a complete stage file: the committed one of nonprod with its empty settings filled in.
 * @param change settings to replace
 * @returns the file's path
 */
export async function writeSettings(folder: string, change: Change = {}): Promise<string> {
  const committed = parse(await readFile(settingsPath("nonprod"), "utf8")) as StageSettings;
  const settings = {
    ...committed,
    ...change,
    domain: { ...committed.domain, certificateArn: CERTIFICATE, ...change.domain },
    variables: {
      ...committed.variables,
      STRIPE_PRICE_ID: "price_nest",
      STRIPE_PRODUCT_IDS: "prod_nest",
      ...change.variables,
    },
  };
  const path = join(folder, "nonprod.yml");
  await writeFile(path, stringify(settings));
  return path;
}

const CERTIFICATE = "arn:aws:acm:eu-west-2:123456789012:certificate/5c1a0f5e-6f0c-4a53-9e37-0c1b1f2d3e4f";
