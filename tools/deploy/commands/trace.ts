/** `npm run trace -- <function> "<log line>"`: where in the source a log line of a bundled function points, see `trace.ts`. */
import { trace } from "#tools/deploy/trace.ts";

const [name = "", ...words] = process.argv.slice(2);
try {
  for (const line of await trace(name, words.join(" "))) console.log(line);
} catch (error) {
  console.error(`\nfail  ${(error as Error).message}`);
  process.exitCode = 2;
}
