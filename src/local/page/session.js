/** Whoever is signed in, in this browser. */
import { call } from "/assets/api.js";

export const CLIENT = "client_000000C2kdCzNlbL1BqR5FeMatItU";
/** Answers to a refresh after which no other can succeed. Anything else, such as a lost network, may pass. */
const SIGNED_OUT = ["authorization_not_found", "not_found", "token_expired", "token_used", "unauthorized"];

let tokens = JSON.parse(localStorage.getItem("tokens") ?? "null");
let refreshing = null;

/** The tokens of whoever is signed in, or null. A refresh replaces them at any time. */
export const current = () => tokens;

export function keep(next) {
  tokens = next;
  if (next) localStorage.setItem("tokens", JSON.stringify(next));
  else localStorage.removeItem("tokens");
}

/** Gets new tokens; whoever asks meanwhile waits for the same. */
export function refresh() {
  refreshing ??= refreshNow().finally(() => {
    refreshing = null;
  });
  return refreshing;
}

async function refreshNow() {
  const grant = { client_id: CLIENT, grant_type: "refresh_token", refresh_token: tokens.refresh_token };
  try {
    keep(await call("2020-12-14", "authenticate_user", grant));
  } catch (error) {
    if (SIGNED_OUT.includes(error.code)) keep(null);
    throw error;
  }
}

/** Runs something; if the bearer is no longer good, it is refreshed once and the same is run again. */
export async function withBearer(work) {
  try {
    await work();
  } catch (error) {
    if (error.code !== "unauthorized" || !tokens) throw error;
    await refresh();
    await work();
  }
}

/** Calls a method about whoever is signed in. */
export const callAsUser = (version, method, rest = {}) =>
  call(version, method, { user_id: tokens.user_id, ...rest }, tokens.access_token);
