import { NestError } from "#core/errors.ts";
import { toNestError } from "#entry/answer.ts";
import { ApiError } from "#stripe_double/api_error.ts";
import { type DevAnswer, type DevRoute, matchPath } from "#tools/local/dev/route.ts";

/** Serves requests under `/dev/`. No deployed function has these routes. */
export type DevRoutes = (method: string, path: string, body: Buffer) => Promise<DevAnswer>;

export const isDevPath = (path: string) => path === "/dev" || path.startsWith("/dev/");

/** Dispatches requests to routes. Errors have the API's format. */
export function createDevRoutes(routes: readonly DevRoute[]): DevRoutes {
  return async (method, path, body) => {
    const matches = routes.flatMap((route) => {
      const id = matchPath(route, path);
      return id === null ? [] : [{ route, id }];
    });
    const found = matches.find(({ route }) => route.method === method);
    if (matches.length === 0) return failed(new NestError("not_found"));
    if (!found) {
      const allow = matches.map(({ route }) => route.method).join(", ");
      return { ...failed(new NestError("method_not_supported")), headers: { allow } };
    }
    try {
      return await found.route.run(found.id, body);
    } catch (error) {
      return failed(error);
    }
  };
}

function failed(error: unknown): DevAnswer {
  const { status, code, meta, reasons } = toNestError(
    error instanceof ApiError ? fromStripeError(error) : error,
  );
  return { status, value: { code, meta, reasons } };
}

/** Converts an error of the Stripe double to an error of the API. */
function fromStripeError({ status, body: { code, message, param } }: ApiError): NestError {
  if (status === 404) return new NestError("not_found", { meta: { message } });
  if (code === "email_invalid") return new NestError("invalid_email", { meta: { message } });
  return new NestError("validation_failed", { meta: { path: param ? [param] : [], message } });
}
