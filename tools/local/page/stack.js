/** What the page asks of the local stack itself, and no app ever could. */
const EXPLANATIONS = {
  not_found: "Stripe does not have it any more.",
  unavailable: "The database does not answer.",
};

/** Answers JSON, undefined for nothing. Throws an Error that can be shown. */
export async function askStack(method, path, body) {
  const response = await fetch(`/dev${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const answer = text === "" ? undefined : JSON.parse(text);
  if (response.ok) return answer;
  const { code, meta } = answer;
  throw new Error(`${meta?.message ?? EXPLANATIONS[code] ?? "That did not work."} (${code})`);
}
