import type { App } from "#core/app/app.ts";

/** The client that examples and checks of a deployment sign in with: the first of the app that is enabled. */
export function sampleClient({ clients, urls }: Pick<App, "clients" | "urls">): {
  clientId: string;
  redirectUri: string;
} {
  const { id = "", redirectUris = [] } = clients.find(({ enabled }) => enabled) ?? {};
  const [first = ""] = redirectUris;
  return { clientId: id, redirectUri: redirectUris.includes(urls.landing) ? urls.landing : first };
}
