import type { output, ZodMiniType } from "zod/mini";
import type { Account } from "./account.ts";
import { invalidRequest } from "./api_error.ts";
import { atTestClockOf } from "./clock_time.ts";
import type { Form } from "./form.ts";
import { readParams } from "./params.ts";
import type { Answer, List } from "./types.ts";

type Method = "GET" | "POST" | "DELETE";

/** Executes a request with valid parameters. */
export type Execution = (account: Account) => Answer;

/** One operation of the API, such as `POST /v1/customers`. */
export interface Route {
  method: Method;
  /** `/v1/customers/:id`. */
  path: string;
  /** The parameters. */
  schema: ZodMiniType;
  /**
   * Validates a request before it is executed.
   * @throws ApiError if a parameter is invalid
   */
  prepare(ids: string[], form: Form): { execute: Execution; expand: string[] };
}

/** Declares an operation with its parameters. `execute` runs at the time of the customer's test clock, if there is one. */
export function route<S extends ZodMiniType>(
  method: Method,
  path: string,
  schema: S,
  execute: (account: Account, params: output<S>, id: string) => Answer,
): Route {
  return {
    method,
    path,
    schema,
    prepare([id = ""], form) {
      const params = readParams(schema, form);
      const named = [id, ...Object.values(params ?? {})];
      return {
        execute: (account) => atTestClockOf(account, named, () => execute(account, params, id)),
        expand: expandOf(params),
      };
    },
  };
}

function expandOf(params: unknown): string[] {
  if (typeof params !== "object" || params === null || !("expand" in params)) return [];
  return Array.isArray(params.expand) ? params.expand.map(String) : [];
}

/** The ids in a path, or null if the path is not the route's. */
export function idsOf(route: Route, path: string): string[] | null {
  const given = path.split("/");
  const expected = route.path.split("/");
  if (given.length !== expected.length) return null;
  const ids: string[] = [];
  for (const [index, step] of expected.entries()) {
    const segment = given[index] ?? "";
    if (step.startsWith(":")) ids.push(decode(segment));
    else if (step !== segment) return null;
  }
  return ids;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw invalidRequest("Invalid URL");
  }
}

/** One page of a sorted list (https://docs.stripe.com/api/pagination). */
export function page<Row extends { id: string }>(
  url: string,
  rows: Row[],
  { limit = 10, starting_after, ending_before }: Paging,
): List<Row> {
  if (starting_after !== undefined && ending_before !== undefined) {
    throw invalidRequest("You can only specify one of these parameters: starting_after, ending_before.");
  }
  if (ending_before !== undefined) {
    const end = position(rows, ending_before, "ending_before");
    const start = Math.max(0, end - limit);
    return { object: "list", data: rows.slice(start, end), has_more: start > 0, url };
  }
  const start = starting_after === undefined ? 0 : position(rows, starting_after, "starting_after") + 1;
  return {
    object: "list",
    data: rows.slice(start, start + limit),
    has_more: rows.length > start + limit,
    url,
  };
}

interface Paging {
  limit?: number | undefined;
  starting_after?: string | undefined;
  ending_before?: string | undefined;
}

function position(rows: { id: string }[], id: string, param: string): number {
  const index = rows.findIndex((row) => row.id === id);
  if (index >= 0) return index;
  throw invalidRequest(`No such object: '${id}'`, { code: "resource_missing", param });
}
