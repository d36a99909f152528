import { optional, strictObject } from "zod/mini";
import { newestFirst } from "./account.ts";
import { expand, integer, paging, text } from "./params.ts";
import { page, type Route, route } from "./route.ts";
import { advanceTestClock, createTestClock, deleteTestClock, findTestClock } from "./test_clocks.ts";

const CLOCKS = "/v1/test_helpers/test_clocks";

export const testClockRoutes: Route[] = [
  route(
    "POST",
    CLOCKS,
    strictObject({ frozen_time: integer, name: optional(text), expand }),
    (account, params) => createTestClock(account, { frozenTime: params.frozen_time, name: params.name }),
  ),
  route("GET", CLOCKS, strictObject(paging), (account, params) =>
    page(CLOCKS, newestFirst(account.tables.testClocks), params),
  ),
  route("GET", `${CLOCKS}/:id`, strictObject({ expand }), (account, _, id) => findTestClock(account, id)),
  route(
    "POST",
    `${CLOCKS}/:id/advance`,
    strictObject({ frozen_time: integer, expand }),
    (account, params, id) => advanceTestClock(account, findTestClock(account, id), params.frozen_time),
  ),
  route("DELETE", `${CLOCKS}/:id`, strictObject({}), (account, _, id) => {
    deleteTestClock(account, findTestClock(account, id));
    return { id, object: "test_helpers.test_clock", deleted: true };
  }),
];
