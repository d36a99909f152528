import type { TestProject } from "vitest/node";
import { findDatabase } from "#local/database/find_database.ts";

declare module "vitest" {
  interface ProvidedContext {
    mongoUri: string;
    mongoEngine: string;
  }
}

/** One database server for the whole run; each test file has a database of its own in it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const database = await findDatabase({ dataDirectory: null, say: (line) => console.log(line) });
  console.log(`Database: ${database.engine} ${database.version}, ${database.how}`);
  project.provide("mongoUri", database.uri);
  project.provide("mongoEngine", database.engine);
  return () => database.stop();
}
