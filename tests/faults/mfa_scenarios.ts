import { machineOf, type Scenario } from "#tests/faults/scenario.ts";
import { appCode, createFactor, type Enrolled, enrol, firstStep, presentFactor } from "#tests/support/mfa.ts";
import { NATIVE, type Reply, type TestNest } from "#tests/support/nest.ts";
import { givePassword, P1, signInWith } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";

/** A call of a user who has an authenticator app. */
const enrolled = (
  method: string,
  callOf: (nest: TestNest, user: Enrolled, address: string) => Promise<() => Promise<Reply>>,
  kind?: string,
): Scenario => ({
  path: `${V3}${method}`,
  ...(kind && { kind }),
  async prepare({ nest }, address) {
    return callOf(nest, await enrol(nest, address), address);
  },
});

/** A user's session with both factors. */
async function bothFactors(nest: TestNest, { seed, factorId }: Enrolled, address: string): Promise<string> {
  const token = await firstStep(nest, address);
  const presented = { factor_id: factorId, code: appCode(seed, nest.clock.now()) };
  return (await presentFactor(nest, token, presented)).body.access_token;
}

/** A call of a session with both factors. */
const asOwner = (method: string, bodyOf: (user: Enrolled) => object): Scenario =>
  enrolled(method, async (nest, user, address) => {
    const bearer = await bothFactors(nest, user, address);
    return () => nest.call(`${V3}${method}`, bodyOf(user), { bearer });
  });

/** Calls of the methods of second factors. */
export const MFA_SCENARIOS: readonly Scenario[] = [
  {
    path: `${V3}create_mfa_factor`,
    async prepare({ nest }, address) {
      await givePassword(nest, address);
      const { body } = await signInWith(nest, address, P1, { device: machineOf(address) });
      return () => createFactor(nest, body);
    },
  },
  {
    path: `${V3}verify_mfa_factor`,
    async prepare({ nest }, address) {
      await givePassword(nest, address);
      const { body: tokens } = await signInWith(nest, address);
      const { body } = await createFactor(nest, tokens);
      const proof = { factor_id: body.factor_id, code: appCode(body.secret, nest.clock.now()) };
      return () => nest.call(`${V3}verify_mfa_factor`, proof, { bearer: tokens.access_token });
    },
  },
  enrolled(
    "authenticate_user",
    async (nest, { seed, factorId }, address) => {
      const token = await firstStep(nest, address);
      const presented = { factor_id: factorId, code: appCode(seed, nest.clock.now()) };
      return () => presentFactor(nest, token, presented);
    },
    "mfa",
  ),
  enrolled(
    "authenticate_user",
    async (nest, { recoveryCodes: [recovery_code] }, address) => {
      const token = await firstStep(nest, address);
      return () => presentFactor(nest, token, { recovery_code });
    },
    "recovery_code",
  ),
  asOwner("list_mfa_factors", () => ({})),
  asOwner("create_mfa_challenge", () => ({ client_id: NATIVE })),
  asOwner("remove_mfa_factor", ({ factorId: factor_id }) => ({ factor_id })),
  asOwner("regenerate_recovery_codes", () => ({})),
  {
    path: `${V3}send_mfa_code`,
    async prepare({ nest }, address) {
      const { userId } = await enrol(nest, address);
      const _id = `mfafac_${userId.slice("user_".length)}`;
      const [app] = await nest.gateway.core.mfaFactors.listActive(userId);
      if (!app) throw new Error("no factor");
      const { seed: _seed, ...rest } = app;
      await nest.gateway.core.mfaFactors.insert({
        ...rest,
        _id,
        factorType: "email",
        identifierValue: address,
      });
      const mfa_token = await firstStep(nest, address);
      return () => nest.call(`${V3}send_mfa_code`, { client_id: NATIVE, mfa_token, factor_id: _id });
    },
  },
];
