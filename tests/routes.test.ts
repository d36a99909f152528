import { expect, test } from "vitest";
import { handler as getUser } from "#methods/2021-10-06/get_user.ts";
import { toRoutes } from "#routes.ts";

test("a method is served at the path of its file", () => {
  expect(toRoutes([["2021-10-06/get_user.ts", getUser]])).toEqual([
    {
      source: "src/methods/2021-10-06/get_user.ts",
      group: null,
      handler: getUser,
      paths: ["/1/2021-10-06/get_user", "/1/2026-12-01/get_user"],
    },
  ]);
});

test("a folder below the version names the method's group and is not part of its path", () => {
  expect(toRoutes([["2021-10-06/users/get_user.ts", getUser]])).toEqual([
    {
      source: "src/methods/2021-10-06/users/get_user.ts",
      group: "users",
      handler: getUser,
      paths: ["/1/2021-10-06/get_user", "/1/2026-12-01/get_user"],
    },
  ]);
});

test.each([
  "2020-12-14/get_user.ts",
  "2021-10-06/get_users.ts",
  "2021-10-06/users/more/get_user.ts",
  "get_user.ts",
])("refuses %s, whose path differs from the version and name it declares", (file) => {
  expect(() => toRoutes([[file, getUser]])).toThrow(`src/methods/${file} declares get_user of 2021-10-06.`);
});

test("refuses two files for one path", () => {
  const file = "2021-10-06/get_user.ts";
  expect(() =>
    toRoutes([
      [file, getUser],
      ["2021-10-06/users/get_user.ts", getUser],
    ]),
  ).toThrow("/1/2021-10-06/get_user is claimed by two method files.");
});

test("refuses a file that exports no handler", () => {
  expect(() => toRoutes([["2021-10-06/x.ts", undefined]])).toThrow("2021-10-06/x.ts exports no handler");
});
