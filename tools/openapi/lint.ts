/**
 * Lints `docs/openapi.json` with Redocly's strict rules, which also validate every example against its schema. Needs no
 * network. Exits with status 1 if it finds a problem.
 */
import { readFile } from "node:fs/promises";
import { createConfig, lintFromString } from "@redocly/openapi-core";

const PATH = "docs/openapi.json";

/** Rules that are switched off, each with the reason. */
const EXCEPTIONS = {
  // Nest has no public license.
  "info-license": "off",
  // The local stack of `npm start` is one of the servers.
  "no-server-example.com": "off",
  // /health and the public keys take no input, so they have no 4xx response.
  "operation-4xx-response": "off",
  // Redocly ignores references in `x-unmatched`.
  "no-unused-components": "off",
} as const;

const source = await readFile(new URL(`../../${PATH}`, import.meta.url), "utf8");
const config = await createConfig({ extends: ["recommended-strict"], rules: EXCEPTIONS });
const problems = await lintFromString({ source, absoluteRef: PATH, config });
for (const { ruleId, message, location } of problems)
  console.error(`${PATH}: ${message} (${ruleId}, at ${location[0]?.pointer ?? "#"})`);
if (problems.length > 0) process.exitCode = 1;
