import { invalidRequest } from "./api_error.ts";

/** A value of a decoded form. All leaves are strings. */
export type FormValue = string | FormValue[] | { [key: string]: FormValue };
export type Form = Record<string, FormValue>;

const ARRAY_INDEX = /^\d*$/;
const MAX_DEPTH = 12;

/**
 * Decodes form data in Stripe's bracket notation: `a[b]=1`, `a[0][b]=1` and `a[]=1`.
 * @throws ApiError if the brackets are invalid
 */
export function parseForm(text: string): Form {
  const root: Form = Object.create(null);
  for (const [name, value] of new URLSearchParams(text)) {
    const path = pathOf(name);
    if (path.length > MAX_DEPTH) throw invalidRequest(`Invalid parameter: ${name}`, { param: name });
    put(root, path, value, name);
  }
  return root;
}

function pathOf(name: string): string[] {
  const open = name.indexOf("[");
  if (open <= 0 || !name.endsWith("]")) return [name];
  return [name.slice(0, open), ...name.slice(open + 1, -1).split("][")];
}

function put(root: Form, path: string[], value: string, name: string): void {
  let node: FormValue = root;
  for (const [depth, step] of path.entries()) {
    const next = path[depth + 1];
    const child: FormValue | undefined =
      next === undefined ? value : (read(node, step) ?? (ARRAY_INDEX.test(next) ? [] : Object.create(null)));
    if (child === undefined || typeof node === "string")
      throw invalidRequest("Invalid form", { param: name });
    write(node, step, child, name);
    node = child;
  }
}

function read(node: FormValue, step: string): FormValue | undefined {
  if (typeof node === "string") return undefined;
  return Array.isArray(node) ? (step === "" ? undefined : node[Number(step)]) : node[step];
}

function write(node: FormValue[] | Form, step: string, child: FormValue, name: string): void {
  if (!Array.isArray(node)) {
    node[step] = child;
    return;
  }
  if (!ARRAY_INDEX.test(step) || Number(step) > node.length) {
    throw invalidRequest(`Invalid array: ${name}`, { param: name });
  }
  node[step === "" ? node.length : Number(step)] = child;
}

/** Formats a path as in the `param` field of errors: `items[0][price]`. */
export function paramName(path: readonly PropertyKey[]): string {
  const [first, ...rest] = path.map(String);
  return `${first ?? ""}${rest.map((step) => `[${step}]`).join("")}`;
}
