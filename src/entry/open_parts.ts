import type { Core, OpenCore } from "#core/core.ts";
import type { OpenedParts, Parts } from "#entry/declaration.ts";

/** The core together with the parts that a declaration names. */
export function openParts(open: OpenCore, needed: Parts = {}): Core & OpenedParts<Parts> {
  const parts = Object.fromEntries(Object.entries(needed).map(([name, part]) => [name, open.part(part)]));
  return { ...open.core, ...parts } as Core & OpenedParts<Parts>;
}
