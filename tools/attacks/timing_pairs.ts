import { newSecret } from "#core/secrets.ts";
import { accountPairs } from "#tools/attacks/account_pairs.ts";
import {
  CHALLENGE,
  CLIENT,
  makeBounced,
  makeCode,
  makeKnown,
  makeRefreshToken,
  REDIRECT,
  unique,
} from "#tools/attacks/timing_fixtures.ts";
import { addresses, type Call, type Pair, takeMs } from "#tools/attacks/timing_pair.ts";
import type { Target } from "#tools/attacks/timing_target.ts";

const VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

const secrets = (count: number) => Array.from({ length: count }, newSecret);

const requestLink = (
  target: Target,
  address: string,
  method = "2020-12-14/send_magic_link",
  device = "stranger",
) =>
  target.post(`/1/${method}`, {
    client_id: CLIENT,
    redirect_uri: REDIRECT,
    state: "s",
    code_challenge_method: "S256",
    code_challenge: CHALLENGE,
    identifier_type: "email",
    identifier_value: address,
    device: { platform: "mac", beak_id: device, fingerprint: device },
  });
/** Requests a trial on a device that only this address uses. */
const requestTrial = (target: Target, address: string) =>
  requestLink(target, address, "2021-10-06/create_trial_and_magic_link", address);
const requestLinks =
  (target: Target, list: readonly string[]): Call =>
  (run) =>
    requestLink(target, list[run] ?? "");

const redeem = (target: Target, code: string) =>
  target.post("/1/2020-12-14/authenticate_user", {
    client_id: CLIENT,
    grant_type: "authorization_code",
    redirect_uri: REDIRECT,
    code,
    code_verifier: VERIFIER,
  });

/** The secret with its last character changed. */
const withLastChanged = (secret: string) => `${secret.slice(0, -1)}${secret.endsWith("0") ? "1" : "0"}`;

export const pairs: readonly Pair[] = [
  {
    name: "control: unknown address / another unknown address",
    async prepare(target, count) {
      return [requestLinks(target, addresses(count)), requestLinks(target, addresses(count))];
    },
  },
  {
    name: "control: unknown address / unknown address, 1 ms slower",
    async prepare(target, count) {
      const slower = requestLinks(target, addresses(count));
      return [
        requestLinks(target, addresses(count)),
        async (run) => {
          takeMs(1);
          await slower(run);
        },
      ];
    },
  },
  {
    name: "link: unknown address / known address",
    async prepare(target, count) {
      const known = addresses(count);
      await makeKnown(target, known);
      return [requestLinks(target, addresses(count)), requestLinks(target, known)];
    },
  },
  {
    name: "link: unknown address / address that bounced today",
    async prepare(target, count) {
      const bounced = addresses(count);
      await makeBounced(target, bounced);
      return [requestLinks(target, addresses(count)), requestLinks(target, bounced)];
    },
  },
  {
    name: "trial: address without a trial / address whose trial nobody has used",
    async prepare(target, count) {
      const [fresh, open] = [addresses(count), addresses(count)];
      for (const address of open) await requestTrial(target, address);
      return [
        (run) => requestTrial(target, fresh[run] ?? ""),
        (run) => requestTrial(target, open[run] ?? ""),
      ];
    },
  },
  ...accountPairs,
  {
    name: "code: wrong secret / secret with only its last digit wrong",
    async prepare(target, count) {
      const { id, secret } = await makeCode(target);
      const wrong = secrets(count);
      return [
        (run) => redeem(target, `${id}.${wrong[run]}`),
        () => redeem(target, `${id}.${withLastChanged(secret)}`),
      ];
    },
  },
  {
    name: "sign-out: unknown token id / known token id with a wrong secret",
    async prepare(target, count) {
      const id = await makeRefreshToken(target);
      const wrong = secrets(count);
      const unknown = wrong.map(() => `reftok_${unique()}`);
      const out = (of: string | undefined, run: number) =>
        target.post("/1/2021-10-06/revoke_token", {
          client_id: CLIENT,
          refresh_token: `01.${of}.${wrong[run]}`,
        });
      return [(run) => out(unknown[run], run), (run) => out(id, run)];
    },
  },
  {
    name: "internal key: wrong key / key with only its last digit wrong",
    async prepare(target, count) {
      const wrong = secrets(count);
      const near = withLastChanged(target.internalKey);
      const call = (key: string | undefined) =>
        target.post("/1/2021-10-06/get_user", { user_id: "x" }, { authorization: `internal ${key}` });
      return [(run) => call(wrong[run]), () => call(near)];
    },
  },
];
