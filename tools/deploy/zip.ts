import { zipSync } from "fflate";

/** A regular file that anybody may read: Lambda's user is not the one who unpacked it. */
const MODE = 0o100644;
const UNIX = 3;

/** The file name that Lambda's handler `index.handler` means. */
const ENTRY_FILE = "index.js";

/**
 * The zip of a function. The same code gives the same bytes, on every machine and day, so that a deployment changes what
 * changed and no more.
 */
export function zipFunction(code: Uint8Array): Uint8Array {
  // Zips hold local time, so this must be the same date on the wall everywhere rather than the same instant.
  const mtime = new Date(1980, 0, 1);
  return zipSync({ [ENTRY_FILE]: [code, { mtime, level: 9, os: UNIX, attrs: MODE << 16 }] });
}
