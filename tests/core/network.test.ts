import { expect, test } from "vitest";
import { networkOf } from "#core/network.ts";

test.each([
  ["203.0.113.9", "203.0.113.9/32"],
  ["::ffff:203.0.113.9", "203.0.113.9/32"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:DB8:1:2::1", "2001:db8:1:2::/64"],
  ["2001:0db8:0001:0002:0000::1", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
])("%s is of network %s", (ip, network) => {
  expect(networkOf(ip)).toBe(network);
});
