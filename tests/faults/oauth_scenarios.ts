import { type Scenario, signIn } from "#tests/faults/scenario.ts";
import type { TestNest } from "#tests/support/nest.ts";
import {
  callBack,
  codeToLink,
  linkAccount,
  newPerson,
  REDEEM_FIELDS,
  redeem,
  startBody,
  visit,
} from "#tests/support/oauth.ts";
import { V3 } from "#tests/support/plans.ts";

/** A person at the provider whose address is that of the scenario. */
const personOf = (email: string) => newPerson({ email });

/** A call of a user about accounts at providers. */
const byUser = (
  method: string,
  body: (nest: TestNest, bearer: string) => object | Promise<object>,
): Scenario => ({
  path: `${V3}${method}`,
  async prepare({ nest }, address) {
    const { access_token: bearer } = await signIn(nest, address);
    const asked = await body(nest, bearer);
    return () => nest.call(`${V3}${method}`, asked, { bearer });
  },
});

const redeems = (kind: string, prepare: (nest: TestNest, address: string) => Promise<unknown>): Scenario => ({
  path: `${V3}authenticate_user`,
  kind,
  async prepare({ nest }, address) {
    await prepare(nest, address);
    const { code } = await visit(nest, personOf(address));
    return () => redeem(nest, code);
  },
});

/** Sign-ins with accounts at OAuth providers, and their links. */
export const OAUTH_SCENARIOS: readonly Scenario[] = [
  {
    path: `${V3}list_oauth_providers`,
    prepare:
      async ({ nest }) =>
      () =>
        nest.call(`${V3}list_oauth_providers`, { client_id: REDEEM_FIELDS.client_id }),
  },
  {
    path: `${V3}start_oauth`,
    prepare:
      async ({ nest }) =>
      () =>
        nest.call(`${V3}start_oauth`, startBody()),
  },
  redeems("a new person at a provider", async () => {}),
  redeems("a person at a provider who joins", (nest, address) => signIn(nest, address)),
  byUser("list_oauth_identities", () => ({})),
  byUser("link_oauth", async (nest, bearer) => ({ ...REDEEM_FIELDS, code: await codeToLink(nest, bearer) })),
  byUser("unlink_oauth", async (nest, bearer) => ({ oauth_identity_id: await linkAccount(nest, bearer) })),
  {
    path: "/1/oauth/google/callback",
    async prepare({ nest }, address) {
      const person = personOf(address);
      return async () => {
        // A state is used up by its first answer: after a failure the person begins again, with a new one.
        const started = await nest.call(`${V3}start_oauth`, startBody());
        if (started.status !== 200) return started;
        const back = await callBack(nest, nest.oauth.visit(started.body.authorization_url, person));
        const status = back.code === null ? 503 : 200;
        const body = status === 200 ? {} : { code: "unavailable" };
        return {
          ...started,
          status,
          body,
          raw: JSON.stringify(body),
          headers: { ...started.headers, "retry-after": "1" },
        };
      };
    },
  },
];
