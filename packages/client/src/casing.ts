/** A name in camelCase: `user_id` is `userId`. */
export type Camel<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Name;

/** A type whose field names are in camelCase, at every depth. */
export type CamelKeys<Value> = Value extends readonly (infer Item)[]
  ? CamelKeys<Item>[]
  : Value extends object
    ? { [Name in keyof Value as Camel<Name & string>]: CamelKeys<Value[Name]> }
    : Value;

/** A type of the wire, with its field names in camelCase if `IsCamel` is true. */
export type Cased<Value, IsCamel extends boolean> = IsCamel extends true ? CamelKeys<Value> : Value;

/** Converts a name of the wire to camelCase. */
export const toCamel = (name: string): string =>
  name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** Converts a name in camelCase to its name on the wire. */
export const toWire = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** What a browser made of a passkey. Its names are those of WebAuthn. */
const UNTOUCHED = "credential";

/** Renames the fields of a value at every depth. Values stay as they are. */
export function renamed(value: unknown, rename: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, rename));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      rename(name),
      name === UNTOUCHED ? item : renamed(item, rename),
    ]),
  );
}
