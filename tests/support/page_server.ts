import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** Serves the page of an app of its own, at an origin other than that of the API. */
export interface PageServer {
  origin: string;
  /**
   * Serves a page, and the typed client of a stack beside it as `client.js`.
   * @param page with the addresses that the documentation has
   * @param stackUrl replaces the address of the local stack
   */
  serve(page: string, stackUrl: string): Promise<void>;
  close(): void;
}

/** Starts a server without a page. Until it is closed, it does not keep the process running. */
export async function startPageServer(): Promise<PageServer> {
  const files = new Map<string | undefined, [type: string, content: string]>();
  const server = createServer(({ url }, response) => {
    const [type, content] = files.get(url?.replace(/\?.*/, "")) ?? ["text/plain", ""];
    response.writeHead(content ? 200 : 404, { "content-type": type }).end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // Nothing else ends it if there is no browser.
  server.unref();
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    async serve(page, stackUrl) {
      const content = page
        .replaceAll("http://localhost:3000", stackUrl)
        .replaceAll("http://localhost:5173", origin);
      files.set("/", ["text/html", content]);
      files.set("/client.js", ["text/javascript", await (await fetch(`${stackUrl}/client.js`)).text()]);
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The first example of a page of the documentation that is a web page. */
export async function documentedPage(path: string): Promise<string> {
  const [, page = ""] = /```html\n(.*?)```/s.exec(await readFile(path, "utf8")) ?? [];
  return page;
}
