import { enrol, firstStep } from "#tests/support/mfa.ts";
import { type CallOptions, MAC, NATIVE, type Reply, type TestNest } from "#tests/support/nest.ts";
import { enrolPasskey, openCeremony } from "#tests/support/passkeys.ts";
import type { Asker } from "#tests/tools/openapi/provoke.ts";

type Body = Record<string, unknown>;

let users = 0;

/** What the grant `webauthn` presents for a new user. */
export async function readyPasskey(nest: TestNest): Promise<Body> {
  const { authenticator } = await enrolPasskey(nest, `passkey${++users}@example.com`);
  const { body } = await openCeremony(nest);
  const credential = authenticator.get(body.options);
  return { client_id: NATIVE, challenge_id: body.challenge_id, credential };
}

/** What opens a ceremony. */
export const readyCeremony = (body: Body): { body: Body; address: string; options: CallOptions } => ({
  ...{ body: { ...body, client_id: NATIVE }, address: "", options: {} },
});

type Provocation = (asker: Asker) => Promise<Reply>;

const authenticate = async (asker: Asker, change: Body): Promise<Reply> => {
  const { good } = asker.nests;
  const body = { grant_type: "webauthn", ...(await readyPasskey(good)), ...change };
  return good.call(asker.path, body);
};

/** Ways to provoke the errors of passkeys. */
export const PASSKEY_PROVOCATIONS: Readonly<Record<string, Provocation>> = {
  passkey_challenge_expired: (asker) => authenticate(asker, { challenge_id: "pkchal_none" }),
  passkey_failed: async (asker) => {
    const { challenge_id } = (await openCeremony(asker.nests.good)).body;
    // It signs another challenge.
    return authenticate(asker, { challenge_id });
  },
  "create_passkey_challenge:grant_not_allowed": (asker) => asker.send({ client_id: MAC }),
  "create_passkey_challenge:factor_not_found": async (asker) => {
    const address = `passkey${++users}@example.com`;
    await enrol(asker.nests.good, address);
    return asker.send({ mfa_token: await firstStep(asker.nests.good, address) });
  },
  "create_passkey_challenge:rate_limited": async (asker) => {
    await asker.send({}, {}, 0, asker.nests.strict);
    return asker.send({}, {}, 0, asker.nests.strict);
  },
};
