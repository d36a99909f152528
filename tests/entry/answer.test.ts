import { afterAll, beforeAll, expect, test } from "vitest";
import { startNest, type TestNest, V1 } from "#tests/support/nest.ts";

let nest: TestNest;
beforeAll(async () => {
  nest = await startNest();
});
afterAll(() => nest.stop());

test.each([
  ["POST", `${V1}list_news_items`, 200],
  ["POST", `${V1}nope`, 404],
  ["OPTIONS", `${V1}list_news_items`, 204],
  ["GET", "/.well-known/jwks.json", 200],
])(
  "a cache never hands one origin's answer to another: %s %s says vary without an origin too",
  async (method, path, status) => {
    const reply = await nest.call(path, method === "POST" ? { client_id: "x" } : undefined, { method });
    expect([reply.status, reply.headers.vary]).toEqual([status, "origin"]);
  },
);
