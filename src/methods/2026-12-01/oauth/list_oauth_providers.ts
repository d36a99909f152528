/** Lists the OAuth providers that people can sign in with, in the order of the app file. */
import { array, strictObject, string } from "zod/mini";
import { usableProviders } from "#core/oauth/parts.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ client_id: text() });
export const response = strictObject({
  items: array(strictObject({ provider: string(), name: string() })),
});

export const handler = rpc({
  name: "list_oauth_providers",
  version: "2026-12-01",
  summary: "Lists the OAuth providers that people can sign in with.",
  access: "public",
  request,
  response,
  errors: ["client_not_found"],
  parts: { usableProviders },
  async run({ core, request: { client_id: clientId } }) {
    core.oauthClients.require(clientId);
    return { items: core.usableProviders.map(({ id, name }) => ({ provider: id, name })) };
  },
});
