/** `GET` and `POST /1/oauth/<provider>/callback`: the answer of an OAuth provider, which a person's browser brings. */
import { answerVisit } from "#core/oauth/answer_visit.ts";
import { oauthProviders, visitKey } from "#core/oauth/parts.ts";
import { issuer, oauthClients, rateLimiter } from "#core/parts.ts";
import { redirect } from "#entry/redirect.ts";

export const handler = redirect({
  name: "oauth_callback",
  summary: "Receives the answers of OAuth providers, and sends the browser back to the client.",
  path: "/1/oauth/{provider}/callback",
  parts: { issuer, oauthClients, oauthProviders, rateLimiter, visitKey },
  run: ({ core, segment, parameters, call }) => answerVisit(core, { providerId: segment, parameters, call }),
});
