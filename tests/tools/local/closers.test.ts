import { expect, test } from "vitest";
import { Closers } from "#tools/machine/closers.ts";

test("closes in the opposite order and once; one that fails stops no other and is told at the end", async () => {
  const closed: string[] = [];
  const closers = new Closers();
  const add = (name: string, failure?: string) =>
    closers.add(async () => {
      closed.push(name);
      if (failure) throw new Error(failure);
    });
  add("folder");
  add("database", "second");
  add("mail", "first");
  add("api");
  await expect(closers.close()).rejects.toThrow("first");
  expect(closed).toEqual(["api", "mail", "database", "folder"]);
  await closers.close();
  expect(closed).toHaveLength(4);
});
