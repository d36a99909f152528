import { Session } from "node:inspector/promises";
import { expect, test } from "vitest";
import { groupOf, selfTimes } from "#tools/bench/cpu_profile.ts";

test.each([
  ["file:///nest/node_modules/mongodb/lib/cmap/connection.js", "send", "mongodb"],
  ["file:///nest/node_modules/@middy/core/index.js", "run", "@middy/core"],
  ["file:///nest/src/core/sessions/access_token.ts", "verify", "src/core/sessions"],
  ["file:///nest/src/core/call.ts", "call", "src/core"],
  ["file:///nest/src/entry/rpc.ts", "serve", "src/entry"],
  ["file:///nest/tools/bench/targets/nest.ts", "invoke", "tools"],
  ["node:internal/crypto/webcrypto", "sign", "node:crypto"],
  ["node:net", "write", "node:net"],
  ["", "(idle)", "idle"],
  ["", "(garbage collector)", "garbage collection"],
  ["", "writeBuffer", "native code"],
])("the group of %j %s is %s", (url, functionName, group) => {
  expect(groupOf({ url, functionName })).toBe(group);
});

test("self time is the time until the next sample, without the time of called functions", () => {
  const node = (id: number, functionName: string, children: number[]) => ({
    ...{ id, children, hitCount: 0 },
    callFrame: { functionName, scriptId: "1", url: "", lineNumber: 0, columnNumber: 0 },
  });
  const profile = {
    nodes: [node(1, "outer", [2, 3]), node(2, "inner", []), node(3, "inner", [])],
    startTime: 0,
    endTime: 9_000,
    samples: [1, 2, 3, 1],
    timeDeltas: [500, 1_000, 4_000, 2_000],
  };
  expect([...selfTimes(profile, ({ functionName }) => functionName)]).toEqual([
    ["inner", 6],
    ["outer", 1],
  ]);
});

test("a profile of V8 contains the function that was busy", async () => {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.start");
  let sum = 0;
  function beBusy() {
    for (let index = 0; index < 30_000_000; index++) sum += Math.sqrt(index);
  }
  beBusy();
  const { profile } = await session.post("Profiler.stop");
  session.disconnect();
  expect(sum).toBeGreaterThan(0);
  expect(selfTimes(profile, ({ functionName }) => functionName).get("beBusy")).toBeGreaterThan(0);
});
