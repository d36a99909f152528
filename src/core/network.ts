/**
 * The network that rate limits count for an IP address (contract 1.7). An IPv4 address is a network by itself. Of an IPv6
 * address it is the /48, because one customer can get a /48, which has 65,536 networks of 64 bits. An IPv4-mapped IPv6
 * address is its IPv4 address, in any notation.
 */
export function networkOf(ip: string): string {
  if (!ip.includes(":")) return `${ip}/32`;
  const groups = groupsOf(ip);
  const [high = 0, low = 0] = groups.slice(6);
  const isMapped = groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0);
  if (isMapped) return `${[high >> 8, high & 0xff, low >> 8, low & 0xff].join(".")}/32`;
  return `${groups.slice(0, 3).map(hex).join(":")}::/48`;
}

const hex = (group: number) => group.toString(16);

/** The eight 16-bit groups of an IPv6 address. The last two may be written as an IPv4 address. */
function groupsOf(ip: string): number[] {
  const plain = ip.replace(/%.*$/, "").replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number);
    return `${hex(a * 256 + b)}:${hex(c * 256 + d)}`;
  });
  const [head = "", tail = ""] = plain.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === "" ? [] : tail.split(":");
  const zeros = plain.includes("::") ? Array(Math.max(0, 8 - left.length - right.length)).fill("0") : [];
  return [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16));
}
