import { PUBLIC_KEYS, publicValue, WHOLE_KEYS } from "#tools/stage/config/check_stage.ts";
import type { Inventory } from "#tools/stage/config/inventory.ts";
import { LONGEST_VALUE, type ParameterStore } from "#tools/stage/config/parameter_store.ts";
import { refuse } from "#tools/stage/config/refusals.ts";
import { settingsPath } from "#tools/stage/settings.ts";

interface Target {
  inventory: Inventory;
  store: Pick<ParameterStore, "read" | "put" | "stage" | "isRehearsal">;
}

/** The result of writing secrets. */
export interface Put {
  /** Why nothing was written: a line for each refused name, without values. */
  refused: string[];
  written: { name: string; version: number; isNew: boolean }[];
}

/**
 * Writes secrets of a stage. If one is refused, none is written. An unchanged value gets no new version. The public half of
 * the signing keys is written before the keys, so that it never lacks a key that signs.
 * @throws StoreError
 */
export async function putParameters(
  { inventory, store }: Target,
  values: ReadonlyMap<string, string>,
): Promise<Put> {
  const refused = [...values].flatMap(([name, value]) => {
    const why = refusal({ inventory, store }, name, value);
    return why === null ? [] : [`${name}: ${why}`];
  });
  if (values.size === 0) refused.push("There is no value. Pass a name and its value, or --file.");
  if (refused.length > 0) return { refused, written: [] };
  const whole = values.get(WHOLE_KEYS);
  const all = [...(whole === undefined ? [] : [[PUBLIC_KEYS, publicValue(whole)] as const]), ...values];
  const stored = await store.read(all.map(([name]) => name));
  const written: Put["written"] = [];
  for (const [name, value] of all) {
    const present = stored.get(name);
    const isNew = present?.value !== value;
    const version = isNew ? await store.put(name, value, isSecret(inventory, name)) : present.version;
    written.push({ name, version, isNew });
  }
  return { refused, written };
}

const isSecret = ({ parameters }: Inventory, name: string) =>
  parameters.find((parameter) => parameter.name === name)?.isSecret !== false;

/** @returns why a value is refused, or null */
function refusal({ inventory, store }: Target, name: string, value: string): string | null {
  if (inventory.settings.some((setting) => setting.name === name))
    return `no secret; write it into ${settingsPath(store.stage)}`;
  const spec = inventory.parameters.find((parameter) => parameter.name === name);
  if (!spec) return "no function reads it";
  if (!spec.isSecret) return `derived from ${WHOLE_KEYS}; put ${WHOLE_KEYS} instead`;
  if (Buffer.byteLength(value) > LONGEST_VALUE) return `longer than ${LONGEST_VALUE} bytes`;
  const { stage, isRehearsal } = store;
  return refuse(spec, value, { stage, isRehearsal, methods: inventory.methods });
}
