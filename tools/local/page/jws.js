const decode = (part) =>
  JSON.parse(
    new TextDecoder().decode(
      Uint8Array.from(atob(part.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0)),
    ),
  );

/** Decodes the header and claims of a JWS without verifying its signature. */
export function decodeJws(token) {
  const [header, claims] = token.split(".").slice(0, 2).map(decode);
  return { header, claims };
}
