import { NestError } from "#core/errors.ts";

type Required<Request, Name extends keyof Request> = { [Field in Name]-?: NonNullable<Request[Field]> };

/**
 * Requires fields that the schema of a method leaves optional, because only some of its grants have them.
 * @throws NestError validation_failed that names the first missing field, as the schema does for other fields
 */
export function requireFields<Request extends object, Name extends keyof Request & string>(
  request: Request,
  names: readonly Name[],
): Required<Request, Name> {
  const missing = names.find((name) => request[name] === undefined);
  if (missing === undefined) return request as Required<Request, Name>;
  const meta = { path: [], message: `requires property "${missing}"`, name: "required" };
  throw new NestError("validation_failed", { meta, reasons: [{ code: "validation_failed", meta }] });
}
