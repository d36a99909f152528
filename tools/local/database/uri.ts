/**
 * Replaces the database in a MongoDB URI. The driver authenticates against the URI's database unless `authSource` is set, so
 * `authSource` is added where the URI depends on that.
 * @param name the database; null keeps the URI's own, or uses `nest` if it has none
 */
export function withDatabase(uri: string, name: string | null): string {
  const [, scheme = "", server = "", path = "", query = ""] =
    /^(mongodb(?:\+srv)?:\/\/)([^/?]+)\/?([^?]*)\??(.*)$/.exec(uri) ?? [];
  const options = new Map([...new URLSearchParams(query)].map(([key, value]) => [key.toLowerCase(), value]));
  // Only SCRAM users are stored in a database. With mongodb+srv and a path, DNS may set authSource.
  const dependsOnPath =
    server.includes("@") &&
    !options.has("authsource") &&
    (options.get("authmechanism") ?? "SCRAM").startsWith("SCRAM") &&
    (path === "" || scheme === "mongodb://");
  const authSource = dependsOnPath ? `authSource=${path || "admin"}` : "";
  const newQuery = [query, authSource].filter((part) => part !== "").join("&");
  return `${scheme}${server}/${name ?? (path || "nest")}${newQuery && `?${newQuery}`}`;
}
