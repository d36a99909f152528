/** Requests to the local stack's own API under /dev. No deployed API has it. */
const EXPLANATIONS = {
  not_found: "Stripe no longer has this object.",
  unavailable: "The database does not respond. Check the output of npm start.",
};

/** Sends a request to `/dev<path>`. Returns parsed JSON, or undefined for an empty body. Throws an Error to display. */
export async function callDevApi(method, path, body) {
  const response = await fetch(`/dev${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const answer = text === "" ? undefined : JSON.parse(text);
  if (response.ok) return answer;
  const { code, meta } = answer;
  throw new Error(`${meta?.message ?? EXPLANATIONS[code] ?? "The request failed."} (${code})`);
}
