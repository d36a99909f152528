import { afterAll, beforeAll, expect, test } from "vitest";
import { toNestError } from "#entry/answer.ts";
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
  "a cache never serves one origin's response to another: %s %s sends Vary without an origin too",
  async (method, path, status) => {
    const reply = await nest.call(path, method === "POST" ? { client_id: "x" } : undefined, { method });
    expect({ status: reply.status, vary: reply.headers.vary }).toEqual({ status, vary: "origin" });
  },
);

test.each([
  ["a socket that was closed under the driver's hands", { name: "Error", code: "EPIPE" }],
  ["a connection that was reset", { name: "Error", code: "ECONNRESET" }],
  ["a pool that the server's monitor cleared", { name: "PoolClearedOnNetworkError" }],
  ["a pool that was cleared", { name: "MongoPoolClearedError" }],
  ["a server that closed", { name: "MongoServerClosedError" }],
  ["a primary that stepped down", { name: "MongoServerError", code: 189 }],
])("maps %s to unavailable", (_what, error) => {
  expect(toNestError(Object.assign(new Error("no"), error)).code).toBe("unavailable");
});

test.each([
  ["a mistake of ours", new TypeError("no")],
  ["a failure with a number that says nothing of reach", Object.assign(new Error("no"), { code: 189 })],
  [
    "a taken key that nobody expected",
    Object.assign(new Error("no"), { name: "MongoServerError", code: 11000 }),
  ],
  ["a file that is missing", Object.assign(new Error("no"), { code: "ENOENT" })],
])("maps %s to unknown", (_what, error) => {
  expect(toNestError(error).code).toBe("unknown");
});
