import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, describe, expect, test } from "vitest";
import { appWithClients } from "#tests/support/app.ts";
import { browserSuite, hasBrowser } from "#tests/support/browser.ts";

/** The page of docs/your_app.md, as a developer saves it. */
const [, documented = ""] = /```html\n(.*?)```/s.exec(await readFile("docs/your_app.md", "utf8")) ?? [];
const files = new Map<string | undefined, [type: string, content: string]>();
const server = createServer(({ url }, response) => {
  const [type, content] = files.get(url?.replace(/\?.*/, "")) ?? ["text/plain", ""];
  response.writeHead(content ? 200 : 404, { "content-type": type }).end(content);
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
// Nothing else ends it if there is no browser.
server.unref();
const origin = `http://localhost:${(server.address() as AddressInfo).port}`;

describe.skipIf(!hasBrowser)("the page of docs/your_app.md", () => {
  const suite = browserSuite({
    app: appWithClients({ id: "acme_web", origins: [origin], redirectUris: [`${origin}/`] }),
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  test("signs in with the link of the local inbox, buys a plan and shows it", async () => {
    const { url } = suite.stack.api;
    const page = documented
      .replaceAll("http://localhost:3000", url)
      .replaceAll("http://localhost:5173", origin);
    files.set("/", ["text/html", page]);
    files.set("/client.js", ["text/javascript", await (await fetch(`${url}/client.js`)).text()]);
    const local = await suite.open();
    const mistakes: string[] = [];
    local.context().on("weberror", (error) => void mistakes.push(error.error().message));
    const first = await local.context().newPage();
    await first.goto(origin);
    await first.getByLabel("Email address").fill("own@example.com");
    await first.getByRole("button", { name: "Sign in" }).click();
    await first.getByText("The link is in the inbox").waitFor();

    const opened = local.context().waitForEvent("page");
    await local.getByRole("link", { name: "Open link in your page" }).click();
    const own = await opened;
    await own.getByText("You are signed in as own@example.com. Your subscription: none.").waitFor();
    expect(own.url()).toBe(`${origin}/`);
    await own.getByRole("button", { name: "Subscribe" }).click();
    await own.getByRole("button", { name: "Pay £4.99" }).click();
    await own.getByText("You are signed in as own@example.com. Your subscription: active.").waitFor();
    expect(await own.getByRole("button", { name: "Subscribe" }).isVisible()).toBe(false);
    expect(mistakes).toEqual([]);
  });
});
