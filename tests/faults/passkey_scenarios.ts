import { machineOf, type Scenario } from "#tests/faults/scenario.ts";
import { firstStep, presentFactor } from "#tests/support/mfa.ts";
import type { Reply, TestNest } from "#tests/support/nest.ts";
import {
  Authenticator,
  addPasskey,
  enrolPasskey,
  openCeremony,
  type PasskeyOwner,
  redeemPasskey,
  verifyPasskey,
} from "#tests/support/passkeys.ts";
import { givePassword, P1, signInWith } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";

/** A call of a user who has a passkey. */
const enrolled = (
  method: string,
  kind: string,
  callOf: (nest: TestNest, owner: PasskeyOwner) => Promise<() => Promise<Reply>>,
): Scenario => ({
  ...{ path: `${V3}${method}`, kind },
  async prepare({ nest }, address) {
    return callOf(nest, await enrolPasskey(nest, address));
  },
});

/** A user with a password who adds a passkey. */
async function newUser(nest: TestNest, address: string) {
  await givePassword(nest, address);
  return (await signInWith(nest, address, P1, { device: machineOf(address) })).body;
}

/** Calls that make and use passkeys. */
export const PASSKEY_SCENARIOS: readonly Scenario[] = [
  {
    ...{ path: `${V3}create_mfa_factor`, kind: "passkey" },
    async prepare({ nest }, address) {
      const tokens = await newUser(nest, address);
      return () => addPasskey(nest, tokens);
    },
  },
  {
    ...{ path: `${V3}verify_mfa_factor`, kind: "passkey" },
    async prepare({ nest }, address) {
      const tokens = await newUser(nest, address);
      const { body } = await addPasskey(nest, tokens);
      const made = new Authenticator().create(body.passkey_options);
      return () => verifyPasskey(nest, tokens, body.factor_id, made);
    },
  },
  {
    path: `${V3}create_passkey_challenge`,
    prepare:
      async ({ nest }) =>
      () =>
        openCeremony(nest),
  },
  enrolled("create_passkey_challenge", "second_factor", async (nest, { address }) => {
    const mfa_token = await firstStep(nest, address);
    return () => openCeremony(nest, { mfa_token });
  }),
  enrolled("authenticate_user", "webauthn", async (nest, { authenticator }) => {
    const { body } = await openCeremony(nest);
    const signed = authenticator.get(body.options, { counter: 1 });
    return () => redeemPasskey(nest, body.challenge_id, signed);
  }),
  enrolled("authenticate_user", "mfa_passkey", async (nest, { address, authenticator }) => {
    const token = await firstStep(nest, address);
    const { body } = await openCeremony(nest, { mfa_token: token });
    const credential = authenticator.get(body.options, { counter: 1 });
    return () => presentFactor(nest, token, { credential });
  }),
];
