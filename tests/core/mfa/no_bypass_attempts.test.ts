import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toJSONSchema } from "zod";
import type { RpcHandler } from "#entry/rpc.ts";
import { loadMethods } from "#routes.ts";
import { addUser, newOwner } from "#tests/support/members.ts";
import { linkIn, NATIVE, V1, V2 } from "#tests/support/nest.ts";
import { P1 } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";
import { ADA, asksForFactor, hasTokens, secretIn, Walk } from "#tests/support/walk.ts";
import { FUNCTION_WAYS, GRANT_WAYS, METHOD_WAYS, type Way } from "#tests/support/ways_in.ts";
import { ADAPTER_WAYS } from "#tests/support/ways_of_adapters.ts";
import { SERVICE_WAYS } from "#tests/support/ways_of_service_authentication.ts";
import { documentedSchema, exampleOf } from "#tools/openapi/schema.ts";
import { loadAdapters } from "#tools/stage/adapters.ts";
import { listFunctions } from "#tools/stage/functions.ts";

const methods = await loadMethods();
const adapters = await loadAdapters();
const others = (await listFunctions()).filter(
  ({ source, adapter, routes }) =>
    !source.startsWith("src/methods/") && adapter === null && routes.length > 0,
);

/** Methods that need no access token: public ones, and those for internal callers. */
const isOpen = ({ declaration: { access } }: RpcHandler) => access === "public" || access === "internal";

const grantsOf = ({ declaration }: RpcHandler): string[] => {
  const { properties = {} } = toJSONSchema(declaration.request, { unrepresentable: "any" });
  const { enum: grants = [] } = properties.grant_type as { enum?: string[] };
  return grants;
};

/** Every path that needs no access token, with the name of its entry. */
const open: (readonly [entry: string, path: string])[] = methods
  .filter(({ handler }) => isOpen(handler))
  .flatMap(({ handler, paths }) =>
    paths.flatMap((path) =>
      handler.declaration.name === "authenticate_user"
        ? grantsOf(handler).map((grant) => [`grant ${grant}`, path] as const)
        : [[handler.declaration.name, path] as const],
    ),
  );
const routes = adapters.flatMap(({ handler: { declaration } }) =>
  declaration.routes.map((route) => {
    const when = route.when === undefined ? "" : ` ${route.when}`;
    const entry = `${declaration.name} ${route.verb} ${route.path}${when}`;
    return { ...route, entry, path: `/${declaration.name}${route.path}` };
  }),
);
const functions = others.flatMap(({ name, routes: own }) =>
  own.map((route) => [name, route.split(" ").at(-1) ?? ""] as const),
);

const ENTRIES: Readonly<Record<string, readonly Way[]>> = {
  ...Object.fromEntries(Object.entries(GRANT_WAYS).map(([grant, ways]) => [`grant ${grant}`, ways])),
  ...{ ...METHOD_WAYS, ...FUNCTION_WAYS, ...ADAPTER_WAYS, ...SERVICE_WAYS },
};
const WAYS = [
  ...open,
  ...functions,
  ...routes.filter(({ method }) => isOpen(method)).map(({ entry, path }) => [entry, path] as const),
].flatMap(([entry, path]) =>
  (ENTRIES[entry] ?? []).map(([usual, run, before2026 = usual], index) => {
    const isOlder = path.startsWith(V1) || path.startsWith(V2);
    return { entry, path, outcome: isOlder ? before2026 : usual, run, number: index + 1 };
  }),
);

let walk: Walk;
beforeAll(async () => {
  walk = await Walk.start();
});
afterAll(() => walk.nest.stop());

test("every open method, grant, function and route of an adapter has an entry, and every entry belongs to one", () => {
  const found = [...open, ...functions].map(([entry]) => entry);
  const ofAdapters = routes.filter(({ method }) => isOpen(method)).map(({ entry }) => entry);
  expect([...new Set([...found, ...ofAdapters])].sort()).toEqual(Object.keys(ENTRIES).sort());
});

describe("a user with a second factor gets no tokens without it", () => {
  test.each(WAYS)("from $entry at $path ($number): $outcome", async ({ outcome, path, run }) => {
    const answer = await run(walk, path);
    const seen = `${answer.status} ${answer.body.slice(0, 300)}`;
    expect(hasTokens(answer), seen).toBe(outcome === "exception");
    if (outcome === "asks") expect(asksForFactor(answer), seen).toBe(true);
  });

  test("from any other method or route, even with mfa_token as the access token", async () => {
    const bearer = { authorization: `Bearer ${await walk.challenge()}` };
    const closed = [
      ...methods
        .filter(({ handler }) => !isOpen(handler))
        .flatMap(({ handler, paths }) => paths.map((path) => ({ verb: "POST", path, method: handler }))),
      ...routes.filter(({ method }) => !isOpen(method)),
    ];
    for (const { verb, path, method } of closed) {
      const { request, name } = method.declaration;
      const body = exampleOf(documentedSchema(request, name)) as object;
      for (const headers of [{}, bearer]) {
        const sent = verb === "GET" || verb === "DELETE" ? { verb, headers } : { verb, headers, body };
        const answer = await walk.send(path.replace(/\{\w+\}/, "x"), sent);
        expect([path, answer.status >= 400, hasTokens(answer)]).toEqual([path, true, false]);
      }
    }
  });

  test("from the secret of any link, at any method that takes one", async () => {
    const owner = await newOwner(walk.nest);
    const invitation = async () => {
      await addUser(walk.nest, owner, {
        identifier_type: "email",
        identifier_value: ADA,
        password: undefined,
      });
      return secretIn(linkIn(walk.nest.lastMail(ADA)));
    };
    const links = {
      "magic link": () => walk.nest.emailedCode({ identifier_value: ADA, client_id: NATIVE }),
      "link with a token": () => walk.linkToken(NATIVE),
      "password reset": () => walk.resetToken(NATIVE),
      verification: async () => (await walk.verification(NATIVE, "link")).token,
      invitation,
      disown: () => walk.disownToken(),
    };
    for (const [kind, send] of Object.entries(links)) {
      walk.nest.clock.advance(61);
      const secret = await send();
      expect(secret, kind).toMatch(/[0-9a-f]{64}$/);
      const token = { client_id: NATIVE, token: secret };
      for (const [method, body] of [
        ["accept_account_invite", token],
        ["authenticate_user", { ...token, grant_type: "otp" }],
        ["authenticate_user", { client_id: NATIVE, grant_type: "authorization_code", code: secret }],
        ["check_verification", token],
        ["disown_session", { token: secret }],
        ["verify_identifier", token],
        ["reset_password", { ...token, password: P1 }],
      ] as const) {
        const answer = await walk.send(`${V3}${method}`, { body });
        expect([kind, method, hasTokens(answer)]).toEqual([kind, method, false]);
      }
    }
  });
});
