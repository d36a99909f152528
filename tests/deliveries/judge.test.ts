import { expect, test } from "vitest";
import { type Judged, judge } from "#tests/deliveries/judge.ts";

const KILLED_AT = 100;
const success = { at: "", status: 204, error: null, durationMs: 1 };
const failure = { at: "", status: 500, error: "status", durationMs: 1 } as const;
const arrival = (at: number, status: number | null = 204) => ({ messageId: "msg_1", at, status });
const good = {
  kind: "works",
  delivery: { _id: "whdel_1", status: "succeeded", tries: 1, attempts: [success] },
  arrivals: [arrival(50)],
} satisfies Judged;

test("finds nothing wrong with a delivery that arrived once, or twice because the killed process lost the answer", () => {
  expect(judge(good, KILLED_AT)).toEqual([]);
  const twice = { ...good.delivery, tries: 2 };
  expect(judge({ ...good, delivery: twice, arrivals: [arrival(50), arrival(150)] }, KILLED_AT)).toEqual([]);
});

test.each<[string, Partial<Judged>]>([
  ["did not arrive", { arrivals: [] }],
  ["is pending", { delivery: { ...good.delivery, status: "pending" } }],
  ["was accepted 2 times, and 0 answers were lost", { arrivals: [arrival(50), arrival(60)] }],
  ["arrived 2 times in 1 attempts", { arrivals: [arrival(50, 500), arrival(60)] }],
  ["has 0 successes", { delivery: { ...good.delivery, attempts: [failure] } }],
  [
    "was accepted after the kill, and sent again",
    { delivery: { ...good.delivery, tries: 2 }, arrivals: [arrival(150), arrival(160)] },
  ],
  ["succeeded", { kind: "fails" }],
])("says that a delivery %s", (says, change) => {
  expect(judge({ ...good, ...change }, KILLED_AT).join("\n")).toContain(says);
});
