import { numbers } from "#tools/bench/fill_database.ts";
import type { Runner } from "#tools/bench/runner.ts";
import { userOf } from "#tools/bench/users.ts";

export interface PeerCall {
  verb?: string;
  path: string;
  body?: object;
  /** The caller's IP address. */
  ip?: string;
  cookie?: string;
}

/** A user who is signed in to better-auth. */
export interface Member {
  address: string;
  cookie: string;
}

/** The flows that Nest and better-auth share. */
export type FlowName =
  | "request a link"
  | "redeem the link"
  | "refresh the session"
  | "get the user"
  | "subscription status";

export interface Flow {
  name: FlowName;
  nest: string;
  /** Whether each read of a session renews it. */
  renews?: boolean;
  /** Prepares the calls to better-auth. The preparation is not timed. */
  peer(runner: Runner, members: readonly Member[]): Promise<PeerCall[]>;
}

const requestLink = ({ address }: { address: string }): PeerCall => ({
  verb: "POST",
  path: "/sign-in/magic-link",
  body: { email: address },
});

async function redemptions(runner: Runner, members: readonly { address: string }[]): Promise<PeerCall[]> {
  const { answers } = await runner.run(members.map(requestLink), 8, { withAnswers: true });
  return answers.map(({ token }) => ({ path: `/magic-link/verify?token=${token}` }));
}

const read = (path: string) => async (_runner: Runner, members: readonly Member[]) =>
  members.map(({ cookie }) => ({ path, cookie }));

export const FLOWS: readonly Flow[] = [
  {
    name: "request a link",
    nest: "send_magic_link",
    peer: async (_runner, members) => members.map(requestLink),
  },
  { name: "redeem the link", nest: "authenticate_user, code, known user", peer: redemptions },
  {
    name: "refresh the session",
    nest: "authenticate_user, refresh",
    renews: true,
    peer: read("/get-session"),
  },
  { name: "get the user", nest: "get_user", peer: read("/get-session") },
  {
    name: "subscription status",
    nest: "get_subscription_status 2020-12-14",
    peer: read("/subscription/list"),
  },
];

/** Signs users up to better-auth, each with a subscription. */
export async function signUp(peer: Runner, count: number): Promise<Member[]> {
  const addresses = numbers(count).map((number) => ({ address: userOf(number).address }));
  const { answers } = await peer.run(await redemptions(peer, addresses), 8, { withAnswers: true });
  await peer.run(
    answers.map(({ userId }, number) => ({ subscribe: { userId, number } })),
    8,
  );
  const members = addresses.map(({ address }, number) => ({
    address,
    cookie: String(answers[number]?.cookie),
  }));
  const listed = await peer.run(await read("/subscription/list")(peer, members.slice(0, 1)), 1, {
    withAnswers: true,
  });
  if (listed.answers[0]?.found !== 1)
    throw new Error("better-auth does not list the subscription that was stored for it.");
  return members;
}
