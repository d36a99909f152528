import { hash } from "bcryptjs";
import { machineOf, newNumber, type Scenario, signIn } from "#tests/faults/scenario.ts";
import { digitsIn, redeemCode } from "#tests/support/codes.ts";
import { NATIVE, SIMPLE, type TestNest, WINDOWS } from "#tests/support/nest.ts";
import {
  askForReset,
  givePassword,
  P1,
  P2,
  register,
  registerFirst,
  resetPassword,
  sentReset,
  setPassword,
  signInWith,
} from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";

/** Registers an address with a password. @throws Error if that fails */
async function registered(nest: TestNest, address: string): Promise<void> {
  const { status, raw } = await register(nest, { identifier_value: address });
  if (status !== 200) throw new Error(`register_user answered ${status} ${raw}`);
}

/** A user with a proved address, an open session of another device, and a password. @returns the user's id */
async function withPassword(nest: TestNest, address: string): Promise<string> {
  await signIn(nest, address, { client_id: WINDOWS, device: machineOf(`other ${address}`) });
  return givePassword(nest, address);
}

/** Whether the person, who got no response, can go on: what the call does is complete. */
const isFinished = async (nest: TestNest, collection: string, filter: object) =>
  (await nest.collection(collection).findOne(filter)) !== null;

/** Sets a password with the secrets of a reset. */
const resets = (
  kind: string,
  prepare: (nest: TestNest, address: string) => Promise<unknown>,
  secretsOf: (sent: Awaited<ReturnType<typeof sentReset>>) => object,
): Scenario => ({
  path: `${V3}reset_password`,
  kind,
  async prepare({ nest }, address) {
    await prepare(nest, address);
    const secrets = secretsOf(await sentReset(nest, { identifier_value: address, client_id: NATIVE }));
    return () => resetPassword(nest, { client_id: NATIVE, ...secrets });
  },
});

/** Registrations, sign-ins with a password, and resets. */
export const PASSWORD_SCENARIOS: readonly Scenario[] = [
  {
    path: `${V3}register_user`,
    kind: "at once",
    prepare:
      async ({ nest }, address) =>
      async () => {
        const asked = { identifier_value: address, name: "Ada", phone_number: "+6591230000" };
        const reply = await register(nest, asked);
        if (reply.status !== 409) return reply;
        // The response was lost, and the registration went on to its end: the person signs in with the password.
        const complete = { identifierValue: address, registration: { $exists: false } };
        return (await isFinished(nest, "identifiers", complete)) ? { ...reply, status: 200 } : reply;
      },
  },
  {
    path: `${V3}register_user`,
    kind: "address first",
    prepare:
      async ({ nest }, address) =>
      () =>
        registerFirst(nest, { identifier_value: address }),
  },
  {
    path: `${V3}register_user`,
    kind: "known address",
    async prepare({ nest }, address) {
      await signIn(nest, address);
      return () => registerFirst(nest, { identifier_value: address });
    },
  },
  {
    path: `${V3}authenticate_user`,
    kind: "code of a registration",
    async prepare({ nest }, address) {
      const more = { name: "Ada", account_name: "A", phone_number: newNumber(), options: { send_sms: true } };
      const { body } = await registerFirst(nest, { identifier_value: address, ...more });
      const code = digitsIn(nest.lastMail(address).text);
      return () => redeemCode(nest, { nonce: body.verification.nonce, code }, { client_id: NATIVE });
    },
  },
  {
    path: `${V3}authenticate_user`,
    kind: "code of a registration, claimed address",
    async prepare({ nest }, address) {
      await registered(nest, address);
      const { body } = await registerFirst(nest, { identifier_value: address, password: P2 });
      const code = digitsIn(nest.lastMail(address).text);
      return () => redeemCode(nest, { nonce: body.verification.nonce, code }, { client_id: NATIVE });
    },
  },
  {
    path: `${V3}authenticate_user`,
    kind: "password",
    async prepare({ nest }, address) {
      await withPassword(nest, address);
      return () => signInWith(nest, address, P1, { device: { ...machineOf(address), device_id: "d" } });
    },
  },
  {
    path: `${V3}authenticate_user`,
    kind: "imported password",
    async prepare({ nest }, address) {
      const userId = await withPassword(nest, address);
      const imported = { hash: await hash(P1, 4), pepperId: null };
      await nest.gateway.core.passwords.acceptPresented(
        { userId, updatedAt: (await nest.gateway.core.passwords.findByUser(userId))?.updatedAt ?? "" },
        imported,
      );
      return () => signInWith(nest, address);
    },
  },
  {
    path: `${V3}send_password_reset`,
    async prepare({ nest }, address) {
      await registered(nest, address);
      return () => askForReset(nest, { identifier_value: address });
    },
  },
  {
    path: `${V3}send_password_reset`,
    kind: "unknown address",
    prepare:
      async ({ nest }, address) =>
      () =>
        askForReset(nest, { identifier_value: address }),
  },
  {
    path: `${V3}send_password_reset`,
    kind: "by SMS",
    async prepare({ nest }) {
      const number = { identifier_type: "phone", identifier_value: newNumber() };
      await register(nest, number);
      return () => askForReset(nest, number);
    },
  },
  {
    path: `${V3}create_password_reset`,
    async prepare({ nest }, address) {
      await registered(nest, address);
      const order = { client_id: SIMPLE, identifier_type: "email", identifier_value: address, deliver: true };
      return () => nest.call(`${V3}create_password_reset`, order, { internal: true });
    },
  },
  {
    path: `${V3}set_password`,
    async prepare({ nest }, address) {
      await withPassword(nest, address);
      const { body } = await signInWith(nest, address);
      nest.clock.advance(1);
      return () => setPassword(nest, body);
    },
  },
  {
    path: `${V3}set_password`,
    kind: "the first password, claimed address",
    async prepare({ nest }, address) {
      const { body } = await register(nest, { identifier_value: address, password: undefined });
      nest.clock.advance(1);
      return () => setPassword(nest, body, { current_password: undefined });
    },
  },
  resets("claimed address", registered, ({ token }) => ({ token })),
  resets("proved address", withPassword, ({ nonce, code }) => ({ nonce, code })),
];
