import {
  array,
  check,
  type core,
  literal,
  maxLength,
  number,
  enum as oneOf,
  optional,
  type output,
  pipe,
  record,
  regex,
  safeParse,
  strictObject,
  string,
  transform,
  union,
  type ZodMiniType,
} from "zod/mini";
import { type ApiError, invalidRequest } from "./api_error.ts";
import { type Form, paramName } from "./form.ts";

export const text = string().check(maxLength(5000));
export const flag = pipe(
  oneOf(["true", "false"], { error: "Invalid boolean" }),
  transform((value) => value === "true"),
);
export const integer = pipe(
  string().check(regex(/^-?\d{1,12}$/, { error: "Invalid integer" })),
  transform(Number),
);
export const emptyString = literal("");
export const expand = optional(array(text));
/** A map of strings. An empty value removes its key, and an empty string removes all keys. */
export const metadata = optional(
  union([
    emptyString,
    record(string().check(maxLength(40)), string().check(maxLength(500))).check(
      check(({ value, issues }) => {
        if (Object.keys(value).length <= 50) return;
        issues.push({ code: "custom", input: value, message: "Metadata has too many keys" });
      }),
    ),
  ]),
);
const bound = optional(integer);
export const range = optional(
  union([integer, strictObject({ gt: bound, gte: bound, lt: bound, lte: bound })]),
);
/** The parameters of every list. */
export const paging = {
  limit: optional(pipe(integer, number().check(between(1, 100)))),
  starting_after: optional(text),
  ending_before: optional(text),
  expand,
};
export type Range = output<typeof range>;

function between(low: number, high: number) {
  return check<number>(({ value, issues }) => {
    if (value >= low && value <= high) return;
    const side = value > high ? `less than or equal to ${high}` : `greater than or equal to ${low}`;
    issues.push({
      code: "custom",
      input: value,
      message: `This value must be ${side} (it currently is '${value}').`,
    });
  });
}

/**
 * Parses the parameters of a request.
 * @throws ApiError as Stripe words it
 */
export function readParams<S extends ZodMiniType>(schema: S, form: Form): output<S> {
  const parsed = safeParse(schema, form);
  if (parsed.success) return parsed.data;
  throw toApiError(parsed.error.issues, form);
}

function toApiError(issues: core.$ZodIssue[], form: Form): ApiError {
  const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0];
  if (issue === undefined) return invalidRequest("Invalid request");
  if (issue.code === "unrecognized_keys") {
    const param = paramName([...issue.path, issue.keys[0] ?? ""]);
    return invalidRequest(`Received unknown parameter: ${param}`, { code: "parameter_unknown", param });
  }
  const param = paramName(issue.path);
  const given = valueAt(form, issue.path);
  if (given === undefined) {
    return invalidRequest(`Missing required param: ${param}.`, { code: "parameter_missing", param });
  }
  if (issue.message === "Invalid integer") {
    return invalidRequest(`Invalid integer: ${given}`, { code: "parameter_invalid_integer", param });
  }
  if (issue.message === "Invalid boolean") {
    return invalidRequest(`Invalid boolean: ${given}`, { param });
  }
  return invalidRequest(issue.code === "custom" ? issue.message : `Invalid ${param}`, { param });
}

function valueAt(form: Form, path: readonly PropertyKey[]): unknown {
  let value: unknown = form;
  for (const step of path) value = (value as Record<PropertyKey, unknown> | undefined)?.[step];
  return value;
}

/** Updates a map of metadata. An empty value removes its key, and an empty string removes all keys. */
export function mergeMetadata(
  current: Record<string, string> | null,
  change: Record<string, string> | "" | undefined,
): Record<string, string> {
  if (change === "") return {};
  const merged = { ...current, ...change };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== ""));
}

/** Whether a time matches the `created` filter of a list. */
export function isWithin(range: Range, time: number): boolean {
  if (range === undefined) return true;
  if (typeof range === "number") return time === range;
  const { gt, gte, lt, lte } = range;
  return (
    (gt === undefined || time > gt) &&
    (gte === undefined || time >= gte) &&
    (lt === undefined || time < lt) &&
    (lte === undefined || time <= lte)
  );
}
