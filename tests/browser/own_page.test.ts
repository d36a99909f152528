import { afterAll, describe, expect, test } from "vitest";
import { appWithClients } from "#tests/support/app.ts";
import { browserSuite, hasBrowser } from "#tests/support/browser.ts";
import { documentedPage, startPageServer } from "#tests/support/page_server.ts";

/** The page of docs/your_app.md, as a developer saves it. */
const documented = await documentedPage("docs/your_app.md");
const server = await startPageServer();
const { origin } = server;

describe.skipIf(!hasBrowser)("the page of docs/your_app.md", () => {
  const suite = browserSuite({
    app: appWithClients({ id: "acme_web", origins: [origin], redirectUris: [`${origin}/`] }),
  });
  afterAll(() => server.close());

  test("signs in with the link of the local inbox, buys a plan and shows it", async () => {
    await server.serve(documented, suite.stack.api.url);
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
