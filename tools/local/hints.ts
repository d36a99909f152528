import { appFolder } from "#app/load_app.ts";
import { ADAPTERS, type Client } from "#core/app/app.ts";
import type { Result } from "#entry/answer.ts";
import type { IncomingCall } from "#tools/local/gateway.ts";
import type { Invoker } from "#tools/local/reloading_gateway.ts";
import { oneLine } from "#tools/terminal/one_line.ts";

/** More hints than this are not of a developer's own pages: any site can send calls to this machine. */
const MOST_HINTS = 100;

interface HintOptions {
  /** Prints a line for the developer. */
  say?: ((line: string) => void) | undefined;
  /** The clients of the app. */
  clients?: Clients;
  /** The URL of the stack. */
  url?: string;
}

type Clients = readonly Pick<Client, "id" | "enabled" | "adapters">[];

/** Prints the hint for each refused call, each hint once. */
export function withHints(
  gateway: Invoker,
  { say = () => undefined, clients = [], url = "" }: HintOptions = {},
): Invoker {
  const given = new Set<string>();
  return {
    async invoke(incoming) {
      const result = await gateway.invoke(incoming);
      const hint = hintFor(incoming, result, { file: `${appFolder}/app.ts`, clients, url });
      if (hint && !given.has(hint) && given.size < MOST_HINTS) {
        given.add(hint);
        say(hint);
      }
      return result;
    },
    close: () => gateway.close(),
  };
}

/**
 * Says what a developer must change in the app file, or at the start of the stack, so that Nest accepts a call. The browser does not
 * tell a page that its origin was refused, and an error response does not contain the refused value, so the terminal of
 * `npm start` shows it.
 * @returns null if neither caused the response
 */
function hintFor(incoming: IncomingCall, result: Result, context: HintContext): string | null {
  const { method, headers, body } = incoming;
  const { file } = context;
  const { origin, host } = headers;
  const isForeign = origin !== undefined && origin !== `http://${host}`;
  if (origin === "null")
    return "A page that was opened as a file has no origin, so the browser blocks its calls. Serve its folder over HTTP.";
  if (isForeign && result.headers?.["access-control-allow-origin"] === undefined)
    return `The browser blocks the calls of a page at ${shown(origin)}. Add this origin to \`origins\` of a client in ${file}, or open the page at one of its origins.`;
  const { code, meta } = fieldsOf(result.body);
  if (code === "invalid_redirect_uri") {
    const { clientId, uri } = refusedPage(incoming, context);
    return `Client ${shown(clientId)} has no redirect URI ${shown(uri)}. Add it to \`redirectUris\` in ${file}, or send a registered one, character by character.`;
  }
  if (method !== "POST") return null;
  const { client_id, success_url, cancel_url, url: receiver } = fieldsOf(body);
  if (code === "client_not_found")
    return `${file} has no enabled client ${shown(client_id)}. \`npm run nest -- clients list\` lists its clients.`;
  if (code === "webhook_url_not_allowed") return receiverHint(receiver);
  if (code !== "invalid_checkout_url") return null;
  const url = (meta as { field?: string } | undefined)?.field === "cancel_url" ? cancel_url : success_url;
  return `${shown(url)} is not a checkout URL of the client. Add it to \`checkoutUrls\` in ${file}.`;
}

interface HintContext {
  /** The path of the app file. */
  file: string;
  clients: Clients;
  url: string;
}

/** The client and the redirect URI of a refused call. Most requests of an adapter name neither, so both follow from the path. */
function refusedPage({ path, query, headers, body }: IncomingCall, { clients, url }: HintContext) {
  const asked = fieldsOf(body);
  const [, first = "", oauth] = /^\/(\w+)(\/oauth\/[^/]+)?/.exec(path) ?? [];
  const adapter = ADAPTERS.find((name) => name === first);
  if (adapter === undefined) return { clientId: asked.client_id, uri: asked.redirect_uri };
  const named = headers["x-client-id"] ?? new URLSearchParams(query).get("client_id");
  const own = clients.find(({ enabled, adapters }) => enabled && adapters.includes(adapter));
  const uri = oauth === undefined ? `${url}/${adapter}` : `${url}/${adapter}${oauth}/callback`;
  return { clientId: named ?? own?.id, uri: asked.link || uri };
}

/** A receiver on this machine must be named at the start. Of any other URL, the error says what is wrong. */
function receiverHint(url: unknown): string | null {
  if (typeof url !== "string" || !URL.canParse(url)) return null;
  const { host, hostname, port } = new URL(url);
  const isHere = ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
  return isHere && port !== ""
    ? `A webhook of ${shown(url)} needs its host at the start of the stack: WEBHOOK_ALLOW_HOSTS=${host} npm start`
    : null;
}

/** The fields of a JSON object, or none if the text is something else. */
function fieldsOf(body: Buffer | string | undefined): Record<string, unknown> {
  try {
    return Object(JSON.parse(String(body)));
  } catch {
    return {};
  }
}

/** A value of a request, as one line of a terminal. */
const shown = (value: unknown) => oneLine(JSON.stringify(value)?.slice(0, 200) ?? "(none)");
