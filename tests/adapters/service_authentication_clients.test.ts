import { afterAll, beforeAll, expect, test } from "vitest";
import app from "#app";
import type { Client } from "#core/app/app.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";
import { newPerson } from "#tests/support/oauth.ts";
import { withSampleClients } from "#tools/local/sample_clients.ts";

const BASE = "https://nest.test/service_authentication";
const SECOND = "client_second";
let nest: TestNest;
beforeAll(async () => {
  const samples = withSampleClients(app);
  const own = samples.clients.find(({ adapters }) => adapters.includes("service_authentication")) as Client;
  const of = (page: string, change: Partial<Client> = {}): Client => ({
    ...{ ...own, ...change, origins: [page] },
    redirectUris: [BASE, `${BASE}/oauth/google/callback`, `${page}/`],
  });
  const others = samples.clients.filter((client) => client !== own);
  const clients = [of("https://one.example"), of("https://two.example", { id: SECOND, name: "Second" })];
  nest = await startNest({ app: { ...samples, clients: [...others, ...clients] } });
});
afterAll(() => nest.stop());

/** Opens a URL as a browser that goes there from another site. */
async function open(url: URL, cookie?: string, at = nest) {
  const {
    statusCode,
    headers = {},
    cookies = [],
  } = await at.gateway.invoke({
    ...{ method: "GET", path: url.pathname, query: url.search.slice(1), ip: "203.0.113.9" },
    headers: { accept: "text/html", "sec-fetch-site": "cross-site", ...(cookie !== undefined && { cookie }) },
  });
  return { status: statusCode, location: String(headers.location ?? ""), cookies };
}

/** Begins a visit at the provider for a client. @returns the callback of the adapter, and the cookie of the visit */
async function begin(clientId: string, at = nest) {
  const begun = await open(new URL(`${BASE}/oauth/google?client_id=${clientId}`), undefined, at);
  expect(begun.status).toBe(302);
  const answer = at.oauth.visit(begun.location, newPerson());
  const back = await open(new URL(answer.url), undefined, at);
  return { callback: new URL(back.location), cookie: begun.cookies[0]?.split(";")[0] ?? "" };
}

// The provider brings back what it was given, which names no client.
test("A28: with two clients, a visit ends at the page of the client that began it", async () => {
  const { callback, cookie } = await begin(SECOND);
  const done = await open(callback, cookie);
  expect([done.status, done.location]).toEqual([302, "https://two.example/"]);
  const session = await nest.collection("sessions").findOne({ clientId: SECOND });
  expect(session).not.toBeNull();
});

test("A28: a visit of a client that the adapter does not know ends nowhere", async () => {
  const { callback, cookie } = await begin(SECOND);
  const unknown = await open(callback, cookie.replace(SECOND, "client_unknown"));
  expect([unknown.status, unknown.location]).toEqual([404, ""]);
  expect((await open(callback)).status).toBe(404);
});

test("A28: with the pages of several stages, a visit ends at the page of its own stage", async () => {
  const samples = withSampleClients(app);
  const own = samples.clients.find(({ adapters }) => adapters.includes("service_authentication")) as Client;
  const urisOf = (api: string, page: string) => [
    `${api}/service_authentication`,
    `${api}/service_authentication/oauth/google/callback`,
    page,
  ];
  const redirectUris = [
    "http://localhost:5173/",
    ...urisOf("http://localhost:3000", "http://localhost:5174/"),
    ...urisOf("https://nest.other.test", "https://other.example/"),
    ...urisOf("https://nest.test", "https://this.example/"),
    ...urisOf("https://nest.last.test", "https://last.example/"),
  ];
  const clients = samples.clients.map((client) => (client === own ? { ...client, redirectUris } : client));
  const stages = await startNest({ app: { ...samples, clients } });
  try {
    const { callback, cookie } = await begin(own.id, stages);
    expect((await open(callback, cookie, stages)).location).toBe("https://this.example/");
  } finally {
    await stages.stop();
  }
});
