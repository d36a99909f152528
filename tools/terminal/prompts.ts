import type { Readable, Writable } from "node:stream";
import { isCancel, password, text } from "@clack/prompts";
import { CommandError } from "#tools/terminal/errors.ts";

/** Where a prompt reads and draws. It draws on standard error, so that standard output has only the result. */
interface PromptStreams {
  input: Readable & { isTTY?: boolean };
  output: Writable;
}

const terminal: PromptStreams = { input: process.stdin, output: process.stderr };
const NOT_CONFIRMED = "Not confirmed. Nothing was changed.";

/**
 * Asks before an irreversible change.
 * @param what what will change, as a sentence
 * @param word what the operator must type
 * @throws CommandError if the operator types something else or cancels, or if there is no terminal to ask on
 */
export async function confirmByTyping(what: string, word: string, streams = terminal): Promise<void> {
  if (!streams.input.isTTY) throw new CommandError(`${what} This can't be undone. Pass --yes to confirm.`);
  const typed = await text({
    message: `${what} This can't be undone. Type ${word} to continue:`,
    ...streams,
  });
  if (isCancel(typed) || typed?.trim() !== word) throw new CommandError(NOT_CONFIRMED);
}

/**
 * Reads one secret from standard input if it is piped, else prompts for it without showing the input.
 * @throws CommandError if the operator cancels the prompt
 */
export async function readSecret(name: string, streams = terminal): Promise<string> {
  if (!streams.input.isTTY) {
    const chunks: Buffer[] = [];
    for await (const chunk of streams.input as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks).toString("utf8").trim();
  }
  const typed = await password({ message: `${name}:`, ...streams });
  if (isCancel(typed)) throw new CommandError(NOT_CONFIRMED);
  return (typed ?? "").trim();
}
