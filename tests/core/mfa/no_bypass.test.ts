import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { listFiles } from "#tests/tools/docs/markdown.ts";

/** Every file that issues a session, with the text that shows how it checks the second factor, or why it needs none. */
const ISSUERS = {
  // They call `passSecondFactor` first.
  "src/core/sign_in/code_sign_in.ts": "secondFactor }",
  "src/core/sign_in/link_sign_in.ts": "secondFactor }",
  "src/core/sign_in/oauth/visit_sign_in.ts": "secondFactor }",
  "src/core/sign_in/password_sign_in.ts": "secondFactor }",
  // The second factor was presented, or the passkey counts as both.
  "src/core/sign_in/passkey_sign_in.ts": '"presented"',
  "src/core/sign_in/second_step.ts": '"presented"',
  // The second factor was checked when the session started.
  "src/core/sign_in/grants/refresh_token.ts": '"earlier"',
  // The user is created by the same call.
  "src/core/sign_in/registration/register_now.ts": '"new_user"',
};
/** Issues access tokens without `issueSession`: for tests outside production, and for a session that exists. */
const WITHOUT_SESSION = ["src/core/sign_in/step_up.ts", "src/core/sign_in/test_token.ts"];

const sources = listFiles("src").map((file) => [file, readFileSync(file, "utf8")] as const);
const using = (name: string) =>
  sources
    .filter(([file, text]) => text.includes(`${name}(`) && !file.startsWith("src/core/sessions/"))
    .map(([file]) => file)
    .sort();

test("every file that issues a session checks the second factor, or states why none is needed", () => {
  expect(using("issueSession")).toEqual(Object.keys(ISSUERS).sort());
  for (const [file, word] of Object.entries(ISSUERS)) expect(readFileSync(file, "utf8")).toContain(word);
});

test("every sign-in with one factor calls passSecondFactor", () => {
  const asking = using("await passSecondFactor");
  const oneFactor = Object.entries(ISSUERS).filter(([, word]) => word === "secondFactor }");
  expect(asking).toEqual(oneFactor.map(([file]) => file).sort());
});

test("no other file signs an access token", () => {
  expect(using("mintAccessToken")).toEqual(WITHOUT_SESSION);
});
