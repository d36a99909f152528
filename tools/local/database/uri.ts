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

/** The host and port in a URI of one server. */
export function serverOf(uri: string): { host: string; port: number } {
  const { hostname, port } = new URL(uri.replace(/^mongodb/, "http"));
  return { host: hostname, port: Number(port) };
}

/** Adds options to a MongoDB URI that has a path. */
export const withOptions = (uri: string, options: Record<string, string>) =>
  `${uri}${uri.includes("?") ? "&" : "?"}${new URLSearchParams(options)}`;

/**
 * The URI of the same database through a proxy on this machine. The driver must not use the address that the server
 * reports.
 */
export function throughProxy(uri: string, port: number): string {
  const changed = new URL(uri.replace(/^mongodb/, "http"));
  changed.hostname = "127.0.0.1";
  changed.port = String(port);
  return withOptions(changed.href.replace(/^http/, "mongodb"), { directConnection: "true" });
}
