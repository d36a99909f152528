import { newSecret } from "#core/secrets.ts";
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
import type { Target } from "#tools/attacks/timing_target.ts";

const VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

type Call = (run: number) => Promise<unknown>;

/** Two kinds of call that a stranger could want to tell apart. */
export interface Pair {
  /** `first / second` */
  name: string;
  /** Makes what `count` calls of each need. */
  prepare(target: Target, count: number): Promise<[first: Call, second: Call]>;
}

/** Of one length, known and unknown alike. */
const addresses = (count: number) => Array.from({ length: count }, () => `${unique()}@example.com`);

const secrets = (count: number) => Array.from({ length: count }, newSecret);

const ask = (target: Target, address: string) =>
  target.post("/1/2020-12-14/send_magic_link", {
    client_id: CLIENT,
    redirect_uri: REDIRECT,
    state: "s",
    code_challenge_method: "S256",
    code_challenge: CHALLENGE,
    identifier_type: "email",
    identifier_value: address,
    device: { platform: "mac", beak_id: "stranger", fingerprint: "stranger" },
  });
const asking =
  (target: Target, list: readonly string[]): Call =>
  (run) =>
    ask(target, list[run] ?? "");

const redeem = (target: Target, code: string) =>
  target.post("/1/2020-12-14/authenticate_user", {
    client_id: CLIENT,
    grant_type: "authorization_code",
    redirect_uri: REDIRECT,
    code,
    code_verifier: VERIFIER,
  });

/** All but its last character. */
const nearly = (secret: string) => `${secret.slice(0, -1)}${secret.endsWith("0") ? "1" : "0"}`;

const wait = (ms: number) => {
  const until = performance.now() + ms;
  while (performance.now() < until);
};

export const pairs: readonly Pair[] = [
  {
    name: "control: unknown address / another unknown one",
    async prepare(target, count) {
      return [asking(target, addresses(count)), asking(target, addresses(count))];
    },
  },
  {
    name: "control: unknown address / one with 1 ms more",
    async prepare(target, count) {
      const slower = asking(target, addresses(count));
      return [
        asking(target, addresses(count)),
        async (run) => {
          wait(1);
          await slower(run);
        },
      ];
    },
  },
  {
    name: "link: unknown address / known one",
    async prepare(target, count) {
      const known = addresses(count);
      await makeKnown(target, known);
      return [asking(target, addresses(count)), asking(target, known)];
    },
  },
  {
    name: "link: unknown address / one that bounced today",
    async prepare(target, count) {
      const bounced = addresses(count);
      await makeBounced(target, bounced);
      return [asking(target, addresses(count)), asking(target, bounced)];
    },
  },
  {
    name: "code: a wrong key / one that is right but for its last digit",
    async prepare(target, count) {
      const { id, secret } = await makeCode(target);
      const wrong = secrets(count);
      return [
        (run) => redeem(target, `${id}.${wrong[run]}`),
        () => redeem(target, `${id}.${nearly(secret)}`),
      ];
    },
  },
  {
    name: "sign-out: unknown token / known one with a wrong secret",
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
    name: "internal key: a wrong one / one that is right but for its last digit",
    async prepare(target, count) {
      const wrong = secrets(count);
      const near = nearly(target.internalKey);
      const call = (key: string | undefined) =>
        target.post("/1/2021-10-06/get_user", { user_id: "x" }, { authorization: `internal ${key}` });
      return [(run) => call(wrong[run]), () => call(near)];
    },
  },
];
