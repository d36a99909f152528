/**
 * The URI with this database as its path; for null with the path it has, or `nest`. The path also says where the driver
 * looks for the user, so where the URI rests on that it is said in words before the path changes.
 */
export function withDatabase(uri: string, name: string | null): string {
  const [, scheme = "", server = "", path = "", query = ""] =
    /^(mongodb(?:\+srv)?:\/\/)([^/?]+)\/?([^?]*)\??(.*)$/.exec(uri) ?? [];
  const asked = new Map([...new URLSearchParams(query)].map(([key, value]) => [key.toLowerCase(), value]));
  // Other mechanisms look for nobody in the database; with mongodb+srv and a path, DNS may name the place.
  const restsOnPath =
    server.includes("@") &&
    !asked.has("authsource") &&
    (asked.get("authmechanism") ?? "SCRAM").startsWith("SCRAM") &&
    (path === "" || scheme === "mongodb://");
  const said = restsOnPath ? `authSource=${path || "admin"}` : "";
  const options = [query, said].filter((part) => part !== "").join("&");
  return `${scheme}${server}/${name ?? (path || "nest")}${options && `?${options}`}`;
}
