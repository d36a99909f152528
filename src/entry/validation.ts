import { type output, safeParse, type ZodMiniType } from "zod/mini";
import { NestError, type Reason } from "#core/errors.ts";

type Issue = ReturnType<typeof issuesOf>[number];
/** The rules a field can violate, by their JSON Schema names. */
export const RULES = [
  "type",
  "additionalProperties",
  "required",
  "minLength",
  "maxLength",
  "minimum",
  "maximum",
  "enum",
  "format",
] as const;
type Rule = (typeof RULES)[number];
interface Failure {
  path: (string | number)[];
  name: Rule;
  message: string;
}

function issuesOf(schema: ZodMiniType, value: unknown) {
  return safeParse(schema, value).error?.issues ?? [];
}

/** The most failures that a response lists (contract 1.7). */
export const LISTED_FAILURES = 20;
/** The most characters of an unknown property's name that a response repeats. */
const REPEATED_CHARACTERS = 64;

/**
 * Validates a request body against a schema.
 * @throws NestError validation_failed. `reasons` names the first 20 failing fields; `meta` repeats the first one, in
 *   the form that old clients parse (contract A6), and counts the failures that are not listed as `more` (contract 1.7)
 */
export function validate<Schema extends ZodMiniType>(schema: Schema, value: unknown): output<Schema> {
  const parsed = safeParse(schema, value);
  if (parsed.success) return parsed.data;
  const failures = inOrder(parsed.error.issues.flatMap((issue) => failuresOf(issue, value)));
  const more = Math.max(0, failures.length - LISTED_FAILURES);
  const reasons: Reason[] = failures.slice(0, LISTED_FAILURES).map(({ path, message, name }) => ({
    code: "validation_failed",
    meta: { path, message, name },
  }));
  throw new NestError("validation_failed", {
    meta: { ...reasons[0]?.meta, ...(more > 0 ? { more } : {}) },
    reasons,
  });
}

function failuresOf(issue: Issue, body: unknown): Failure[] {
  const path = issue.path.map((key) => (typeof key === "number" ? key : String(key)));
  const one = (name: Rule, message: string, at = path): Failure[] => [{ path: at, name, message }];
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.flatMap((key) =>
        one("additionalProperties", `is not allowed to have the additional property "${shortened(key)}"`),
      );
    case "too_small":
      if (issue.origin !== "string")
        return one(
          "minimum",
          `must be greater than ${issue.inclusive ? "or equal to " : ""}${issue.minimum}`,
        );
      return one("minLength", `does not meet minimum length of ${issue.minimum}`);
    case "too_big":
      if (issue.origin !== "string") return one("maximum", `must be less than or equal to ${issue.maximum}`);
      return one("maxLength", `does not meet maximum length of ${issue.maximum}`);
    case "invalid_type":
    case "invalid_value": {
      if (isMissing(body, path))
        return one("required", `requires property "${path.at(-1)}"`, path.slice(0, -1));
      if (issue.code === "invalid_type") return one("type", `is not of a type(s) ${issue.expected}`);
      if (typeof valueAt(body, path) !== "string") return one("type", "is not of a type(s) string");
      return one("enum", `is not one of enum values: ${issue.values.join(",")}`);
    }
    default:
      return one("format", issue.message);
  }
}

/** Cuts a caller's text so that the response stays small. Half a surrogate pair is replaced. */
function shortened(text: string): string {
  return text.length <= REPEATED_CHARACTERS ? text : `${text.slice(0, REPEATED_CHARACTERS).toWellFormed()}…`;
}

function valueAt(body: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((value, key) => (Object(value) as Record<string | number, unknown>)[key], body);
}

function isMissing(body: unknown, path: readonly (string | number)[]): boolean {
  const last = path.at(-1);
  if (last === undefined) return false;
  const parent = valueAt(body, path.slice(0, -1));
  return typeof parent === "object" && parent !== null && !Object.hasOwn(parent, last);
}

/** Sorts failures: per object first unknown properties, then missing ones, then the others in the schema's order. */
function inOrder(failures: readonly Failure[], depth = 0): Failure[] {
  const own = failures.filter((failure) => failure.path.length === depth);
  const inner = Map.groupBy(
    failures.filter((failure) => failure.path.length > depth),
    (failure) => failure.path[depth],
  );
  const rank = (failure: Failure) => ["type", "additionalProperties", "required"].indexOf(failure.name);
  return [
    ...own.sort((one, other) => rank(one) - rank(other)),
    ...[...inner.values()].flatMap((group) => inOrder(group, depth + 1)),
  ];
}
