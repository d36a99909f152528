import { expect, test } from "vitest";
import { Turns } from "#core/passwords/turns.ts";

test("runs no more tasks at once than allowed, in the order in which they came, also after a failure", async () => {
  const turns = new Turns(2);
  const started: number[] = [];
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const tasks = gates.map(({ promise }, index) =>
    turns.take(async () => {
      started.push(index);
      await promise;
      return index;
    }),
  );
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  await settle();
  expect(started).toEqual([0, 1]);
  gates[1]?.reject(new Error("failed"));
  await expect(tasks[1]).rejects.toThrow("failed");
  await settle();
  expect(started).toEqual([0, 1, 2]);
  for (const { resolve } of gates) resolve();
  expect(await Promise.all([tasks[0], tasks[2], tasks[3], tasks[4]])).toEqual([0, 2, 3, 4]);
});
