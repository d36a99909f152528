import { METHODS, type Method } from "./methods.ts";

/**
 * Whether a value is an object with these fields, which are strings and not empty.
 * @param names separated by spaces
 */
export function hasTexts(value: unknown, names: string): boolean {
  const fields = Object(value);
  return names.split(" ").every((name) => fields[name] && typeof fields[name] === "string");
}

/** Whether a response without an error has the shape that the method declares. Another response is not from Nest. */
export function isDeclared(method: Method, status: number, value: unknown): boolean {
  const { answer } = METHODS[method];
  if (answer === "") return status === 204;
  return status === 200 && (answer === "array" ? Array.isArray(value) : hasTexts(value, answer));
}
