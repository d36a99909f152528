import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli } from "#tests/support/cli.ts";
import { as, newMember, newOwner } from "#tests/support/members.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";

let nest: TestNest;
beforeAll(async () => {
  nest = await startNest();
});
afterAll(() => nest.stop());

const run = (...args: string[]) => runCli(["accounts", ...args], { MONGODB_URI: nest.mongoUri });

test("lists the accounts of a user, and shows the members of one", async () => {
  const owner = await newOwner(nest);
  const member = await newMember(nest, owner, "admin");
  await as(nest, owner, "update_account", { name: "Acme" });

  const listed = await run("list", owner.address);
  expect(listed.printed).toMatch(new RegExp(`^${owner.account_id}  Acme  owner  2`, "m"));
  const { printed } = await run("list", member.user_id, "--json");
  expect(JSON.parse(printed)).toMatchObject([{ id: owner.account_id, name: "Acme", role_key: "admin" }]);
  expect((await run("list", "nobody@example.com")).status).toBe(1);

  const shown = await run("show", owner.account_id);
  expect(shown.printed).toMatch(new RegExp(`^${owner.user_id}  ${owner.address} +owner  active$`, "m"));
  expect((await run("show", owner.account_id, "--limit", "1")).printed).toContain("Raise --limit");
  const { users } = JSON.parse((await run("show", owner.account_id, "--json")).printed);
  expect(users.map(({ id, role }: { id: string; role: number }) => [id, role])).toEqual([
    [owner.user_id, 100],
    [member.user_id, 80],
  ]);
  const unknown = await run("show", "account_nothing");
  expect([unknown.status, unknown.printed]).toEqual([1, expect.stringContaining("There is no account")]);
});

test("shows control characters in the name of an account as escapes", async () => {
  const owner = await newOwner(nest);
  // As an earlier version stored it.
  const name = "Acme\u001b[2J\nactive";
  await nest.collection("accounts").updateOne({ _id: owner.account_id as never }, { $set: { name } });
  for (const args of [
    ["list", owner.address],
    ["show", owner.account_id],
  ]) {
    const { printed } = await run(...args);
    expect(printed).toContain("Acme\\u000aactive");
    expect(printed).not.toContain("\u001b[2J");
  }
});
