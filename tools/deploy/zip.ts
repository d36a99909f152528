import { zipSync } from "fflate";

/** A regular file that every user may read: Lambda unpacks the zip and runs it as different users. */
const MODE = 0o100644;
const UNIX = 3;

/** The file of the Lambda handler `index.handler`. */
const ENTRY_FILE = "index.js";

/**
 * Returns the zip of a function. The same code gives the same bytes on every machine and day, so a deploy uploads and
 * updates only functions whose code changed.
 * @param besides files beside the code, by name
 */
export function zipFunction(
  code: Uint8Array,
  besides: Readonly<Record<string, Uint8Array>> = {},
): Uint8Array {
  // Zips store local time without a zone: the same local time everywhere, not the same instant.
  const mtime = new Date(1980, 0, 1);
  const files = Object.entries({ [ENTRY_FILE]: code, ...besides });
  return zipSync(
    Object.fromEntries(
      files.map(([name, bytes]) => [name, [bytes, { mtime, level: 9, os: UNIX, attrs: MODE << 16 }]]),
    ),
  );
}
