import type { Db, Document } from "mongodb";
import type { Trips } from "#tools/bench/recording.ts";

/** How the database executes a query. */
export interface Plan {
  /** Such as `sessions {"userId"}`. */
  query: string;
  /** The index that it uses; null: it scans the whole collection. */
  index: string | null;
}

/** The filters of recorded calls, each shape once. Filters of writes are explained as reads. */
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

/** Explains the queries of recorded calls. */
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
 * The index of a query plan; null if it scans the collection. MongoDB names it in `indexName`, and `IDHACK` and `EXPRESS`
 * stages use `_id`. DocumentDB has PostgreSQL's plan, in which a full scan is a scan of the `_id` index without a condition.
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
