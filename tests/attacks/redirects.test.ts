import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { linkIn, linkRequest, MAC, REDIRECT, startNest, type TestNest, V1, V2 } from "#tests/support/nest.ts";

/** URIs that equal `https://magic.getbeak.app/` if URIs are compared by parts, prefixes or patterns. */
const ELSEWHERE = [
  "https://evil.example/",
  "//evil.example/",
  "/evil",
  "https://magic.getbeak.app",
  "https://magic.getbeak.app//",
  "https://magic.getbeak.app/x",
  "https://magic.getbeak.app/callback/",
  "https://magic.getbeak.app/?next=https://evil.example/",
  "https://magic.getbeak.app/#https://evil.example/",
  "https://magic.getbeak.app/..",
  "https://magic.getbeak.app/%2e%2e/",
  "https://magic.getbeak.app/\\evil.example",
  "https://magic.getbeak.app.evil.example/",
  "https://magic.getbeak.app.",
  "https://magic.getbeak.app./",
  "https://magic.getbeak.app:443/",
  "https://magic.getbeak.app:8443/",
  "https://magic.getbeak.app@evil.example/",
  "https://magic.getbeak.app%40evil.example/",
  "https://magic.getbeak.app%2eevil.example/",
  "https://evil.example/https://magic.getbeak.app/",
  "https://evil.example\\@magic.getbeak.app/",
  "https://x:y@magic.getbeak.app/",
  "https://evil-magic.getbeak.app/",
  "https://xmagic.getbeak.app/",
  "https://magic-getbeak.app/",
  "https://getbeak.app/",
  "https://*.getbeak.app/",
  "https://rio.getbeak.app/",
  "http://magic.getbeak.app/",
  "HTTPS://magic.getbeak.app/",
  "https://MAGIC.getbeak.app/",
  "https:magic.getbeak.app/",
  "https:/magic.getbeak.app/",
  "https:///magic.getbeak.app/",
  "https://magic\u3002getbeak.app/",
  "https://m\u0430gic.getbeak.app/",
  "https://magic.getbeak.app/\u0000",
  "https://magic.getbeak.app/\r\nlocation: https://evil.example/",
  "https://magic.getbeak.app/ ",
  " https://magic.getbeak.app/",
  "\thttps://magic.getbeak.app/",
  "https://magic.getbeak.app/,https://evil.example/",
  "https://localhost/",
  "http://127.0.0.1:3000/",
  "beak-app://nest/magic-link",
  "javascript:alert(1)//https://magic.getbeak.app/",
  "data:text/html,https://magic.getbeak.app/",
  "file:///etc/passwd",
  "^https://magic",
  "*",
  ".",
  "null",
];

describe("open redirects", () => {
  let nest: TestNest;
  beforeAll(async () => {
    nest = await startNest();
  });
  afterAll(() => nest.stop());

  test("a link is sent only for a redirect URI of the client, compared exactly", async () => {
    for (const path of [`${V1}send_magic_link`, `${V2}create_trial_and_magic_link`]) {
      for (const redirect_uri of ELSEWHERE) {
        const reply = await nest.call(path, linkRequest({ redirect_uri }));
        expect(reply.body?.code, redirect_uri).toBe("invalid_redirect_uri");
      }
      for (const redirect_uri of [[REDIRECT], { url: REDIRECT }, null, "", `${REDIRECT}${"x".repeat(512)}`])
        expect((await nest.call(path, linkRequest({ redirect_uri }))).body.code).toBe("validation_failed");
    }
    expect(nest.ses.inbox).toEqual([]);
    expect(await nest.collection("authorizations").countDocuments()).toBe(0);
    expect(nest.stripe.requests).toEqual([]);
  });

  test("a code is redeemed only with the redirect URI of its request, not even another URI of the client", async () => {
    for (let from = 0; from < ELSEWHERE.length; from += 9) {
      const code = await nest.emailedCode({ redirect_uri: `${REDIRECT}callback` });
      for (const redirect_uri of ELSEWHERE.slice(from, from + 8))
        expect((await nest.redeem(code, { redirect_uri })).body.code).toBe("incorrect_redirect_uri");
      expect((await nest.redeem(code, { redirect_uri: REDIRECT })).body.code).toBe("incorrect_redirect_uri");
      expect((await nest.redeem(code, { redirect_uri: `${REDIRECT}callback` })).status).toBe(200);
    }
  });

  test("no state changes the host, path or code of the link", async () => {
    const states = [
      "&code=authzcode_evil.0&redirect_uri=https://evil.example/",
      "#@evil.example/",
      "/../../evil",
      "\\evil.example",
      "\r\nlocation: https://evil.example/",
      "%26code%3Devil",
      "?code=evil",
      " https://evil.example/ ",
      "\u2028https://evil.example/",
      "';alert(1)//",
    ];
    for (const state of states) {
      const url = linkIn(await nest.requestLink({ state }));
      expect([url.origin + url.pathname, url.hash], state).toEqual([REDIRECT, ""]);
      expect([...url.searchParams.keys()]).toEqual(["code", "state"]);
      expect(url.searchParams.get("state")).toBe(state);
      expect(url.searchParams.get("code")).toMatch(/^authzcode_[0-9A-Za-z]{27}\.[0-9a-f]{64}$/);
    }
  });

  test("no path responds with a redirect", async () => {
    const paths = [
      "/",
      "//evil.example/",
      "/\\evil.example",
      "/1",
      "/1/",
      `${V1}list_news_items/`,
      "/health/",
    ];
    for (const path of [...paths, "/%2f%2fevil.example", "/1/2020-12-14/..%2f..%2f", "/.well-known/"])
      for (const method of ["GET", "POST", "HEAD", "OPTIONS"]) {
        const reply = await nest.call(path, { client_id: MAC }, { method });
        expect(reply.status < 300 || reply.status >= 400).toBe(true);
        expect(reply.headers).not.toHaveProperty("location");
      }
  });
});
