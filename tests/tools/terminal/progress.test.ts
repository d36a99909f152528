import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { formatLogLine, plainStep } from "#tools/terminal/progress.ts";

test("formats a log line as time, level, event and the fields that are set", () => {
  const line = JSON.stringify({
    level: "warn",
    event: "call",
    time: new Date(2026, 0, 2, 3, 4, 5).toISOString(),
    status: 404,
    user_id: null,
    at: ["one", "two"],
  });
  expect(stripVTControlCharacters(formatLogLine(line))).toBe(
    '03:04:05 warn  call status=404 at=["one","two"]',
  );
});

test("removes terminal control characters from values and shortens long ones", () => {
  const line = JSON.stringify({
    level: "info",
    event: "call",
    time: "",
    path: "\u001b[31mred\u001b[0m",
    key: "k".repeat(200),
  });
  const formatted = stripVTControlCharacters(formatLogLine(line));
  expect(formatLogLine(line)).not.toContain("\u001b[31mred");
  expect(formatted).toContain("path=red");
  expect(formatted).toContain(`key=${"k".repeat(80)}…`);
});

test.each(["a\nINFO forged", "a\rb", "a\bb", "\u009b31mred", "\u202Etxt", "a\u2028b"])(
  "shows the value %j as one line that can't change the terminal",
  (value) => {
    const line = JSON.stringify({ level: "info", event: "call", time: "", value });
    expect(stripVTControlCharacters(formatLogLine(line))).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]/u);
  },
);

test("leaves a line that is not JSON unchanged", () => {
  expect(formatLogLine("Reloaded: a.ts")).toBe("Reloaded: a.ts");
});

test("prints a step's title before it runs, and its duration if it took a second or longer", async () => {
  const printed: string[] = [];
  let nowMs = 0;
  const step = plainStep(
    (line) => printed.push(line),
    () => nowMs,
  );
  expect(await step("Quick.", async () => printed.length)).toBe(1);
  await step("Slow.", async () => {
    nowMs += 61_200;
  });
  expect(printed).toEqual(["Quick.", "Slow.", "Finished after 61 s."]);
});

test("prints each quarter of a percentage once", async () => {
  const printed: string[] = [];
  let nowMs = 0;
  const step = plainStep(
    (line) => printed.push(line),
    () => nowMs,
  );
  await step("Downloading.", async (reportPercent) => {
    for (const percent of [0, 10, 26, 27, 49.9, 80, 99, 100]) {
      nowMs += 500;
      reportPercent(percent);
    }
  });
  expect(printed).toEqual([
    ...["Downloading.", "  26 % after 2 s", "  80 % after 3 s", "Finished after 4 s."],
  ]);
});
