import type { Put } from "#tools/stage/config/put_parameters.ts";
import type { Terminal } from "#tools/terminal/command.ts";

/** Says what was written, or why nothing was. */
export function told(terminal: Terminal, { refused, written }: Put): boolean {
  for (const line of refused) terminal.err(line);
  const words = written.map(({ name, version, isNew }) =>
    isNew ? `${name}: version ${version}` : `${name}: unchanged, version ${version}`,
  );
  if (refused.length === 0) terminal.show(written, words);
  return refused.length === 0;
}
