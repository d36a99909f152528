import { NestClient, webStore } from "#client/index.ts";
import { settings } from "#tools/console/page/settings.ts";

/**
 * The only thing that sends requests. The tokens are in cookies that no script can read; the storage has ids, and the verifiers
 * of links until they are redeemed.
 */
export const nest = new NestClient({
  url: settings.api,
  clientId: settings.clientId,
  redirectUri: settings.url,
  store: webStore(localStorage, "nest_console."),
  cookies: true,
});
