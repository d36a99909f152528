import { createInterface } from "node:readline";
import { Writable } from "node:stream";

/**
 * Reads one secret from standard input if it is piped, else prompts for it without echoing the input.
 */
export async function readSecret(name: string): Promise<string> {
  if (!process.stdin.isTTY) {
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks).toString("utf8").trim();
  }
  process.stderr.write(`${name} (not shown): `);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  const answer = await new Promise<string>((resolve) => {
    terminal.once("line", resolve);
    terminal.once("close", () => resolve(""));
  });
  terminal.close();
  process.stderr.write("\n");
  return answer.trim();
}
