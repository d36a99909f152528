import { parse } from "zod/mini";
import { COMMON_ERRORS, type ErrorCode } from "#core/errors.ts";
import type { RpcDeclaration } from "#entry/declaration.ts";
import { loadMethods } from "#local/routes.ts";

const declarations = new Map<string, RpcDeclaration>(
  (await loadMethods()).flatMap(({ handler, paths }) =>
    paths.map((path) => [path, handler.declaration] as const),
  ),
);

/**
 * Holds an answer against what its method declares: the schema of a 200, no body with a 204, and no error that it does
 * not name. Docs and clients are made from these declarations.
 * @throws Error if the answer is not a declared one
 */
export function requireDeclared(path: string, status: number, body: unknown): void {
  const declaration = declarations.get(path);
  if (!declaration) return;
  if (status >= 300) {
    const { code } = body as { code: ErrorCode };
    if (![...COMMON_ERRORS, ...declaration.errors].includes(code))
      throw new Error(`${path} answered ${code}, which it does not declare`);
  } else if (declaration.response) parse(declaration.response, body);
  else if (status !== 204 || body !== undefined) throw new Error(`${path} should answer 204 without a body`);
}
