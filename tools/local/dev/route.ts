import type { output, ZodMiniType } from "zod/mini";
import { NestError } from "#core/errors.ts";
import { validate } from "#entry/validation.ts";

export interface DevAnswer {
  status: number;
  value?: unknown;
  headers?: Record<string, string>;
}

type Method = "GET" | "POST" | "PATCH" | "DELETE";

/** A route under `/dev`, for the local page and for scripts. */
export interface DevRoute {
  method: Method;
  /** Such as `/dev/stripe/subscriptions/:id`. */
  path: string;
  /** @throws NestError, which becomes an error response in the API's format */
  run(id: string, body: Buffer): Promise<DevAnswer>;
}

/**
 * Declares a route. The value that `run` returns is sent with 200; undefined becomes 204.
 * @param schema the schema of the body; null if the route takes no body
 */
export function route<S extends ZodMiniType>(
  method: Method,
  path: string,
  schema: S | null,
  run: (request: output<S>, id: string) => unknown,
): DevRoute {
  return {
    method,
    path,
    async run(id, body) {
      const request = schema === null ? undefined : validate(schema, readJson(body));
      const value = await run(request as output<S>, id);
      return value === undefined ? { status: 204 } : { status: 200, value };
    },
  };
}

/** Matches a path. @returns the value of `:id`, `""` if the route has no `:id`, or null if the path does not match */
export function matchPath({ path: pattern }: DevRoute, path: string): string | null {
  const [before = "", after = ""] = pattern.split(":id");
  if (!pattern.includes(":id")) return path === pattern ? "" : null;
  if (!path.startsWith(before) || !path.endsWith(after)) return null;
  const id = path.slice(before.length, path.length - after.length);
  return /^\w+$/.test(id) ? id : null;
}

function readJson(body: Buffer): unknown {
  if (body.length === 0) throw new NestError("body_missing");
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    throw new NestError("malformed_json");
  }
}
