import { _default, enum as oneOf, strictObject } from "zod/mini";
import { failingCalls } from "#tools/local/dev/fault.ts";
import { type DevRoute, route } from "#tools/local/dev/route.ts";
import { BREACH_FAULTS, type HibpDouble } from "#tools/local/hibp_double.ts";

const fault = strictObject({ calls: failingCalls, kind: _default(oneOf(BREACH_FAULTS), "error") });

/** Routes for faults of Have I Been Pwned. */
export function breachRoutes(hibp: HibpDouble): DevRoute[] {
  return [route("POST", "/dev/hibp/faults", fault, ({ calls, kind }) => hibp.fault({ calls, kind }))];
}
