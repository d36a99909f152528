import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { extname } from "node:path";
import { type DevRoutes, isDevPath } from "#tools/local/dev/routes.ts";
import type { IncomingCall } from "#tools/local/gateway.ts";
import { GENERATED_FILES, type ServedFile } from "#tools/local/generated_files.ts";
import { GUIDE, readGuide } from "#tools/local/guide.ts";
import type { Invoker } from "#tools/local/reloading_gateway.ts";

/** API Gateway's limit, 10 MB. */
const GATEWAY_BODY_LIMIT = 10 * 1024 * 1024;

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Folders whose files are served, by the prefix of the path. */
const STATIC = [
  { prefix: "/assets/", folder: new URL("./page/", import.meta.url) },
  { prefix: "/docs/", folder: new URL("./reference/", import.meta.url) },
] as const;
const PAGES: Readonly<Record<string, URL>> = {
  "/docs": new URL("./reference/index.html", import.meta.url),
};

/** Keeps Scalar's script, which is third-party code, from every other origin. It inserts style elements. */
const REFERENCE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Blocks scripts of other origins in the other pages, and frames around them, in which clicks could be hijacked. */
const PAGE_POLICY =
  "script-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/** Creates the server of the local stack: the page, the API reference, the routes under `/dev/`, and the API. */
export function createHttpServer(gateway: Invoker, dev: DevRoutes): Server {
  return createServer(async (request, response) => {
    try {
      if (!isLoopbackName(request)) return send(response, 403, { code: "access_denied" });
      // Not parsed as a URL: the gateway must see the path exactly as it was sent.
      const [, path = "", query = ""] = /^([^?]*)\??(.*)$/s.exec(request.url ?? "") ?? [];
      if (request.method === "GET" && (await serveFile(path, request, response))) return;
      const body = await readBody(request);
      if (body === null) return send(response, 413, { message: "Request Too Long" });
      if (isDevPath(path)) {
        if (!isSameOrigin(request)) return send(response, 403, { code: "access_denied" });
        const { status, value, headers } = await dev(request.method ?? "GET", path, body);
        return send(response, status, value, headers);
      }
      const {
        statusCode,
        headers,
        cookies,
        body: answer,
      } = await gateway.invoke(toCall(request, { path, query, body }));
      if (cookies) response.setHeader("set-cookie", cookies);
      response.writeHead(statusCode ?? 500, headers as Record<string, string>);
      response.end(request.method === "HEAD" ? undefined : answer);
    } catch {
      // API Gateway's response when a function crashes.
      if (!response.headersSent) send(response, 500, { message: "Internal Server Error" });
    }
  });
}

/**
 * Rejects DNS rebinding: a web page can make its own domain resolve to this machine, and would then read the inbox and the
 * internal key from the same origin. The Host header of such a request still names the page's domain.
 */
function isLoopbackName({ headers, socket }: IncomingMessage): boolean {
  const host = headers.host?.toLowerCase();
  return ["localhost", "127.0.0.1", "[::1]"].some((name) => host === `${name}:${socket.localPort}`);
}

/** Rejects cross-origin requests: a page of another site can't read the responses, but it could advance the clock. */
function isSameOrigin({ headers }: IncomingMessage): boolean {
  const { origin, host } = headers;
  return origin === undefined || origin.toLowerCase() === `http://${host?.toLowerCase()}`;
}

function toCall(
  request: IncomingMessage,
  { path, query, body }: { path: string; query: string; body: Buffer },
): IncomingCall {
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(",") : (value ?? ""),
    ]),
  );
  return {
    method: request.method ?? "GET",
    path,
    query,
    headers,
    body: body.length === 0 ? undefined : body,
    ip: request.socket.remoteAddress ?? "127.0.0.1",
  };
}

async function findFile(path: string, { headers }: IncomingMessage): Promise<ServedFile | null> {
  if (Object.hasOwn(GENERATED_FILES, path))
    return (await GENERATED_FILES[path]?.(`http://${headers.host}`)) ?? null;
  if (path.startsWith(GUIDE)) return readGuide(path);
  const folder = STATIC.find(({ prefix }) => path.startsWith(prefix));
  const name = folder ? path.slice(folder.prefix.length) : "";
  const file =
    PAGES[path] ?? (folder && /^[a-z_]+\.(js|css|svg)$/.test(name) ? new URL(name, folder.folder) : null);
  const content = file && (await readFile(file).catch(() => null));
  return content && { type: TYPES[extname(file.pathname)] ?? "application/octet-stream", content };
}

async function serveFile(path: string, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
  const found = await findFile(path, request);
  if (!found) return false;
  response.writeHead(found.status ?? 200, {
    "content-type": found.type,
    ...(found.type.startsWith("text/html") && {
      "content-security-policy": path === "/docs" ? REFERENCE_POLICY : PAGE_POLICY,
    }),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
  });
  response.end(found.content);
  return true;
}

async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= GATEWAY_BODY_LIMIT) chunks.push(chunk);
  }
  return size > GATEWAY_BODY_LIMIT ? null : Buffer.concat(chunks);
}

function send(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  const body = value === undefined ? undefined : JSON.stringify(value);
  response
    .writeHead(status, {
      "content-type": "application/json",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...headers,
    })
    .end(body);
}
