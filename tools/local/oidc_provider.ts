import type { RequestListener } from "node:http";
import Provider from "oidc-provider";
import { startDoubleServer } from "#tools/local/double_server.ts";

/** A certified provider of OpenID Connect on loopback, `oidc-provider`, which shares no code with Nest and with the double. */
export interface OidcProvider extends AsyncDisposable {
  /** The issuer identifier, for `issuer` of the app file. */
  issuer: string;
  /** The credentials of the provider's one client, for `OAUTH_CREDENTIALS`. */
  credentials: { clientId: string; clientSecret: string };
  /** Serves the provider. Nest's redirect URI may be known only after the issuer is. */
  serve(redirectUri: string): void;
}

/** The verified address that the provider has for a login. */
export const addressOf = (login: string): string => `${login}@acme.example`;

const CREDENTIALS = {
  clientId: "nest",
  clientSecret: "a secret of at least 32 characters, as the provider wants",
};

/** Each lifetime that is not set prints a notice. */
const LIFETIMES = Object.fromEntries(
  ["AccessToken", "AuthorizationCode", "Grant", "IdToken", "Interaction", "Session"].map((name) => [
    name,
    600,
  ]),
);

/** Starts a provider with login and consent forms that accept any login and any password. Dispose it to stop it. */
export async function startOidcProvider(): Promise<OidcProvider> {
  let answer: RequestListener = (_request, response) => void response.writeHead(503).end();
  const server = await startDoubleServer((request, response) => answer(request, response));
  return {
    issuer: server.url,
    credentials: CREDENTIALS,
    serve(redirectUri) {
      const provider = withoutWarnings(() => new Provider(server.url, settingsFor(redirectUri)));
      answer = provider.callback();
    },
    [Symbol.asyncDispose]: server.close,
  };
}

const settingsFor = (redirectUri: string) => ({
  clients: [
    {
      ...{ client_id: CREDENTIALS.clientId, client_secret: CREDENTIALS.clientSecret },
      ...{ redirect_uris: [redirectUri], token_endpoint_auth_method: "client_secret_post" },
    },
  ],
  findAccount: (_context: unknown, sub: string) => ({
    accountId: sub,
    claims: () => ({ sub, email: addressOf(sub), email_verified: true, name: sub }),
  }),
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  features: { devInteractions: { enabled: true } },
  pkce: { required: () => true },
  ttl: LIFETIMES,
});

/** The provider warns that its forms, its keys and its store in memory are for development, which is what they are for here. */
function withoutWarnings<Made>(make: () => Made): Made {
  const { warn } = console;
  console.warn = () => undefined;
  try {
    return make();
  } finally {
    console.warn = warn;
  }
}

/**
 * Follows redirects and fills in the provider's forms, as a browser does: logs in and consents.
 * @param start the authorization URL
 * @param visitor.login who logs in
 * @param visitor.callback where Nest receives the answer
 * @returns the URL of the callback with the answer, which is not fetched
 * @throws Error if the provider does not return to the callback
 */
export async function logInAndConsent(
  start: string,
  { login, callback }: { login: string; callback: string },
): Promise<string> {
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
      if (url.startsWith(`${callback}?`)) return url;
      form = null;
      continue;
    }
    const html = await reply.text();
    const action = /<form[^>]*action="([^"]+)"/.exec(html)?.[1] ?? "";
    const prompt = /name="prompt" value="([^"]+)"/.exec(html)?.[1] ?? "";
    form = new URLSearchParams({ prompt, ...(prompt === "login" && { login, password: "any" }) });
    url = new URL(action, url).href;
  }
  throw new Error(`The provider did not return to ${callback}. It stopped at ${url}.`);
}
