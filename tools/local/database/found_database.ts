/** A database that answers on loopback, or wherever MONGODB_URI points. */
export interface FoundDatabase {
  engine: "MongoDB" | "FerretDB over DocumentDB";
  version: string;
  /** Without a database path. */
  uri: string;
  /** Where it came from, in words for a person. */
  how: string;
  /** Resolves if the server ends without having been stopped; never for one that we did not start. */
  died: Promise<void>;
  stop(): Promise<void>;
}

export interface FindOptions {
  /** Where data is kept between runs; null for a throw-away one. */
  dataDirectory: string | null;
  /** Reports slow steps in plain words. */
  say: (line: string) => void;
}
