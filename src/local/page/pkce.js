/** PKCE (RFC 7636) and state, kept until the link comes back: state is the key to the verifier. */
const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

/** A new pair with its state, remembered for this browser. */
export async function beginLink() {
  const verifier = random();
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  const state = random();
  localStorage.setItem(`verifier:${state}`, verifier);
  return { state, challenge: base64url(new Uint8Array(digest)) };
}

/** The verifier of a state, or null if this browser did not ask for it. */
export const verifierOf = (state) => localStorage.getItem(`verifier:${state}`);
export const forgetLink = (state) => localStorage.removeItem(`verifier:${state}`);

/** What this browser calls itself, as the app names a machine. */
export function device() {
  const beakId = localStorage.getItem("beak_id") ?? changeMachine();
  return { platform: "mac", beak_id: beakId, fingerprint: `page-${beakId.slice(0, 16)}` };
}

/** From now on this browser is another machine, which has had no trial. */
export function changeMachine() {
  const beakId = random();
  localStorage.setItem("beak_id", beakId);
  return beakId;
}
