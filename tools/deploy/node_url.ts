/**
 * Replaces whatwg-url in bundles. MongoDB's driver uses it for connection strings only, and Node's own URL parses them
 * in the same way (`node_url.test.ts`). The library's tables are a third of the driver's bundle.
 */
export const { URL, URLSearchParams } = globalThis;
