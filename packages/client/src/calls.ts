import { CallFailure, ErrorAnswer } from "./errors.ts";
import { METHODS, type Method, type Responses } from "./methods.ts";
import type { FilledIn } from "./requests.ts";
import type { TokenKeeper } from "./tokens.ts";
import { type CallOptions, post, type Transport } from "./transport.ts";

/** What a client's calls need. */
interface Sender {
  transport: Transport;
  redirectUri: string;
  tokens: TokenKeeper;
}

/**
 * Calls a method with the signed-in user's access token, if the method needs one and no `mfa_token` takes its place. The method
 * `start_oauth` needs one with the intent `link` only. If the token has expired, the tokens are refreshed once and the call is repeated.
 * @param request has the names of the wire; the fields that the client knows are filled in
 * @throws ClientError of the method; the store's errors; TypeError if the request does not name the user whom the method is about
 */
export async function callMethod<M extends Method>(
  { transport, redirectUri, tokens: keeper }: Sender,
  method: M,
  request: object,
  options: CallOptions = {},
): Promise<Responses[M]> {
  const { bearer, fills, needs } = METHODS[method];
  const asked = { ...request } as Readonly<Record<string, unknown>>;
  if (needs && !asked[needs])
    throw new TypeError(`${method} needs ${needs}: the id of the user whom it is about.`);
  const needsUser = asked.intent === "link" || (bearer && !("mfa_token" in asked));
  const tokens = needsUser ? await keeper.forCall(method, options.timeoutMs) : null;
  const known: Record<FilledIn, string | undefined> = {
    client_id: transport.clientId,
    redirect_uri: redirectUri,
    user_id: tokens?.user_id,
  };
  const filledIn = fills.split(" ").map((name) => [name, known[name as FilledIn]]);
  const body = { ...Object.fromEntries(filledIn), ...asked };
  const send = (bearer?: string) => post(transport, { method, body, bearer }, options);
  if (!tokens) return send();
  try {
    return await send(tokens.access_token);
  } catch (error) {
    // Without its cookie, a call is not signed in at all, which looks as a call that is not allowed.
    const codes = transport.hasCookies ? ["unauthorized", "access_denied"] : ["unauthorized"];
    if (!(error instanceof ErrorAnswer) || !codes.includes(error.code)) throw error;
    const newer = await keeper.newerThan(method, tokens.access_token, options);
    // Another user has signed in meanwhile, but the body names the previous user.
    if (newer.user_id !== tokens.user_id) throw new CallFailure(method, "signed_out");
    return send(newer.access_token);
  }
}
