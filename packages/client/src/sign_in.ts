import { CallFailure, ErrorAnswer } from "./errors.ts";
import type { LinkKeeper, PendingLink } from "./links.ts";
import type { Responses } from "./methods.ts";
import { findLink } from "./read_link.ts";
import type { StoredTokens, Tokens } from "./stored_tokens.ts";
import type { TokenKeeper } from "./tokens.ts";
import { SIGN_IN } from "./transport.ts";

const LOOKS = 10;
const LOOK_AGAIN_MS = 100;

/**
 * Signs in with the magic link in a text. The caller holds the lock of the store, so a link that is handed over twice
 * is redeemed once.
 * @param exchange sends the code of a link to Nest
 * @returns the tokens, and the flow of the link
 * @throws ClientError<"authenticate_user">; the store's errors: then the code was not sent, or the next call stores the
 *   tokens
 */
export async function redeemLink(
  tokens: TokenKeeper,
  links: LinkKeeper,
  text: string,
  exchange: (code: string, link: PendingLink) => Promise<Tokens>,
): Promise<{ tokens: Tokens; flow: "trial" | null }> {
  const before = await tokens.saved();
  const pending = await links.all();
  const last = before?.link_state ?? "";
  const found = findLink(text, [last, ...pending.map((link) => link.state)].reverse());
  if (!found) throw new CallFailure(SIGN_IN, "unknown_link");
  const { code, state, flow } = found;
  if (before && state === last) return { tokens: before, flow };
  // A code works only once. So a full store must be noticed before the code is sent.
  await tokens.probe();
  try {
    const link = pending.find((one) => one.state === state) as PendingLink;
    const fresh = { ...(await exchange(code, link)), link_state: state };
    await tokens.save(fresh, before?.refresh_token ?? "");
    // The user is signed in. A pending link that can't be removed now is removed within an hour.
    await links.replace(state).catch(() => undefined);
    return { tokens: fresh, flow };
  } catch (error) {
    const isUsed = error instanceof ErrorAnswer && error.code === "token_used";
    // Without a lock, another client of the store may have redeemed the link at the same time, and store its tokens now.
    for (let look = 1; isUsed && look <= LOOKS; look++) {
      const now = await tokens.current();
      if (now?.link_state === state) return { tokens: now, flow };
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
    throw error;
  }
}

/**
 * Signs in with the code that the mail of the newest link shows. The caller holds the lock of the store.
 * @param exchange sends the code to Nest
 * @throws ClientError<"authenticate_user">, of kind unknown_link if no link was requested with this store; the store's errors
 */
export async function redeemUserCode(
  keeper: TokenKeeper,
  links: LinkKeeper,
  exchange: (link: PendingLink) => Promise<Tokens>,
): Promise<Tokens> {
  const link = (await links.all()).filter(({ nonce }) => nonce).at(-1);
  if (!link) throw new CallFailure(SIGN_IN, "unknown_link");
  const tokens = await keepTokens(keeper, () => exchange(link));
  await links.replace(link.state).catch(() => undefined);
  return tokens;
}

interface MaybeTokens {
  access_token: string | null;
  refresh_token: string | null;
}

/**
 * Adds the stored refresh token to a response that has none, because its session keeps it: a second factor made the session fresh.
 * A response about another session than the stored one stays as it is.
 */
export async function withOwnRefreshToken(
  keeper: TokenKeeper,
  answer: Responses["authenticate_user"],
): Promise<Responses["authenticate_user"]> {
  const own = answer.refresh_token === null ? await keeper.current() : null;
  return own?.session_id === answer.session_id ? { ...answer, refresh_token: own.refresh_token } : answer;
}

/** Whether a response has tokens. A registration that waits for a code has none. */
export const areTokens = (answer: MaybeTokens): answer is Tokens =>
  answer.access_token !== null && answer.refresh_token !== null;

/**
 * Signs in and stores the tokens of the response, if it has any. The caller holds the lock of the store.
 * @throws ClientError of the method; the store's errors: then nothing was sent, or the next call stores the tokens
 */
export async function keepTokens<Answer extends MaybeTokens>(
  keeper: TokenKeeper,
  exchange: () => Promise<Answer>,
): Promise<Answer> {
  const before = await keeper.saved();
  await keeper.probe();
  const answer = await exchange();
  if (areTokens(answer)) {
    const isSame = before?.session_id === answer.session_id;
    const tokens: StoredTokens = isSame ? { ...answer, link_state: before.link_state } : answer;
    await keeper.save(tokens, before?.refresh_token ?? "");
  }
  return answer;
}
