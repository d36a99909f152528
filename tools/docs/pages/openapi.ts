import { buildDocument } from "#tools/openapi/document.ts";

export const path = "docs/openapi.json";

export async function render() {
  return `${JSON.stringify(await buildDocument(), null, 2)}\n`;
}
