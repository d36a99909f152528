/** The second provider: `oidc-provider`, a certified server that shares no code with ours and with the double. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import Provider from "oidc-provider";
import { afterAll, beforeAll, expect, test } from "vitest";
import { appWithClients } from "#tests/support/app.ts";
import { MAC, startNest, type TestNest } from "#tests/support/nest.ts";
import { callBack, redeem, startBody } from "#tests/support/oauth.ts";
import { V3 } from "#tests/support/plans.ts";

const CREDENTIALS = {
  clientId: "nest",
  clientSecret: "a secret of at least 32 characters, as the provider wants",
};
const server = createServer();
let nest: TestNest;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        ...{ client_id: CREDENTIALS.clientId, client_secret: CREDENTIALS.clientSecret },
        redirect_uris: ["https://nest.test/1/oauth/certified/callback"],
        token_endpoint_auth_method: "client_secret_post",
      },
    ],
    findAccount: (_context, sub) => ({
      accountId: sub,
      claims: () => ({ sub, email: "ada@acme.example", email_verified: true, name: "Ada" }),
    }),
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    features: { devInteractions: { enabled: true } },
    pkce: { required: () => true },
  });
  server.on("request", provider.callback());
  nest = await startNest({
    app: {
      ...appWithClients({ id: MAC }),
      oauthProviders: [{ id: "certified", name: "Certified", preset: "oidc", issuer, trustEmail: true }],
    },
    environment: { OAUTH_PROVIDERS_URL: "", OAUTH_CREDENTIALS: JSON.stringify({ certified: CREDENTIALS }) },
  });
});
afterAll(async () => {
  await nest.stop();
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

/** Follows redirects and fills in the provider's forms, as a browser does. @returns the URL of the callback */
async function agree(start: string): Promise<string> {
  const cookies = new Map<string, string>();
  let url = start;
  let form: URLSearchParams | null = null;
  for (let step = 0; step < 12; step++) {
    const reply: Response = await fetch(url, {
      ...{ redirect: "manual", method: form ? "POST" : "GET", body: form },
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
    });
    for (const cookie of reply.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(name, value);
    }
    const location = reply.headers.get("location");
    if (location !== null) {
      url = new URL(location, url).href;
      if (url.startsWith("https://nest.test/")) return url;
      form = null;
      continue;
    }
    const html = await reply.text();
    const action = /<form[^>]*action="([^"]+)"/.exec(html)?.[1] ?? "";
    const prompt = /name="prompt" value="([^"]+)"/.exec(html)?.[1] ?? "";
    form = new URLSearchParams({ prompt, ...(prompt === "login" && { login: "ada", password: "any" }) });
    url = new URL(action, url).href;
  }
  throw new Error(`the provider did not return; it stopped at ${url}`);
}

test("signs a person in with a certified provider, whose address is read from userinfo", async () => {
  const started = await nest.call(`${V3}start_oauth`, startBody({ provider: "certified" }));
  const back = await callBack(nest, { url: await agree(started.body.authorization_url), form: null });
  expect(back.error).toBeNull();
  const { status, body } = await redeem(nest, back.code);
  expect([status, body.user_created]).toEqual([200, true]);
  const user = await nest.call(`${V3}get_user`, {}, { bearer: body.access_token });
  expect(user.body).toMatchObject({ email: "ada@acme.example", name: "Ada" });
});
