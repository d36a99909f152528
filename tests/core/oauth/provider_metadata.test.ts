import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { OAuthProviders } from "#core/oauth/oauth_providers.ts";
import { profileOf } from "#core/oauth/presets.ts";

const SECRETS = { state: "state", nonce: "nonce", codeVerifier: "v".repeat(43) };
const server = createServer();
let url = "";
/** What the metadata says of its issuer. */
let named = "";

beforeAll(async () => {
  server.on("request", (_request, response) => {
    const metadata = {
      issuer: named,
      authorization_endpoint: `${url}/authorize`,
      token_endpoint: `${url}/token`,
    };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(metadata));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** Asks for the page of a provider whose issuer is that of the server. */
function authorizationUrl(): Promise<string> {
  const profile = profileOf({ id: "work", name: "Work", preset: "oidc", issuer: url });
  const credentials = { clientId: "nest", clientSecret: "secret" };
  const provider = { id: "work", name: "Work", profile, credentials };
  const providers = new OAuthProviders([provider], () => new Date());
  return providers.authorizationUrl(provider, SECRETS, { callback: "https://nest.test/callback" });
}

test("metadata counts only if it names the issuer of the app file exactly", async () => {
  named = url;
  expect(await authorizationUrl()).toContain(`${url}/authorize?`);
  for (const other of ["https://accounts.google.com", `${url}/other`, `${url}.example`]) {
    named = other;
    await expect(authorizationUrl(), other).rejects.toMatchObject({ isUnavailable: false });
  }
});
