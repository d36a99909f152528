import type { Page } from "playwright-core";
import { afterAll, describe, expect, test } from "vitest";
import { appWithClients } from "#tests/support/app.ts";
import { browserSuite, hasBrowser } from "#tests/support/browser.ts";
import { wrongCode } from "#tests/support/codes.ts";
import { appCode } from "#tests/support/mfa.ts";
import { withOidcProvider } from "#tests/support/oidc_provider.ts";
import { documentedPage, startPageServer } from "#tests/support/page_server.ts";
import { V3 } from "#tests/support/plans.ts";
import { addressOf, startOidcProvider } from "#tools/local/oidc_provider.ts";

/** The page of docs/oauth.md, as a developer saves it. */
const documented = await documentedPage("docs/oauth.md");
const server = await startPageServer();
const provider = await startOidcProvider();
const { origin } = server;

describe.skipIf(!hasBrowser)("the page of docs/oauth.md, with the provider oidc-provider", () => {
  const client = {
    id: "acme_web",
    origins: [origin],
    redirectUris: [`${origin}/`],
    grants: ["mfa"] as const,
  };
  const suite = browserSuite(withOidcProvider(appWithClients(client), provider));
  afterAll(async () => {
    server.close();
    await provider[Symbol.asyncDispose]();
  });

  /** Opens the page in a browser that has visited neither the page nor the provider. */
  const open = async (): Promise<Page> => {
    const { url } = suite.stack.api;
    provider.serve(`${url}/1/oauth/certified/callback`);
    await server.serve(documented, url);
    const page = await suite.open("/openapi.json");
    // The forms of the provider name a font of another host.
    await page.route("https://fonts.googleapis.com/**", (route) => route.abort());
    await page.goto(origin);
    return page;
  };
  const logIn = async (page: Page, login: string) => {
    await page.getByRole("button", { name: "Sign in with Certified" }).click();
    await page.getByPlaceholder("Enter any login").fill(login);
    await page.getByPlaceholder("and password").fill("any");
    expect(page.url()).toContain(`${provider.issuer}/`);
    await page.getByRole("button", { name: "Sign-in" }).click();
    await page.getByRole("button", { name: "Continue" }).waitFor();
    expect(page.url()).toContain(`${provider.issuer}/`);
  };
  const logInAndConsent = async (page: Page, login: string) => {
    await logIn(page, login);
    await page.getByRole("button", { name: "Continue" }).click();
  };
  const isSignedInAs = (page: Page, login: string) =>
    page.getByText(`You are signed in as ${addressOf(login)}.`).waitFor();
  const tokensIn = async (page: Page) =>
    JSON.parse(String(await page.evaluate("localStorage['nest.tokens'] ?? null")));
  const amrOf = ({ access_token }: { access_token: string }) =>
    JSON.parse(String(Buffer.from(access_token.split(".")[1] ?? "", "base64url"))).amr;
  const ask = async (method: string, body: object, bearer: string) => {
    const answer = await suite.stack.ask("POST", `${V3}${method}`, body, {
      authorization: `Bearer ${bearer}`,
    });
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    return answer.body;
  };

  test("signs a person in through the login and consent forms, and keeps them signed in", async () => {
    const page = await open();
    const mistakes: string[] = [];
    page.on("pageerror", (error) => void mistakes.push(error.message));
    await logInAndConsent(page, "ada");
    await isSignedInAs(page, "ada");
    expect(page.url()).toBe(`${origin}/`);
    expect(amrOf(await tokensIn(page))).toEqual(["fed"]);
    await page.reload();
    await isSignedInAs(page, "ada");
    expect(await page.getByRole("button").count()).toBe(0);
    expect(mistakes).toEqual([]);
  });

  test("gives a person with a second factor no tokens before the code of the authenticator app", async () => {
    const first = await open();
    await logInAndConsent(first, "tess");
    await isSignedInAs(first, "tess");
    const { access_token: bearer } = await tokensIn(first);
    const created = await ask("create_mfa_factor", { factor_type: "totp", confirm: true }, bearer);
    const { factor_id, secret } = created;
    await ask("verify_mfa_factor", { factor_id, code: appCode(secret, new Date()) }, bearer);
    // A step works once. The code of the next step is accepted now, and still if that step begins in the meantime.
    const nextCode = () => appCode(secret, new Date(), 1);

    const page = await open();
    const refused = page.waitForResponse((response) => response.url().endsWith("/authenticate_user"));
    await logInAndConsent(page, "tess");
    expect([(await refused).status(), (await (await refused).json()).code]).toEqual([403, "mfa_required"]);
    const code = page.getByLabel("Code of your authenticator app");
    await code.fill(wrongCode(nextCode()));
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByText("mfa_failed").waitFor();
    expect(await tokensIn(page)).toBeNull();
    await code.fill(nextCode());
    await page.getByRole("button", { name: "Continue" }).click();
    await isSignedInAs(page, "tess");
    expect(amrOf(await tokensIn(page))).toEqual(["fed", "otp", "mfa"]);
  });

  test("tells a person who declines the consent that they are not signed in, and lets them begin again", async () => {
    const page = await open();
    await logIn(page, "dora");
    await page.getByRole("link", { name: "Cancel" }).click();
    await page.getByText("You declined, so you are not signed in.").waitFor();
    expect([page.url(), await tokensIn(page)]).toEqual([`${origin}/`, null]);
    const countUsers = () => suite.stack.database.collection("users").countDocuments({ name: "dora" });
    expect(await countUsers()).toBe(0);
    await page.getByRole("button", { name: "Sign in with Certified" }).click();
    // The provider remembers the login, and asks for the consent again.
    await page.getByRole("button", { name: "Continue" }).click();
    await isSignedInAs(page, "dora");
    expect(await countUsers()).toBe(1);
  });

  test("does not sign in with an answer to a visit that another browser began", async () => {
    const attacker = await open();
    await attacker.route(`${origin}/?*`, (route) => route.abort());
    const answer = attacker.waitForRequest((request) => request.url().startsWith(`${origin}/?`));
    await logInAndConsent(attacker, "mallory");
    const link = (await answer).url();
    expect(link).toContain("code=");
    const victim = await open();
    await victim.goto(link);
    await victim.getByText("This sign-in began in another tab. Begin again.").waitFor();
    expect(await tokensIn(victim)).toBeNull();
  });
});
