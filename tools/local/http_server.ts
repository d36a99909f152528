import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { extname } from "node:path";
import { type DevRoutes, isDevPath } from "#tools/local/dev/routes.ts";
import { GENERATED_FILES, type ServedFile } from "#tools/local/generated_files.ts";
import type { Invoker } from "#tools/local/reloading_gateway.ts";

/** API Gateway takes 10 MB. */
const GATEWAY_BODY_LIMIT = 10 * 1024 * 1024;

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Folders whose files are served, by the start of their path. The landing page stands where a deployer would put it. */
const STATIC = [
  { prefix: "/assets/", folder: new URL("./page/", import.meta.url) },
  { prefix: "/docs/", folder: new URL("./reference/", import.meta.url) },
  { prefix: "/magic-link/", folder: new URL("../../src/landing/", import.meta.url) },
] as const;
const PAGES: Readonly<Record<string, URL>> = {
  "/": new URL("./page/index.html", import.meta.url),
  "/docs": new URL("./reference/index.html", import.meta.url),
  "/magic-link": new URL("../../src/landing/index.html", import.meta.url),
};

/** Scalar's script is not ours, so the browser keeps it from other origins. It sets inline styles. */
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

/** The local stack's one port: the page, the reference, helpers under /dev/, and the API for everything else. */
export function createHttpServer(gateway: Invoker, dev: DevRoutes): Server {
  return createServer(async (request, response) => {
    try {
      if (!isOurName(request)) return send(response, 403, { code: "access_denied" });
      // As it was written: what a URL parser tidies away, the gateway must see.
      const [, path = "", query = ""] = /^([^?]*)\??(.*)$/s.exec(request.url ?? "") ?? [];
      if (request.method === "GET" && (await serveFile(path, request, response))) return;
      const body = await readBody(request);
      if (body === null) return send(response, 413, { message: "Request Too Long" });
      if (isDevPath(path)) {
        if (!isOurOwn(request)) return send(response, 403, { code: "access_denied" });
        const { status, value, headers } = await dev(request.method ?? "GET", path, body);
        return send(response, status, value, headers);
      }
      await serveApi(gateway, request, { path, query }, body, response);
    } catch {
      // What API Gateway answers when a function crashes.
      if (!response.headersSent) send(response, 500, { message: "Internal Server Error" });
    }
  });
}

/**
 * A web page's own name can be made to lead to this machine (DNS rebinding), and the page could then read mail and the
 * internal key as its own. Such a request still carries the page's name.
 */
function isOurName({ headers, socket }: IncomingMessage): boolean {
  const host = headers.host?.toLowerCase();
  return ["localhost", "127.0.0.1", "[::1]"].some((name) => host === `${name}:${socket.localPort}`);
}

/** Another site's page can't read our answers, but it could have the browser move the clock or empty the inbox. */
function isOurOwn({ headers }: IncomingMessage): boolean {
  const { origin, host } = headers;
  return origin === undefined || origin.toLowerCase() === `http://${host?.toLowerCase()}`;
}

async function serveApi(
  gateway: Invoker,
  request: IncomingMessage,
  target: { path: string; query: string },
  body: Buffer,
  response: ServerResponse,
): Promise<void> {
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(",") : (value ?? ""),
    ]),
  );
  const result = await gateway.invoke({
    method: request.method ?? "GET",
    ...target,
    headers,
    body: body.length === 0 ? undefined : body,
    ip: request.socket.remoteAddress ?? "127.0.0.1",
  });
  response.writeHead(result.statusCode ?? 500, result.headers as Record<string, string>);
  response.end(request.method === "HEAD" ? undefined : result.body);
}

async function findFile(path: string, { headers }: IncomingMessage): Promise<ServedFile | null> {
  if (Object.hasOwn(GENERATED_FILES, path))
    return (await GENERATED_FILES[path]?.(`http://${headers.host}`)) ?? null;
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
    ...(path === "/docs" ? { "content-security-policy": REFERENCE_POLICY } : {}),
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
    .writeHead(status, { "content-type": "application/json", "cache-control": "no-store", ...headers })
    .end(body);
}
