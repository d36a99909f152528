import { buildDocument } from "#tools/openapi/document.ts";

export const path = "docs/openapi.json";

/** @returns the text of the file */
export async function render() {
  return `${JSON.stringify(await buildDocument(), null, 2)}\n`;
}
