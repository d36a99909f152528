import { expect, test } from "vitest";
import app from "#app";
import { clientWith } from "#tests/support/app.ts";
import { buildConsole } from "#tools/console/build_console.ts";
import { consoleSettings } from "#tools/operator/app/console.ts";

const URL_OF = "https://console.acme.example/";
const client = clientWith({
  id: "client_support",
  redirectUris: [URL_OF],
  origins: ["https://console.acme.example"],
  cookies: { enabled: true, default: true },
});
const settingsFor = (change: object, options: object = {}) =>
  consoleSettings({ ...app, clients: [{ ...client, ...change }] }, "app/beak", {
    ...{ client: "client_support", url: URL_OF, api: "prod" },
    ...options,
  });

test.for([
  ["cookies are off", { cookies: { enabled: false, default: false } }, "Set `cookies` in app/beak/app.ts"],
  ["the redirect URI is missing", { redirectUris: [] }, "Add it to `redirectUris` in app/beak/app.ts"],
  ["the origin is missing", { origins: [] }, "Add it to `origins` in app/beak/app.ts"],
  ["the client is disabled", { enabled: false }, "has no enabled client"],
] as const)("app console refuses to build if %s, and says what to change", ([, change, message]) => {
  expect(() => settingsFor(change)).toThrow(message);
});

test("app console refuses an unknown stage", () => {
  expect(() => settingsFor({}, { api: "local" })).toThrow('No stage "local". Use nonprod or prod.');
});

test("app console builds files that name only each other, and a policy that allows the API of the stage", async () => {
  const files = await buildConsole(settingsFor({}));
  expect([...files.keys()].sort()).toEqual(["console.css", "console.js", "index.html", "logo.svg"]);
  const page = files.get("index.html") ?? "";
  expect(page).toContain(`connect-src ${app.urls.api.prod};`);
  expect(page).toContain("client_support");
  expect([...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file).sort()).toEqual([
    "console.css",
    "console.js",
    "logo.svg",
  ]);
});
