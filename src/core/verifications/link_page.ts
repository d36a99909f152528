import type { App } from "#core/app/app.ts";
import { type OAuthClient, requireRedirectUri } from "#core/clients/oauth_clients.ts";
import type { IdentifierType } from "#core/repositories/identifiers.ts";

/**
 * The page that the link opens: one of the client's redirect URIs, else the app's own landing page, or the client's first redirect
 * URI if its links have another query than the landing page reads. An SMS has no link, because
 * people learn not to open links in SMS.
 * @returns undefined if a code is sent
 * @throws NestError invalid_redirect_uri
 */
export function pageOf(
  { app }: { app: Pick<App, "urls"> },
  request: { client: OAuthClient; delivery: "code" | "link"; redirectUri: string | undefined },
  type: IdentifierType,
): string | undefined {
  const { client, delivery, redirectUri } = request;
  if (redirectUri !== undefined) requireRedirectUri(client, redirectUri);
  // The landing page would take the token for the code of a magic link.
  const usual =
    client.linkQuery === "token" ? app.urls.landing : (client.redirectUris[0] ?? app.urls.landing);
  return delivery === "link" && type === "email" ? (redirectUri ?? usual) : undefined;
}
