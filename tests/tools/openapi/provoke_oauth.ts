import { LINKED_LIMIT } from "#core/oauth/linked_identities.ts";
import type { CallOptions, Reply, TestNest } from "#tests/support/nest.ts";
import { REDIRECT } from "#tests/support/nest.ts";
import {
  codeToLink,
  linkAccount,
  newPerson,
  REDEEM_FIELDS,
  redeem,
  startBody,
  visit,
} from "#tests/support/oauth.ts";
import { register } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";
import type { Asker } from "#tests/tools/openapi/provoke.ts";

type Body = Record<string, unknown>;

/** The methods about accounts at OAuth providers. */
export const OAUTH_METHODS = [
  ...["list_oauth_providers", "start_oauth", "link_oauth", "list_oauth_identities", "unlink_oauth"],
];

let people = 0;
const signIn = ({ good }: Asker["nests"]) => good.signIn(`linker${++people}@example.com`);

/** Puts a code or a link of the caller in place of the samples. */
export async function readyForOAuth(
  nest: TestNest,
  method: string,
  example: Body,
): Promise<{ body: Body; address: string; options: CallOptions }> {
  const { access_token: bearer } = await nest.signIn(`linker${++people}@example.com`);
  const body = { ...example };
  if (method === "start_oauth") Object.assign(body, startBody());
  if (method === "link_oauth") Object.assign(body, REDEEM_FIELDS, { code: await codeToLink(nest, bearer) });
  if (method === "unlink_oauth") body.oauth_identity_id = await linkAccount(nest, bearer);
  if (method === "list_oauth_identities") delete body.user_id;
  const isPublic = method === "list_oauth_providers" || method === "start_oauth";
  return { body, address: "", options: isPublic ? {} : { bearer } };
}

/** The token of a user who signed in long ago. */
async function stale(nests: Asker["nests"]): Promise<CallOptions> {
  const { user_id, access_token: bearer } = await signIn(nests);
  const longAgo = { $set: { authTime: "2020-01-01T00:00:00.000Z" } };
  await nests.good.collection("sessions").updateMany({ userId: user_id }, longAgo);
  return { bearer };
}

type Provocation = (asker: Asker) => Promise<Reply>;
const twice = async (call: () => Promise<Reply>): Promise<Reply> => {
  await call();
  return call();
};

/** Ways to provoke the errors of methods about accounts at OAuth providers. */
export const OAUTH_PROVOCATIONS: Readonly<Record<string, Provocation>> = {
  provider_not_found: (asker) => asker.send({ provider: "none" }),
  oauth_identity_not_found: (asker) => asker.send({ oauth_identity_id: "oauthid_none" }),
  too_many_oauth_identities: async (asker) => {
    const { good } = asker.nests;
    const { user_id: userId, access_token: bearer } = await signIn(asker.nests);
    await linkAccount(good, bearer);
    const [first] = await good.gateway.core.oauthIdentities.listByUser(userId);
    if (!first) throw new Error("no account is linked");
    for (let number = 1; number < LINKED_LIMIT; number++) {
      const other = { _id: `oauthid_limit_${userId}_${number}`, subject: `limit ${userId} ${number}` };
      await good.gateway.core.oauthIdentities.link({ ...first, ...other, events: [] });
    }
    return asker.send({ code: await codeToLink(good, bearer) }, { bearer });
  },
  oauth_identity_taken: async (asker) => {
    const { good } = asker.nests;
    const person = newPerson();
    await redeem(good, (await visit(good, person)).code);
    const { access_token: bearer } = await signIn(asker.nests);
    return asker.send({ code: await codeToLink(good, bearer, person) }, { bearer });
  },
  "start_oauth:reauthentication_required": async (asker) =>
    asker.send({ intent: "link" }, await stale(asker.nests)),
  "start_oauth:rate_limited": (asker) => twice(() => asker.send({}, {}, 0, asker.nests.strict)),
  "link_oauth:reauthentication_required": async (asker) => asker.send({}, await stale(asker.nests)),
  "unlink_oauth:reauthentication_required": async (asker) => asker.send({}, await stale(asker.nests)),
  "link_oauth:malformed_code": (asker) => asker.send({ code: "abc" }),
  "link_oauth:verification_not_found": (asker) => asker.send({ code: "authzcode_none.oauth-none" }),
  "link_oauth:incorrect_redirect_uri": (asker) => asker.send({ redirect_uri: `${REDIRECT}other` }),
  "link_oauth:incorrect_code_verifier": (asker) => asker.send({ code_verifier: "b".repeat(43) }),
  "link_oauth:rate_limited": async (asker) => {
    const { access_token: bearer } = await signIn(asker.nests);
    return twice(() => asker.send({ code: "authzcode_none.oauth-none" }, { bearer }, 0, asker.nests.strict));
  },
  "link_oauth:identifier_not_verified": async ({ nests: { good } }) => {
    const { body } = await register(good, { identifier_value: `linker${++people}@example.com` });
    const bearer = body.access_token;
    const code = await codeToLink(good, bearer);
    return good.call(`${V3}link_oauth`, { ...REDEEM_FIELDS, code }, { bearer });
  },
  "unlink_oauth:last_sign_in_method": async ({ nests: { good } }) => {
    // Microsoft does not prove addresses, so the new user has none.
    const { code } = await visit(good, newPerson(), { start: { provider: "microsoft" } });
    const { body } = await redeem(good, code);
    const bearer = body.access_token;
    const { items } = (await good.call(`${V3}list_oauth_identities`, {}, { bearer })).body;
    return good.call(`${V3}unlink_oauth`, { oauth_identity_id: items[0].id }, { bearer });
  },
};
