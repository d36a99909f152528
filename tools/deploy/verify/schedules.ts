import { isDeepStrictEqual } from "node:util";
import type { Rehearsal } from "#tools/deploy/verify/rehearsal.ts";
import type { DeployedFunction } from "#tools/stage/functions.ts";

interface Rule {
  Name: string;
  State: string;
  ScheduleExpression?: string;
}

interface Target {
  Arn: string;
  Input?: string;
}

/**
 * Checks the rule of each job in moto's EventBridge, and invokes the function of its target with its event, as
 * EventBridge would. moto sends no scheduled events.
 * @throws Error with the first difference
 */
export async function checkSchedules(
  { api, moto, settings }: Pick<Rehearsal, "api" | "moto" | "settings">,
  functions: readonly DeployedFunction[],
): Promise<string> {
  const ask = <Answer>(action: string, request: object) =>
    askEventBridge<Answer>(`${moto.url}/`, settings.region, { action, request });
  const { Rules } = await ask<{ Rules: Rule[] }>("ListRules", {});
  const scheduled = Rules.filter(({ ScheduleExpression }) => ScheduleExpression);
  const targets = await Promise.all(
    scheduled.map(async ({ Name, State, ScheduleExpression }) => {
      const { Targets } = await ask<{ Targets: Target[] }>("ListTargetsByRule", { Rule: Name });
      const [{ Arn, Input = "" } = { Arn: "" }, ...others] = Targets;
      const name = Arn.split(":").at(-1) ?? "";
      return { name, state: State, expression: ScheduleExpression, event: JSON.parse(Input), others };
    }),
  );
  const expected = functions.flatMap(({ name, schedule }) =>
    schedule ? [{ name: `nest-nonprod-${name}`, state: "ENABLED", ...schedule, others: [] }] : [],
  );
  const byName = (one: { name: string }, other: { name: string }) => (one.name < other.name ? -1 : 1);
  if (!isDeepStrictEqual(targets.sort(byName), expected.sort(byName)))
    throw new Error(`found ${JSON.stringify(targets)}, expected ${JSON.stringify(expected)}`);
  const outcomes = [];
  for (const { name, event } of targets) outcomes.push(JSON.stringify(await api.invoke(name, event)));
  return `${targets.length}: ${outcomes.join(", ")}`;
}

/** Calls moto's EventBridge, which checks no signature: it only reads the service from the credential's scope. */
async function askEventBridge<Answer>(
  url: string,
  region: string,
  { action, request }: { action: string; request: object },
): Promise<Answer> {
  const credential = `rehearsal/20260101/${region}/events/aws4_request`;
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": `AWSEvents.${action}`,
      authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host, Signature=0`,
    },
    body: JSON.stringify(request),
  });
  if (!response.ok) throw new Error(`${action} answered ${response.status} ${await response.text()}`);
  return (await response.json()) as Answer;
}
