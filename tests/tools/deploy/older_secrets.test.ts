import { expect, test } from "vitest";
import { olderSecrets, requireNewSecrets } from "#tools/deploy/older_secrets.ts";

const versions = (...entries: [string, string][]) => new Map(entries);

test.each([
  ["an older version", versions(["REFRESH_KEYS", "10"]), versions(["REFRESH_KEYS", "9"]), ["REFRESH_KEYS"]],
  ["the live version", versions(["REFRESH_KEYS", "2"]), versions(["REFRESH_KEYS", "2"]), []],
  ["a newer version", versions(["REFRESH_KEYS", "2"]), versions(["REFRESH_KEYS", "3"]), []],
  [
    "the newest version of a secret that the live deployment does not read",
    versions(),
    versions(["OLD", "2"]),
    [],
  ],
  [
    "an older version of a secret that the live deployment does not read",
    versions(),
    versions(["OLD", "1"]),
    ["OLD"],
  ],
  [
    "an older version of one secret of two",
    versions(["A", "2"], ["B", "5"]),
    versions(["A", "2"], ["B", "4"]),
    ["B"],
  ],
])("a rollback to a deployment with %s names these secrets: %s", (_case, live, target, names) => {
  const newest = new Map([["OLD", 2]]);
  expect(olderSecrets(live, target, newest).map(({ name }) => name)).toEqual(names);
});

test("a rollback that would restore an older secret is refused with the names, the reason and what to do", () => {
  const older = [{ name: "INTERNAL_KEYS", from: "3", to: "2" }];
  expect(() => requireNewSecrets(older, false)).toThrow(
    "This rollback would restore older versions of secrets:\n  INTERNAL_KEYS: version 3 -> 2\n",
  );
  expect(() => requireNewSecrets(older, false)).toThrow(/leaked[\s\S]*old commit[\s\S]*--with-older-secrets/);
  expect(() => requireNewSecrets(older, true)).not.toThrow();
  expect(() => requireNewSecrets([], false)).not.toThrow();
});
