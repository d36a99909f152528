/**
 * Lints `docs/openapi.json` with Redocly's strict rules, which hold every example against its schema too, and without
 * the network. Ends with status 1 if anything is wrong.
 */
import { readFile } from "node:fs/promises";
import { createConfig, lintFromString } from "@redocly/openapi-core";

const PATH = "docs/openapi.json";

/** What the rules ask for and we don't want. */
const EXCEPTIONS = {
  // Nest is nobody's to copy.
  "info-license": "off",
  // `npm start` is where the document is first tried.
  "no-server-example.com": "off",
  // /health and the keys can't be asked wrongly.
  "operation-4xx-response": "off",
  // Redocly does not see what `x-unmatched` refers to.
  "no-unused-components": "off",
} as const;

const source = await readFile(new URL(`../../${PATH}`, import.meta.url), "utf8");
const config = await createConfig({ extends: ["recommended-strict"], rules: EXCEPTIONS });
const problems = await lintFromString({ source, absoluteRef: PATH, config });
for (const { ruleId, message, location } of problems)
  console.error(`${PATH}: ${message} (${ruleId}, at ${location[0]?.pointer ?? "#"})`);
if (problems.length > 0) process.exitCode = 1;
