import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import app from "#app";
import { appFolder } from "#app/load_app.ts";
import type { OAuthProvider } from "#core/app/oauth_providers.ts";
import type { WorkingCopy } from "#tools/deploy/verify/working_copy.ts";
import type { OidcProvider } from "#tools/local/oidc_provider.ts";

/** The OAuth provider that a verification adds to the app. */
export const PROVIDER = {
  id: "verify_deploy",
  name: "Verification",
  preset: "oidc",
  trustEmail: true,
} as const;

/** The OAuth client that a verification adds to the app. It can ask for a second factor, which the app's own clients need not. */
export const CLIENT = {
  id: "client_verify_deploy",
  name: "Verification",
  redirectUris: [app.urls.landing],
  grants: ["mfa"],
} as const;

/** The app's own file in the copy, beside the file that takes its name. */
const OWN = "own_app.ts";

/**
 * Adds the provider and the client to the app of a working copy, and commits that. The app's own clients and providers stay.
 * @param provider is served on loopback without TLS, which an app file allows for this machine only
 */
export async function extendApp(copy: WorkingCopy, { issuer }: OidcProvider): Promise<void> {
  const folder = join(copy.folder, appFolder);
  const provider: OAuthProvider = { ...PROVIDER, issuer };
  await rename(join(folder, "app.ts"), join(folder, OWN));
  const lines = [
    `import own from "./${OWN}";`,
    "export default {",
    "  ...own,",
    `  oauthProviders: [...(own.oauthProviders ?? []), ${JSON.stringify(provider)}],`,
    `  clients: [...own.clients, ${JSON.stringify(CLIENT)}],`,
    "};",
  ];
  await writeFile(join(folder, "app.ts"), `${lines.join("\n")}\n`);
  await copy.commit("with the provider and the client of the verification");
}
