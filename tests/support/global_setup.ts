import type { TestProject } from "vitest/node";
import { findDatabase } from "#local/database/find_database.ts";
import { ensureSchema } from "#tests/support/stripe_schema/cached.ts";

declare module "vitest" {
  interface ProvidedContext {
    mongoUri: string;
    mongoEngine: string;
    /** Path of the JSON schemas of Stripe's API, as the pinned SDK has it. */
    stripeSchema: string;
  }
}

/** One database server for the whole run, and Stripe's schema; each test file has a database of its own in it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const database = await findDatabase({ dataDirectory: null, say: (line) => console.log(line) });
  console.log(`Database: ${database.engine} ${database.version}, ${database.how}`);
  project.provide("mongoUri", database.uri);
  project.provide("mongoEngine", database.engine);
  project.provide("stripeSchema", await ensureSchema());
  return () => database.stop();
}
