import type { Stage } from "#core/app/app.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";

/** A random state, such as apps send. */
const PLAIN_STATE = /^[A-Za-z0-9_-]{1,64}$/;

/** The parts of a magic link's URL. */
export interface LinkParts {
  redirectUri: string;
  /** Id and secret, joined by a dot. */
  code: string;
  state: string;
  /** The caller has an internal key, so its `state` is not a stranger's text. */
  isInternal: boolean;
  /** The link opens the first steps of a trial. */
  isTrial: boolean;
}

/** Returns the URL in the mail. It ends in a letter or digit, unless a plain state ends in `-` or `_`. */
export function magicLinkUrl({ redirectUri, code, state, isInternal, isTrial }: LinkParts): string {
  const flow = isTrial ? "&flow=trial" : "";
  return `${redirectUri}?code=${code}&state=${encodeState(state, isInternal)}${flow}`;
}

/** The parts of a URL with a token. */
export interface TokenLink {
  redirectUri: string;
  client: Pick<OAuthClient, "id" | "linkQuery">;
  /** 64 hex characters. */
  token: string;
  /** What the page does with the token. */
  flow: "verify_identifier" | "reset_password" | "sign_in" | "account_invite";
  stage: Stage;
}

/** Where a link with the token in its path leads, below the redirect URI. Other flows have the usual query. */
const PATHS: Readonly<Partial<Record<TokenLink["flow"], string>>> = {
  sign_in: "login/magic",
  reset_password: "password/reset",
  verify_identifier: "email/verify",
};

/** Returns the URL of a page that sends a token to the API. It names no address, because URLs are logged. */
export function tokenUrl({ redirectUri, client, token, flow, stage }: TokenLink): string {
  const path = client.linkQuery === "path" ? PATHS[flow] : undefined;
  if (path !== undefined) return `${redirectUri}/${path}/${token}?client_id=${client.id}`;
  // The app's own page serves every stage.
  const ofStage = stage === "nonprod" ? "&stage=nonprod" : "";
  return `${redirectUri}?token=${token}&flow=${flow}&client_id=${client.id}${ofStage}`;
}

/**
 * Returns the URL of a sign-in link for programs that expect `code` and `email`. Both are encoded, because the original's
 * link loses a plus sign.
 */
export const codeAndEmailUrl = (redirectUri: string, token: string, address: string): string =>
  `${redirectUri}?code=${token}&email=${encodeURIComponent(address)}`;

/**
 * Encodes a state for a URL in a mail. Anybody can request a mail to any address, and the caller chooses the state. So
 * every byte of a state is percent-encoded, unless the state is a plain token. The mail then shows no sentence, no
 * phone number and no test string of a spam filter (contract 1.7). Decoding restores the state.
 */
function encodeState(state: string, isInternal: boolean): string {
  if (PLAIN_STATE.test(state)) return state;
  // Programs that find links in plain text cut off punctuation at the end.
  if (isInternal) return encodeURIComponent(state).replace(/[!'()*.~]/g, encodeBytes);
  return encodeBytes(state);
}

const encodeBytes = (text: string) =>
  Array.from(Buffer.from(text), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
