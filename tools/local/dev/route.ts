import type { output, ZodMiniType } from "zod/mini";
import { NestError } from "#core/errors.ts";
import { validate } from "#entry/validation.ts";

export interface DevAnswer {
  status: number;
  value?: unknown;
  headers?: Record<string, string>;
}

type Method = "GET" | "POST" | "PATCH" | "DELETE";

/** One thing that the page and scripts may ask of the local stack. */
export interface DevRoute {
  method: Method;
  /** `/dev/stripe/subscriptions/:id`. */
  path: string;
  /** @throws NestError, which is answered in the contract's shape */
  run(id: string, body: Buffer): Promise<DevAnswer>;
}

/**
 * Declares a route. What `run` returns is answered with 200, nothing with 204.
 * @param schema of the body; null for a route that takes none
 */
export function route<S extends ZodMiniType>(
  method: Method,
  path: string,
  schema: S | null,
  run: (asked: output<S>, id: string) => unknown,
): DevRoute {
  return {
    method,
    path,
    async run(id, body) {
      const asked = schema === null ? undefined : validate(schema, readJson(body));
      const value = await run(asked as output<S>, id);
      return value === undefined ? { status: 204 } : { status: 200, value };
    },
  };
}

/** What stands for `:id` in a path, `""` where the route has none, or null when the route is for other paths. */
export function idIn({ path: pattern }: DevRoute, path: string): string | null {
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
