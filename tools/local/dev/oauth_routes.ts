import { _default, enum as oneOf, strictObject } from "zod/mini";
import { failingCalls } from "#tools/local/dev/fault.ts";
import { type DevRoute, route } from "#tools/local/dev/route.ts";
import { OAUTH_FAULTS, type OAuthDouble } from "#tools/local/oauth_double.ts";

const fault = strictObject({ calls: failingCalls, kind: _default(oneOf(OAUTH_FAULTS), "down") });

/** The route for faults of the OAuth providers. People sign in on the double's own page. */
export function oauthRoutes(double: OAuthDouble): DevRoute[] {
  return [route("POST", "/dev/oauth/faults", fault, ({ calls, kind }) => double.fault({ calls, kind }))];
}
