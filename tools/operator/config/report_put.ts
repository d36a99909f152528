import type { Put } from "#tools/stage/config/put_parameters.ts";
import type { Terminal } from "#tools/terminal/command.ts";

/** Prints the written parameters, or the reasons why nothing was written. @returns whether they were written */
export function reportPut(terminal: Terminal, { refused, written }: Put): boolean {
  for (const line of refused) terminal.err(line);
  const words = written.map(({ name, version, isNew }) =>
    isNew ? `${name}: version ${version}` : `${name}: unchanged, version ${version}`,
  );
  if (refused.length === 0) terminal.show(written, words);
  return refused.length === 0;
}
