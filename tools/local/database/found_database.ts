import type { Step } from "#tools/terminal/progress.ts";

/** A running database, on loopback or at MONGODB_URI. */
export interface FoundDatabase {
  engine: "MongoDB" | "FerretDB over DocumentDB";
  version: string;
  /** Without a database path. */
  uri: string;
  /** How it was found, for display. */
  how: string;
  /** Resolves if the server ends without a call of `stop`. Never resolves for a server that was running before. */
  died: Promise<void>;
  stop(): Promise<void>;
}

export interface FindOptions {
  /** The folder of the data; null for a temporary folder that `stop` deletes. */
  dataDirectory: string | null;
  /** Prints a line for the developer. */
  say: (line: string) => void;
  /** Shows a slow step, such as a download. By default `say` prints its title and its duration. */
  step?: Step;
}
