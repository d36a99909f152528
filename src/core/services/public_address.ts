import ipaddr from "ipaddr.js";

/**
 * Whether an address is a public one: none of this machine, of a private network, of a cloud's metadata service, and none that
 * leads to such an address through a tunnel or a translation (6to4, Teredo, NAT64).
 * @param address IPv4 or IPv6, as a resolver returns it. An IPv4-mapped address is judged as its IPv4 address
 */
export const isPublicAddress = (address: string): boolean =>
  ipaddr.isValid(address) && ipaddr.process(address).range() === "unicast";
