import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { startTestStack } from "#tests/support/local_stack.ts";
import { V3 } from "#tests/support/plans.ts";
import { run } from "#tools/machine/child_process.ts";

test("the commands of docs/start.md get an internal key and a token that the examples of other pages can use", async () => {
  await using stack = await startTestStack();
  const page = await readFile("docs/start.md", "utf8");
  const section = page.slice(page.indexOf("### Credentials for examples"), page.indexOf("## 3."));
  const commands = [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, code]) => code).join("");
  const program = commands.replaceAll("localhost:3000", new URL(stack.api.url).host);
  const printed = await run("bash", ["-euo", "pipefail", "-c", `${program}\necho "$INTERNAL_KEY $TOKEN"`]);
  const [key, token] = printed.trim().split(" ");

  const ask = (method: string, body: object, authorization: string) =>
    stack.ask("POST", `${V3}${method}`, body, { authorization });
  expect((await ask("list_users", { query: "ada@" }, `internal ${key}`)).body.items).toHaveLength(1);
  expect((await ask("update_user", { name: "Ada" }, `Bearer ${token}`)).body.user.name).toBe("Ada");
  // Members are added only by a person whose address is verified.
  const added = { identifier_type: "email", identifier_value: "grace@example.com" };
  const password = "correct horse battery staple 1";
  const { status } = await ask("add_account_user", { ...added, password }, `Bearer ${token}`);
  expect(status).toBe(200);
});
