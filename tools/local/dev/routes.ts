import { NestError } from "#core/errors.ts";
import { toNestError } from "#entry/answer.ts";
import { ApiError } from "#stripe_double/api_error.ts";
import { type DevAnswer, type DevRoute, idIn } from "#tools/local/dev/route.ts";

/** What the page and scripts ask of the local stack; none of it exists in a deployed function. */
export type DevRoutes = (method: string, path: string, body: Buffer) => Promise<DevAnswer>;

export const isDevPath = (path: string) => path === "/dev" || path.startsWith("/dev/");

/** Everything under `/dev/`. Errors have the contract's shape. */
export function createDevRoutes(routes: readonly DevRoute[]): DevRoutes {
  return async (method, path, body) => {
    const here = routes.flatMap((route) => {
      const id = idIn(route, path);
      return id === null ? [] : [{ route, id }];
    });
    const found = here.find(({ route }) => route.method === method);
    if (here.length === 0) return failed(new NestError("not_found"));
    if (!found) {
      const allow = here.map(({ route }) => route.method).join(", ");
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
  const { status, code, meta, reasons } = toNestError(error instanceof ApiError ? inOurWords(error) : error);
  return { status, value: { code, meta, reasons } };
}

/** What the Stripe double refuses, as the contract would say it. */
function inOurWords({ status, body: { code, message, param } }: ApiError): NestError {
  if (status === 404) return new NestError("not_found", { meta: { message } });
  if (code === "email_invalid") return new NestError("invalid_email", { meta: { message } });
  return new NestError("validation_failed", { meta: { path: param ? [param] : [], message } });
}
