import { expect, test } from "vitest";
import { lastGood } from "#tools/deploy/deployment_record.ts";

test.each([
  ["the one before", { proved: [1, 2, 3], left: [] }, [1, 2, 3], 3, 2],
  ["not one that never worked", { proved: [1, 3], left: [] }, [1, 2, 3], 3, 1],
  ["not one that was rolled back", { proved: [1, 2, 3], left: [2] }, [1, 2, 3], 3, 1],
  ["from one that failed, the newest good one", { proved: [1, 2], left: [] }, [1, 2, 3], 3, 2],
  ["not one whose files are gone", { proved: [1, 2, 3], left: [] }, [3], 3, undefined],
  ["not a newer one", { proved: [1, 2, 3], left: [3] }, [1, 2, 3], 2, 1],
  ["none where nothing is known", { proved: [], left: [] }, [1, 2], 2, undefined],
])("a rollback goes to %s", (_case, record, kept, live, target) => {
  expect(lastGood(record, kept, live)).toBe(target);
});
