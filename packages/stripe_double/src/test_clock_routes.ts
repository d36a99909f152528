import { optional, strictObject } from "zod/mini";
import { expand, paging, text, whole } from "./params.ts";
import { page, type Route, route } from "./route.ts";
import { advanceTestClock, createTestClock, deleteTestClock, findTestClock } from "./test_clocks.ts";
import { newestFirst } from "./world.ts";

const CLOCKS = "/v1/test_helpers/test_clocks";

export const testClockRoutes: Route[] = [
  route("POST", CLOCKS, strictObject({ frozen_time: whole, name: optional(text), expand }), (world, params) =>
    createTestClock(world, { frozenTime: params.frozen_time, name: params.name }),
  ),
  route("GET", CLOCKS, strictObject(paging), (world, params) =>
    page(CLOCKS, newestFirst(world.tables.testClocks), params),
  ),
  route("GET", `${CLOCKS}/:id`, strictObject({ expand }), (world, _, id) => findTestClock(world, id)),
  route("POST", `${CLOCKS}/:id/advance`, strictObject({ frozen_time: whole, expand }), (world, params, id) =>
    advanceTestClock(world, findTestClock(world, id), params.frozen_time),
  ),
  route("DELETE", `${CLOCKS}/:id`, strictObject({}), (world, _, id) => {
    deleteTestClock(world, findTestClock(world, id));
    return { id, object: "test_helpers.test_clock", deleted: true };
  }),
];
