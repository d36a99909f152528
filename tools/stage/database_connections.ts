import { CALL_LIMIT_MS } from "#core/call.ts";
import type { DeployedFunction } from "#tools/stage/functions.ts";
import type { StageSettings } from "#tools/stage/settings.ts";

/** The driver keeps one monitoring connection to the primary in each instance, beside its pool. */
const MONITORING_CONNECTIONS = 1;

/** The settings that bound how many instances run at once. */
type Limits = Pick<StageSettings, "throttle" | "reservedConcurrency">;
type Functions = readonly Pick<DeployedFunction, "name" | "needs">[];

/**
 * The instances with a database connection that a flood of calls can start (docs/scale.md): those of functions without a
 * reservation, limited by the throttle or by the account, and the reserved instances of functions that use the database.
 * @param accountConcurrency Lambda's quota of the account
 */
export function mostInstances(
  { throttle, reservedConcurrency }: Limits,
  accountConcurrency: number,
  functions: Functions,
): number {
  const { requestsPerSecond, burst } = throttle;
  const reserved = Object.entries(reservedConcurrency);
  const sumOf = (some: typeof reserved) => some.reduce((sum, [, instances]) => sum + instances, 0);
  const usesDatabase = (name: string) =>
    functions.some((one) => one.name === name && "MONGODB_URI" in one.needs.variables);
  const byThrottle = Math.ceil((CALL_LIMIT_MS / 1000) * requestsPerSecond) + burst;
  const byAccount = Math.max(0, accountConcurrency - sumOf(reserved));
  return Math.min(byThrottle, byAccount) + sumOf(reserved.filter(([name]) => usesDatabase(name)));
}

/** The problem of a stage whose instances can use up the connections of its database; empty if it has none. */
export function connectionProblems(settings: StageSettings, functions: Functions): string[] {
  const { database } = settings;
  if (!database || database.connections === null) return [];
  const { connections, poolSize, accountConcurrency } = database;
  const instances = mostInstances(settings, accountConcurrency, functions);
  const most = instances * (poolSize + MONITORING_CONNECTIONS);
  if (most <= connections) return [];
  return [
    `throttle: a flood can start ${instances} instances, which open ${most} connections; the database accepts ` +
      `${connections}. Lower the throttle, as docs/scale.md describes`,
  ];
}
