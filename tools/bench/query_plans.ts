import type { Db, Document } from "mongodb";
import type { Trips } from "#tools/bench/recording.ts";

/** How the database finds what a query asks for. */
export interface Plan {
  /** Such as `sessions {"userId"}`. */
  query: string;
  /** The index that narrows it; null where every document is looked at. */
  index: string | null;
}

/** The filters of recorded calls, each shape once. A write's filter is asked for as if it were a read's. */
function filtersOf(calls: readonly Trips[]): { collection: string; filter: Document }[] {
  const shapes = new Map<string, { collection: string; filter: Document }>();
  for (const command of calls.flat(2)) {
    const [, collection = ""] = Object.entries(command)[0] ?? [];
    const statements: Document[] = command.updates ?? command.deletes ?? [];
    const single = command.filter ?? command.query ?? command.pipeline?.[0]?.$match;
    for (const filter of [...statements.map(({ q }) => q), ...(single ? [single] : [])])
      shapes.set(`${collection} {${Object.keys(filter).join(", ")}}`, { collection, filter });
  }
  return [...shapes.values()];
}

/** Asks the database how it would find what recorded calls asked for. */
export async function explainQueries(database: Db, calls: readonly Trips[]): Promise<Plan[]> {
  const plans: Plan[] = [];
  for (const { collection, filter } of filtersOf(calls)) {
    const explained = await database.command({
      explain: { find: collection, filter },
      verbosity: "queryPlanner",
    });
    plans.push({
      query: `${collection} {${Object.keys(filter).join(", ")}}`,
      index: indexIn(explained.queryPlanner),
    });
  }
  return plans;
}

/**
 * The index in a plan, MongoDB's (`indexName`; `IDHACK` and its successors are `_id`) or PostgreSQL's under DocumentDB,
 * where a scan of a whole collection goes by the name of `_id` without a condition on it.
 */
export function indexIn(plan: unknown): string | null {
  if (plan === null || typeof plan !== "object") return null;
  const node = plan as Document;
  if (typeof node.stage === "string") {
    if (node.stage === "IDHACK" || node.stage.startsWith("EXPRESS")) return node.indexName ?? "_id_";
    if (node.stage === "IXSCAN") return node.indexName;
  }
  const name = node["Index Name"];
  if (typeof name === "string") {
    const condition = String(node["Index Cond"] ?? "");
    const narrows = name === "_id_" ? condition.includes("object_id") : condition.includes("document");
    return narrows ? name : null;
  }
  const inner = Array.isArray(plan)
    ? plan
    : Object.entries(node).flatMap(([key, value]) => (key === "rejectedPlans" ? [] : [value]));
  for (const child of inner) {
    const found = indexIn(child);
    if (found !== null) return found;
  }
  return null;
}
