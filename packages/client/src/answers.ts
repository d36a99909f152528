import { METHODS, type Method } from "./methods.ts";

/**
 * Whether a value is an object in which each of these fields is a string that is not empty, a list (`name[]`), an object
 * (`name{}`) or a number (`name#`).
 * @param names separated by spaces
 */
export function hasFields(value: unknown, names: string): boolean {
  const fields = Object(value);
  return names.split(" ").every((name) => {
    const field = fields[name.replace(/\W+$/, "")];
    if (name.endsWith("[]")) return Array.isArray(field);
    if (name.endsWith("{}")) return field && typeof field === "object";
    return name.endsWith("#") ? typeof field === "number" : field && typeof field === "string";
  });
}

/** Whether a response without an error has the shape that the method declares. Another response is not from Nest. */
export function isDeclared(method: Method, status: number, value: unknown): boolean {
  const { answer } = METHODS[method];
  if (answer === "") return status === 204;
  return status === 200 && (answer === "array" ? Array.isArray(value) : hasFields(value, answer));
}
