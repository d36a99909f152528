import { type ClientError, isClientError, type Method, NestClient } from "#client/index.ts";
import { MAC, REDIRECT, type Reply } from "#tests/support/nest.ts";

const TOKENS = { access_token: "a", refresh_token: "r", user_id: "user_x", client_id: MAC };

/** The error that the client throws for a response from Nest. */
export async function asClient<M extends Method>(method: M, reply: Reply): Promise<ClientError<M>> {
  const nest = new NestClient({
    url: "http://nest.test",
    clientId: MAC,
    redirectUri: REDIRECT,
    store: { get: () => JSON.stringify(TOKENS), set: () => undefined, delete: () => undefined },
    fetch: async () => new Response(reply.raw, { status: reply.status, headers: reply.headers }),
  });
  // Of the request, only the user matters whom some methods must name: `fetch` returns the response.
  const call = nest.call as (name: M, request: object) => Promise<unknown>;
  const error = await call.call(nest, method, { user_id: "user_y" }).catch((thrown: unknown) => thrown);
  if (!isClientError(error, method)) throw error;
  return error;
}
