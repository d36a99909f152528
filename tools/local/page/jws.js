const decode = (part) =>
  JSON.parse(
    new TextDecoder().decode(
      Uint8Array.from(atob(part.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0)),
    ),
  );

/** Header and claims of a JWS, not verified. */
export function decodeJws(token) {
  const [header, claims] = token.split(".").slice(0, 2).map(decode);
  return { header, claims };
}
