import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Method } from "#client/index.ts";
import { METHODS } from "#client/methods.ts";
import { asClient } from "#tests/packages/client/as_client.ts";
import { openApiDocument } from "#tests/support/declared.ts";
import type { Reply } from "#tests/support/nest.ts";
import { Asker, type Nests, startNests, WAYS } from "#tests/tools/openapi/provoke.ts";
import { errorExample } from "#tools/openapi/error_bodies.ts";
import { type DocumentedForm, formsOf } from "#tools/openapi/read.ts";

let nests: Nests;
beforeAll(async () => {
  nests = await startNests();
});
afterAll(() => nests.stop());

/** The keys and types of a value, recursively. All lists count as equal. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return "list";
  if (typeof value !== "object" || value === null) return typeof value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => one.localeCompare(other))
      .map(([key, inner]) => [key, shapeOf(inner)]),
  );
}

const forms = formsOf(openApiDocument);

/** Whether the typed client calls this form of the method. */
function isMethodOfClient(form: DocumentedForm): form is DocumentedForm & { name: Method } {
  return Object.hasOwn(METHODS, form.name) && forms.findLast(({ name }) => name === form.name) === form;
}

/** Asserts that the typed client turns the response into the matching error. */
async function expectClientError(method: Method, { status, headers, body }: Reply): Promise<void> {
  const reply = { status, headers, body, raw: JSON.stringify(body), cookies: [] };
  const error = await asClient(method, reply);
  // The client refreshes an invalid access token, and here the refresh gets the same response.
  if (body.code === "unauthorized" && METHODS[method].bearer) {
    expect(error).toMatchObject({ kind: "refresh_failed", cause: { code: "unauthorized" } });
    return;
  }
  const retryAfterSeconds = Number(headers["retry-after"]) || null;
  const { code, meta, reasons } = body;
  const requestId = headers["request-id"];
  expect({ ...error }).toMatchObject({ kind: "answer", code, status, requestId, retryAfterSeconds });
  expect(error.kind === "answer" && error.meta, "meta").toEqual(meta);
  expect(error.kind === "answer" && error.reasons, "reasons").toEqual(reasons);
}

describe.each(forms)("$name of $introduced", (form) => {
  const isDeprecated = form.operation.deprecated === true;
  const examples = Object.entries(form.requestExamples);
  const sent = form.paths.flatMap((path) => examples.map(([way, { value }]) => ({ path, way, value })));

  // `call` compares the response with the document.
  test.each(sent)("accepts its example ($way) at $path", async ({ path, value }) => {
    const asker = new Asker(nests, form);
    const { body, options, address } = await asker.ready(value);
    if (["get_subscription_status", "change_plan"].includes(form.name)) {
      nests.good.stripe.createSubscription({ email: address });
      await nests.good.deliverEvents();
    }
    if (form.name === "get_marketing_consent") {
      const choice = { user_id: body.user_id, level: "general" };
      await nests.good.call(path.replace("get_", "set_"), choice, options);
    }
    const reply = await nests.good.call(path, body, options);
    if (reply.status >= 300) expect(reply.body?.code).toBe(isDeprecated ? "deprecated" : undefined);
    expect(reply.status).toBe(isDeprecated ? 410 : form.response ? 200 : 204);
    if (form.response && !Array.isArray(reply.body)) {
      // A field that is not required may be missing, such as `user_created` in the response to a refresh token.
      const { required = [] } = form.response;
      const fields = Object.keys(reply.body);
      const isShown = (field: string) => required.includes(field) || fields.includes(field);
      const shown = Object.keys(form.responseExample as object).filter(isShown);
      expect(fields.sort()).toEqual(shown.sort());
    }
  });

  test.each(form.errors)("returns $status $code with the shape of its example", async ({ code, status }) => {
    const way = WAYS[`${form.name}:${code}`] ?? WAYS[code];
    if (!way)
      throw new Error(`tests/tools/openapi/provoke.ts cannot provoke ${code} of ${form.name}. Add it there.`);
    const reply = await way(new Asker(nests, form));
    expect({ status: reply.status, code: reply.body?.code }).toEqual({ status, code });
    expect(shapeOf(reply.body)).toEqual(shapeOf(errorExample(code)));
    if (isMethodOfClient(form)) await expectClientError(form.name, reply);
  });
});
