import type { Form, FormValue } from "#stripe_double/form.ts";

/** A field that only one of two responses has. */
export interface ShapeDifference {
  /** Such as `subscription.trial_settings.end_behavior.billing_cycle_anchor`. */
  field: string;
  onlyIn: "double" | "stripe-mock";
}

/** The fields that only one of two responses to a request has. Compares only objects of the same kind that both responses have. */
export function compareShapes(double: unknown, mock: unknown, place = "answer"): ShapeDifference[] {
  if (Array.isArray(double) && Array.isArray(mock)) {
    return double.length > 0 && mock.length > 0 ? compareShapes(double[0], mock[0], `${place}[]`) : [];
  }
  // stripe-mock's example of an event is always about a plan.
  if (!isObject(double) || !isObject(mock) || double.object !== mock.object) return [];
  const here = typeof double.object === "string" && double.object !== "list" ? double.object : place;
  const differences: ShapeDifference[] = [];
  for (const key of new Set([...Object.keys(double), ...Object.keys(mock)])) {
    const field = `${here}.${key}`;
    if (!(key in mock)) differences.push({ field, onlyIn: "double" });
    else if (!(key in double)) differences.push({ field, onlyIn: "stripe-mock" });
    else if (key !== "metadata") differences.push(...compareShapes(double[key], mock[key], field));
  }
  return differences;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Encodes a form in Stripe's bracket notation: `items[0][price]=...`. */
export function encodeForm(form: Form): URLSearchParams {
  const pairs: [string, string][] = [];
  const write = (name: string, value: FormValue): void => {
    if (typeof value === "string") pairs.push([name, value]);
    else for (const [key, inner] of Object.entries(value)) write(`${name}[${key}]`, inner);
  };
  for (const [name, value] of Object.entries(form)) write(name, value);
  return new URLSearchParams(pairs);
}
