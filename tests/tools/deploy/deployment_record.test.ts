import { expect, test } from "vitest";
import { rollbackTarget } from "#tools/deploy/deployment_record.ts";

test.each([
  ["the deployment before the live one", { proved: [1, 2, 3], left: [] }, [1, 2, 3], 3, 2],
  ["not a deployment that never passed the smoke test", { proved: [1, 3], left: [] }, [1, 2, 3], 3, 1],
  ["not a deployment that was rolled back", { proved: [1, 2, 3], left: [2] }, [1, 2, 3], 3, 1],
  ["the newest good deployment if the live one failed", { proved: [1, 2], left: [] }, [1, 2, 3], 3, 2],
  ["not a deployment whose files are gone", { proved: [1, 2, 3], left: [] }, [3], 3, undefined],
  ["not a newer deployment", { proved: [1, 2, 3], left: [3] }, [1, 2, 3], 2, 1],
  ["no deployment if none is known to be good", { proved: [], left: [] }, [1, 2], 2, undefined],
])("a rollback goes to %s", (_case, record, kept, live, target) => {
  expect(rollbackTarget(record, kept, live)).toBe(target);
});
