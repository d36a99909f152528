import { expect, test } from "vitest";
import { startRecordingServer } from "#tests/support/recording_server.ts";
import { readLink } from "#tools/local/demo/app.ts";
import { Trace } from "#tools/local/demo/trace.ts";

test("the demo finds its link though the welcome to the trial arrived after it", async () => {
  const link = `https://magic.getbeak.app/?code=authzcode_${"0".repeat(27)}.${"0".repeat(64)}&state=s`;
  const mail = (to: string, text: string) => ({ to, subject: "s", text });
  const inbox = [
    mail("ada@example.com", `Start your trial\n\n${link}\n`),
    mail("ada@example.com", "Your trial has begun\n"),
    mail("bob@example.com", `Sign in\n\n${link}2\n`),
  ];
  await using server = await startRecordingServer((response) => response.end(JSON.stringify(inbox)));
  const trace = new Trace(server.url, () => undefined);
  expect((await readLink(trace, "ada@example.com")).href).toBe(link);
  await expect(readLink(trace, "eve@example.com")).rejects.toThrow("a mail to eve@example.com has arrived");
});
