/** Variables that earlier versions read, and where their values are now. Version 0.2.0 moved them into the app file. */
const MOVED: Readonly<Record<string, string>> = {
  CLIENTS: "clients",
  DESKTOP_ACCESS_TOKEN_LIFETIME: "clients[].accessTokenLifetimeSeconds",
};

/** The names among these that no function reads any more. */
export const movedVariables = (names: readonly string[]): string[] =>
  names.filter((name) => Object.hasOwn(MOVED, name));

/** Says where the value of a variable is now, or null for another variable. */
export function movedTo(name: string): string | null {
  return Object.hasOwn(MOVED, name)
    ? `it is now \`${MOVED[name]}\` of the app file (docs/your_app.md)`
    : null;
}
