/** A response of the deployed API. */
interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: each caller knows the method's response
  body: any;
}

/**
 * Calls a method of the deployed API.
 * @param path such as `/1/2026-12-01/get_user`
 */
export async function ask(apiUrl: string, path: string, body: object, bearer?: string): Promise<Answer> {
  const answer = await fetch(`${apiUrl}${path}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(bearer !== undefined && { authorization: `bearer ${bearer}` }),
    },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === "" ? null : JSON.parse(text) };
}

/**
 * As `ask`, and returns the body.
 * @throws Error unless the method succeeds
 */
export async function call(
  apiUrl: string,
  path: string,
  body: object,
  bearer?: string,
): Promise<Answer["body"]> {
  const answer = await ask(apiUrl, path, body, bearer);
  if (answer.status >= 300)
    throw new Error(`${path} answered ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}
