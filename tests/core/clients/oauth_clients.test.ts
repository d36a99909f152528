import { expect, test } from "vitest";
import { oauthClientVariables } from "#core/clients/oauth_clients.ts";
import { ConfigError, readConfig } from "#core/config.ts";

const client = {
  id: "client_own",
  name: "Own",
  enabled: true,
  redirectUris: ["https://own.example/callback"],
  origins: ["https://own.example"],
  accessTokenLifetime: 3600,
  sessionMaxDays: null,
};
const read = (clients: unknown[]) => readConfig(oauthClientVariables, { CLIENTS: JSON.stringify(clients) });
const redirectingTo = (uri: string) => [{ ...client, redirectUris: [uri] }];

test("reads the clients in CLIENTS", () => {
  expect(read([client]).CLIENTS).toEqual([client]);
});

test.each([
  ["an empty list", []],
  ["two clients with one id", [client, { ...client, name: "Other" }]],
  ["a redirect URI with a query", redirectingTo("https://a.b/?c=d")],
  ["a redirect URI with an empty query", redirectingTo("https://a.b/?")],
  ["a redirect URI with a fragment", redirectingTo("https://a.b/#c")],
])("refuses %s", (_case, clients) => {
  expect(() => read(clients)).toThrow(new ConfigError(["CLIENTS"]));
});
