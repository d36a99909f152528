import type { Core, OpenCore } from "#core/core.ts";
import type { OpenedParts, Parts } from "#entry/declaration.ts";

/** Opens the declared parts and joins them to the core. */
export function openParts<Needed extends Parts>(open: OpenCore, needed: Needed): Core & OpenedParts<Needed> {
  const parts = Object.fromEntries(Object.entries(needed).map(([name, part]) => [name, open.part(part)]));
  return { ...open.core, ...parts } as Core & OpenedParts<Needed>;
}
