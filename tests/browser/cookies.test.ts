import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "playwright-core";
import { afterAll, describe, expect, test } from "vitest";
import app from "#app";
import { ACCESS_COOKIE, REFRESH_COOKIE } from "#entry/cookie_scheme.ts";
import { clientWith } from "#tests/support/app.ts";
import { browserSuite, hasBrowser } from "#tests/support/browser.ts";
import { V3 } from "#tests/support/plans.ts";

/** A path of the stack that serves no script. */
const PLAIN_PAGE = "/openapi.json";
const example = /```js\n([\s\S]*?)```/.exec(await readFile("docs/cookies.md", "utf8"))?.[1] ?? "";

/** Starts a server of empty pages, which are of another origin than the API. */
async function servePages() {
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/html" }).end("<p>page</p>");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, port: (server.address() as AddressInfo).port };
}
const [own, other] = await Promise.all([servePages(), servePages()]);
const OWN = `http://localhost:${own.port}`;

const CLIENT = "client_pages";
const client = clientWith({
  id: CLIENT,
  grants: ["otp"],
  origins: [OWN],
  cookies: { enabled: true, default: true },
});

describe.skipIf(!hasBrowser)("cookies in a browser", () => {
  const suite = browserSuite({ app: { ...app, clients: [...app.clients, client] } });
  afterAll(() => {
    for (const { server } of [own, other]) server.close();
  });
  const api = () => suite.stack.api.url;

  const call = (page: Page, method: string, body = {}) =>
    page.evaluate(`call(${JSON.stringify(method)}, ${JSON.stringify(body)})`) as Promise<
      Record<string, string>
    >;
  const cookiesOf = async (page: Page) => {
    const cookies = await page.context().cookies();
    return cookies.sort((one, next) => (one.name < next.name ? -1 : 1));
  };
  const answerOf = async (page: Page, method: string, body = {}) =>
    (await call(page, method, body)).code ?? "ok";
  /** Opens a page of an origin, and defines `call` of docs/cookies.md in it. */
  const openAt = async (page: Page, origin: string) => {
    await page.goto(origin);
    const [defined = ""] = example.split("\n\n");
    await page.evaluate(
      defined.replace("const call", "window.call").replaceAll("http://localhost:3000", api()),
    );
  };
  /** Opens a page of the client, and signs in. */
  const signedIn = async () => {
    const page = await suite.open(PLAIN_PAGE);
    await openAt(page, OWN);
    const asked = {
      client_id: CLIENT,
      identifier_type: "email",
      identifier_value: `${Math.random()}@example.com`,
    };
    const { nonce } = await call(page, "send_otp", asked);
    const code = /\b\d{6}\b/.exec(suite.stack.ses.inbox.at(-1)?.text ?? "")?.[0];
    await call(page, "authenticate_user", { client_id: CLIENT, grant_type: "otp", nonce, code });
    return page;
  };

  test("the example of docs/cookies.md runs on the page of the stack", async () => {
    const page = await suite.open(PLAIN_PAGE);
    const runs = example
      .replaceAll("http://localhost:3000", api())
      .replaceAll("console.log(", "results.push(");
    const results = await page.evaluate(`(async () => { const results = []; ${runs}; return results; })()`);
    expect(results).toEqual([
      expect.objectContaining({ id: expect.any(String) }),
      expect.objectContaining({ refresh_token: null, access_token: expect.any(String) }),
    ]);
    expect(await cookiesOf(page)).toEqual([]);
  });

  test("are kept for http://localhost with their prefixes, out of reach of scripts, until the sign-out", async () => {
    const page = await signedIn();
    const stored = await cookiesOf(page);
    expect(stored).toEqual([
      expect.objectContaining({
        ...{ name: ACCESS_COOKIE, domain: "localhost", path: "/" },
        ...{ httpOnly: true, secure: true, sameSite: "Lax" },
      }),
      expect.objectContaining({
        ...{ name: REFRESH_COOKIE, domain: "localhost", path: "/1/" },
        ...{ httpOnly: true, secure: true, sameSite: "Strict" },
      }),
    ]);
    expect(await page.evaluate("document.cookie")).toBe("");
    expect(await answerOf(page, "get_user")).toBe("ok");
    // A page of another origin can read the errors too.
    expect(await answerOf(page, "get_user", { user_id: "user_other" })).toBe("access_denied");
    const refresh = { client_id: CLIENT, grant_type: "refresh_token" };
    expect(await call(page, "authenticate_user", refresh)).toMatchObject({ refresh_token: null });
    const before = stored.map(({ value }) => value);
    for (const { value } of await cookiesOf(page)) expect(before).not.toContain(value);
    await call(page, "revoke_session");
    expect(await cookiesOf(page)).toEqual([]);
  });

  test.each([
    // The browser sends the cookies with its calls, because ports do not distinguish sites.
    ["the same site", `http://localhost:${other.port}`],
    ["another site", `http://127.0.0.1:${other.port}`],
  ])("carry no call of a page of %s that is not the client's", async (_what, origin) => {
    const page = await signedIn();
    const foreign = await page.context().newPage();
    const answers: number[] = [];
    foreign.on(
      "response",
      (response) => void (response.url().includes(V3) && answers.push(response.status())),
    );
    await openAt(foreign, origin);
    const outcome = foreign.evaluate(`call("revoke_session", {}).then(() => "read", () => "not read")`);
    expect(await outcome).toBe("not read");
    // A form needs no permission to send text/plain, and its text can be JSON.
    await foreign.evaluate(`{
      const form = document.createElement("form");
      Object.assign(form, { method: "POST", enctype: "text/plain", action: "${api()}${V3}revoke_session" });
      form.append(Object.assign(document.createElement("input"), { name: '{"session_id":"', value: '"}' }));
      document.body.append(form);
      form.submit();
    }`);
    await expect.poll(() => answers.at(-1)).toBe(403);
    expect(await answerOf(page, "get_user")).toBe("ok");
    expect(await cookiesOf(page)).toHaveLength(2);
  });
});
