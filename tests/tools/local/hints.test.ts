import { expect, test } from "vitest";
import type { IncomingCall } from "#tools/local/gateway.ts";
import { withHints } from "#tools/local/hints.ts";

const refusing = {
  invoke: async () => ({ statusCode: 404, headers: {}, body: '{"code":"client_not_found"}' }),
  close: async () => undefined,
};
const call = (client_id: string): IncomingCall => ({
  ...{ method: "POST", path: "/1/2026-12-01/send_magic_link", query: "", ip: "127.0.0.1" },
  ...{ headers: { host: "localhost:3000" }, body: Buffer.from(JSON.stringify({ client_id })) },
});

test.each([
  ["http://localhost:4000/hook", "WEBHOOK_ALLOW_HOSTS=localhost:4000 npm start"],
  ["http://[::1]:4000", "WEBHOOK_ALLOW_HOSTS=[::1]:4000 npm start"],
  ["http://10.0.0.1:4000", undefined],
  ["http://localhost", undefined],
  ["localhost:4000", undefined],
])("says how to start the stack for a webhook of %s, if it is on this machine", async (url, hint) => {
  const said: string[] = [];
  const answer = { statusCode: 400, headers: {}, body: '{"code":"webhook_url_not_allowed"}' };
  const gateway = withHints({ ...refusing, invoke: async () => answer }, { say: (line) => said.push(line) });
  await gateway.invoke({ ...call(""), body: Buffer.from(JSON.stringify({ url })) });
  expect(said).toEqual(hint ? [expect.stringContaining(hint)] : []);
});

test("prints nothing that could change the terminal, and at most 100 hints", async () => {
  const said: string[] = [];
  const gateway = withHints(refusing, { say: (line) => said.push(line) });
  for (const id of ["\u001b[2J", "a\nb", "\u009b31m", "\u202Ecba", "a\u2028b"])
    await gateway.invoke(call(id));
  expect(said).toHaveLength(5);
  expect(said.join("")).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]/u);
  for (let number = 0; number < 200; number++) await gateway.invoke(call(`client_${number}`));
  expect(said).toHaveLength(100);
});

test.each([
  ["POST", "/service_authentication/register", {}, "http://localhost:3000/service_authentication"],
  [
    "GET",
    "/service_authentication/oauth/google",
    { "x-client-id": "acme_rest" },
    "http://localhost:3000/service_authentication/oauth/google/callback",
  ],
])(
  "names the client and the redirect URI that %s %s of an adapter lacks",
  async (method, path, headers, uri) => {
    const said: string[] = [];
    const answer = { statusCode: 400, headers: {}, body: '{"code":"invalid_redirect_uri"}' };
    const clients = [
      { id: "acme_web", enabled: true, adapters: [] },
      { id: "acme_rest", enabled: true, adapters: ["service_authentication"] as const },
    ];
    const gateway = withHints(
      { ...refusing, invoke: async () => answer },
      {
        say: (line) => said.push(line),
        ...{ clients, url: "http://localhost:3000" },
      },
    );
    const asked = { ...call(""), method, path, headers: { host: "localhost:3000", ...headers } };
    await gateway.invoke({ ...asked, body: Buffer.from('{"email":"ada@example.com"}') });
    expect(said).toEqual([
      expect.stringContaining(`Client "acme_rest" has no redirect URI "${uri}". Add it to \`redirectUris\``),
    ]);
  },
);

test("names the page of a mail that a program of the adapter static_backend asks for", async () => {
  const said: string[] = [];
  const answer = { statusCode: 400, headers: {}, body: '{"code":"invalid_redirect_uri"}' };
  const clients = [{ id: "acme_sb", enabled: true, adapters: ["static_backend"] as const }];
  const gateway = withHints(
    { ...refusing, invoke: async () => answer },
    {
      say: (line) => said.push(line),
      ...{ clients, url: "http://localhost:3000" },
    },
  );
  const body = Buffer.from('{"link":"https://acme.example/magic"}');
  await gateway.invoke({ ...call(""), path: "/static_backend/login/magic", body });
  expect(said).toEqual([
    expect.stringContaining('Client "acme_sb" has no redirect URI "https://acme.example/magic".'),
  ]);
});
