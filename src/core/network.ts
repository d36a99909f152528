/**
 * The network an address belongs to for rate limits and refresh grace: an IPv4 address itself, an IPv6 address'
 * first 64 bits, since one subscriber holds at least that many (contract 1.2).
 */
export function networkOf(ip: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip);
  if (mapped?.[1]) return `${mapped[1]}/32`;
  if (!ip.includes(":")) return `${ip}/32`;
  const [head = "", tail = ""] = (ip.split("%")[0] ?? "").split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === "" ? [] : tail.split(":");
  const zeros = ip.includes("::") ? Array(Math.max(0, 8 - left.length - right.length)).fill("0") : [];
  const groups = [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16).toString(16));
  return `${groups.slice(0, 4).join(":")}::/64`;
}
