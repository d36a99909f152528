import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { confirmByTyping, readSecret } from "#tools/terminal/prompts.ts";

/** A terminal on which somebody types a text, and what is drawn on it. */
function terminal(typed: string, isTTY = true) {
  const input = Object.assign(new PassThrough(), { isTTY, setRawMode: () => undefined });
  const output = Object.assign(new PassThrough(), { isTTY, columns: 80, rows: 24 });
  let drawn = "";
  let rest = isTTY ? typed : "";
  output.on("data", (chunk: Buffer) => {
    drawn += chunk.toString();
    // The prompt begins to read right after it is first drawn.
    if (rest !== "") setImmediate((keys) => input.write(keys), rest);
    rest = "";
  });
  if (!isTTY) input.end(typed);
  return { streams: { input, output }, drawn: () => drawn };
}

test("asks before an irreversible change, and goes on when the operator types the word", async () => {
  const { streams, drawn } = terminal("user_1\r");
  await confirmByTyping("user_1 will be erased.", "user_1", streams);
  expect(drawn()).toContain("user_1 will be erased. This can't be undone. Type user_1 to continue:");
});

test.each([
  ["another word", "user_2\r"],
  ["nothing", "\r"],
  ["Ctrl-C", "\u0003"],
])("refuses an irreversible change when the operator types %s", async (_what, typed) => {
  const confirming = confirmByTyping("user_1 will be erased.", "user_1", terminal(typed).streams);
  await expect(confirming).rejects.toThrow("Not confirmed. Nothing was changed.");
});

test("refuses an irreversible change without a terminal, and names --yes", async () => {
  const { streams } = terminal("user_1\n", false);
  await expect(confirmByTyping("user_1 will be erased.", "user_1", streams)).rejects.toThrow("Pass --yes");
});

test("reads a secret that is typed, and does not show it", async () => {
  const { streams, drawn } = terminal("hunter2\r");
  expect(await readSecret("MONGODB_URI", streams)).toBe("hunter2");
  expect(drawn()).toContain("MONGODB_URI:");
  expect(drawn()).not.toContain("hunter2");
});

test("reads a secret from a pipe without its line break", async () => {
  expect(await readSecret("MONGODB_URI", terminal("hunter2\n", false).streams)).toBe("hunter2");
});

test("refuses a secret whose prompt was canceled", async () => {
  await expect(readSecret("MONGODB_URI", terminal("\u0003").streams)).rejects.toThrow("Nothing was changed.");
});
