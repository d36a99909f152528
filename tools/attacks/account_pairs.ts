import { CLIENT, makeKnown, makeSecretive, REDIRECT, signInAll } from "#tools/attacks/timing_fixtures.ts";
import { addresses, type Call, type Pair } from "#tools/attacks/timing_pair.ts";
import { SAMPLE_CLIENT_IDS } from "#tools/local/sample_clients.ts";

/** No known breach has it, so that the call takes all of its steps. */
const PASSWORD = "correct horse battery staple 7";

/** Calls that must not tell whether an address has an account, or a password. */
export const accountPairs: readonly Pair[] = [
  ...(
    [
      ["registration that proves the address first", "register_user", { password: PASSWORD }],
      ["password reset", "send_password_reset", { redirect_uri: REDIRECT }],
      ["code by mail", "send_otp", {}],
    ] as const
  ).map(
    ([what, method, more]): Pair => ({
      name: `${what}: unknown address / known address`,
      async prepare(target, count) {
        const known = addresses(count);
        await makeKnown(target, known);
        const call =
          (list: readonly string[]): Call =>
          (run) =>
            target.post(`/1/2026-12-01/${method}`, {
              ...{
                client_id: SAMPLE_CLIENT_IDS.native,
                identifier_type: "email",
                identifier_value: list[run],
              },
              ...more,
            });
        return [call(addresses(count)), call(known)];
      },
    }),
  ),
  ...(
    [
      ["unknown address", async () => undefined],
      ["address without a password", makeKnown],
    ] as const
  ).map(
    ([what, prepare]): Pair => ({
      name: `wrong password: ${what} / address with a password`,
      async prepare(target, count) {
        const [without, having] = [addresses(count), addresses(count)];
        await prepare(target, without);
        await makeSecretive(target, having, PASSWORD);
        const call =
          (list: readonly string[]): Call =>
          (run) =>
            target.post("/1/2026-12-01/authenticate_user", {
              ...{
                client_id: SAMPLE_CLIENT_IDS.native,
                grant_type: "password",
                password: "a wrong passphrase",
              },
              ...{ identifier_type: "email", identifier_value: list[run] },
            });
        return [call(without), call(having)];
      },
    }),
  ),
  {
    name: "address that a user adds: unknown address / another user's address",
    async prepare(target, count) {
      const [unknown, known] = [addresses(count), addresses(count)];
      await makeKnown(target, known);
      const tokens = await signInAll(target, addresses(2 * count));
      const call =
        (list: readonly string[], from: number): Call =>
        (run) =>
          target.post(
            "/1/2026-12-01/send_verification",
            { client_id: CLIENT, identifier_type: "email", identifier_value: list[run] },
            { authorization: `bearer ${tokens[from + run]}` },
          );
      return [call(unknown, 0), call(known, count)];
    },
  },
];
