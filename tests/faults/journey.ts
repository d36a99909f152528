import { setTimeout as wait } from "node:timers/promises";
import { codeIn, linkRequest, type Reply, type TestNest, type Tokens, V1, V2 } from "#tests/support/nest.ts";

/** An accepted call, with a check that its effect is stored. */
export interface Claim {
  says: string;
  holds(): Promise<boolean>;
}

type Note = (answer: string, claim: Claim | null) => void;

/** Delay of the app before it retries after a 5xx. */
const RETRY_MS = 200;

/**
 * Repeats the journey of a user until `isOver`: request a link, sign in, refresh, set marketing consent, start a trial,
 * sign out. Each call that succeeds is recorded as a claim.
 */
export async function runJourneys(
  nest: TestNest,
  name: string,
  note: Note,
  isOver: () => boolean,
): Promise<void> {
  for (let turn = 0; !isOver(); turn++) await runJourney(nest, `${name}.${turn}@example.com`, note, isOver);
}

async function runJourney(nest: TestNest, address: string, note: Note, isOver: () => boolean): Promise<void> {
  const device = { platform: "mac", beak_id: `b ${address}`, fingerprint: `f ${address}` };
  const asked = linkRequest({ identifier_value: address, device });
  const get = (path: string, user_id: string) => nest.call(path, { user_id }, { internal: true });

  /** Calls until the call succeeds or the test is over. */
  const retryUntilAccepted = async (
    says: string,
    call: () => Promise<Reply>,
    holds: (reply: Reply) => Promise<boolean>,
  ) => {
    while (!isOver()) {
      const reply = await call();
      const isAccepted = reply.status < 300;
      const claim = { says: `${says} of ${address}`, holds: () => holds(reply) };
      note(
        isAccepted ? String(reply.status) : `${reply.status} ${reply.body.code}`,
        isAccepted ? claim : null,
      );
      if (isAccepted) return reply;
      // A code that was redeemed while the database failed can be redeemed again after 5 s.
      await wait(reply.status >= 500 ? RETRY_MS : RETRY_MS * 5);
    }
    return null;
  };

  const link = await retryUntilAccepted(
    "a link",
    () => nest.call(`${V1}send_magic_link`, asked),
    async () => (await nest.collection("authorizations").countDocuments({ identifierValue: address })) > 0,
  );
  if (!link) return;
  const mail = nest.ses.inbox.findLast(({ to }) => to === address);
  if (!mail) throw new Error(`no mail for ${address}`);
  /** A sign-out that was tried and did not succeed may have had an effect. */
  let signedOut: "no" | "perhaps" | "yes" = "no";
  const isAsSignedOut = (isOut: boolean) => signedOut === "perhaps" || isOut === (signedOut === "yes");
  const signedIn = await retryUntilAccepted(
    "a sign-in",
    () => nest.redeem(codeIn(mail)),
    async ({ body }) => isAsSignedOut((await get(`${V2}list_sessions`, body.user_id)).body.length === 0),
  );
  if (!signedIn) return;
  const { user_id, refresh_token, client_id } = signedIn.body as Tokens;
  let newest = signedIn.body as Tokens;
  const refreshed = await retryUntilAccepted(
    "a refresh",
    () => nest.refresh(refresh_token),
    async ({ body }) => {
      const bearer = { bearer: body.access_token };
      const { status } = await nest.call(`${V2}get_user`, { user_id }, bearer);
      return isAsSignedOut(status === 401);
    },
  );
  if (!refreshed) return;
  newest = refreshed.body as Tokens;
  const chosen = await retryUntilAccepted(
    "a choice",
    () =>
      nest.call(`${V1}set_marketing_consent`, { user_id, level: "general" }, { bearer: newest.access_token }),
    async () => (await get(`${V1}get_marketing_consent`, user_id)).body.level === "general",
  );
  if (!chosen) return;
  const trial = await retryUntilAccepted(
    "a trial",
    () => nest.call(`${V2}create_trial_and_magic_link`, asked),
    async () => (await get(`${V2}get_subscription_status`, user_id)).body.status === "trialing",
  );
  if (!trial) return;
  signedOut = "perhaps";
  const out = await retryUntilAccepted(
    "a sign-out",
    () => nest.call(`${V2}revoke_token`, { client_id, refresh_token: newest.refresh_token }),
    async () => (await nest.refresh(newest.refresh_token)).body.code === "authorization_not_found",
  );
  if (out) signedOut = "yes";
}
