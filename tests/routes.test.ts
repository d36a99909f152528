import { expect, test } from "vitest";
import { handler as getUser } from "#methods/2021-10-06/get_user.ts";
import { toRoutes } from "#routes.ts";

test("a method answers at the path of its file", () => {
  expect(toRoutes([["2021-10-06/get_user.ts", getUser]])).toEqual([
    { handler: getUser, paths: ["/1/2021-10-06/get_user"] },
  ]);
});

test.each(["2020-12-14/get_user.ts", "2021-10-06/get_users.ts", "get_user.ts"])(
  "a file that declares another date or name than its path's is refused: %s",
  (file) => {
    expect(() => toRoutes([[file, getUser]])).toThrow(
      `src/methods/${file} declares 2021-10-06/get_user: name the file so.`,
    );
  },
);

test("two files for one route, and a file without a handler, are refused", () => {
  const file = "2021-10-06/get_user.ts";
  expect(() =>
    toRoutes([
      [file, getUser],
      [file, getUser],
    ]),
  ).toThrow("/1/2021-10-06/get_user is claimed twice.");
  expect(() => toRoutes([["2021-10-06/x.ts", undefined]])).toThrow("2021-10-06/x.ts exports no handler");
});
