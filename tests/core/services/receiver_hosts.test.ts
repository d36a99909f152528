import { expect, test } from "vitest";
import { isPublicAddress } from "#core/services/public_address.ts";
import { ReceiverHosts, type Resolve } from "#core/services/receiver_hosts.ts";

const NAMES: Readonly<Record<string, string[]>> = {
  "hooks.example.com": ["93.184.216.34", "2606:2800:220:1::1"],
  "mixed.example.com": ["93.184.216.34", "10.0.0.1"],
  "private.example.com": ["192.168.1.1"],
  "loopback.example.com": ["127.0.0.1"],
  "metadata.example.com": ["169.254.169.254"],
  "six.example.com": ["::1"],
  localhost: ["127.0.0.1"],
};
const resolve: Resolve = async (name) => {
  const found = NAMES[name];
  if (!found) throw new Error("ENOTFOUND");
  return found;
};
const hosts = new ReceiverHosts(["127.0.0.1:4000"], resolve);

test.each([
  ["https://hooks.example.com/nest?x=1", null],
  ["https://HOOKS.example.com:8443/", null],
  ["https://hooks.example.com:443/", null],
  ["http://127.0.0.1:4000/", null],
  ["hooks.example.com", "not_a_url"],
  ["http://hooks.example.com/", "not_https"],
  ["ftp://hooks.example.com/", "not_https"],
  ["javascript:alert(1)", "not_https"],
  ["http://127.0.0.1:4001/", "not_https"],
  ["https://user:pass@hooks.example.com/", "credentials"],
  ["https://user@hooks.example.com/", "credentials"],
  ["http://user:pass@127.0.0.1:4000/", "credentials"],
  ["https://hooks.example.com:22/", "port"],
  ["https://10.0.0.1/", "ip_address"],
  ["https://93.184.216.34/", "ip_address"],
  ["https://169.254.169.254/latest/meta-data/", "ip_address"],
  ["https://2130706433/", "ip_address"],
  ["https://0x7f000001/", "ip_address"],
  ["https://0177.0.0.1/", "ip_address"],
  ["https://127.1/", "ip_address"],
  ["https://127.0.0.1./", "ip_address"],
  ["https://①②⑦.0.0.1/", "ip_address"],
  ["https://[::1]/", "ip_address"],
  ["https://[::ffff:10.0.0.1]/", "ip_address"],
  ["https://[::ffff:7f00:1]/", "ip_address"],
  ["https://[64:ff9b::a00:1]/", "ip_address"],
  ["https://localhost/", "not_public"],
  ["https://loopback.example.com/", "not_public"],
  ["https://private.example.com/", "not_public"],
  ["https://metadata.example.com/", "not_public"],
  ["https://mixed.example.com/", "not_public"],
  ["https://six.example.com/", "not_public"],
  ["https://unknown.example.com/", "unresolvable"],
])("judges %s: %s", async (url, problem) => {
  expect(await hosts.judge(url)).toBe(problem);
});

test.each(["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1"])("takes %s as public", (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

test.each([
  ...["127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1"],
  ...["192.0.0.8", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"],
  ...["::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "2001::1", "fec0::1"],
  ...["::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::"],
  "no address",
])("takes %s as not public", (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test("a connection gets the addresses that were checked, and no address if one of them is not public", async () => {
  const look = (name: string, all: boolean) =>
    new Promise((answer) =>
      hosts.lookup(name, { all }, (error, address, family) => answer(error?.message ?? [address, family])),
    );
  expect(await look("hooks.example.com", false)).toEqual(["93.184.216.34", 4]);
  expect(await look("hooks.example.com", true)).toEqual([
    [
      { address: "93.184.216.34", family: 4 },
      { address: "2606:2800:220:1::1", family: 6 },
    ],
    undefined,
  ]);
  expect(await look("mixed.example.com", true)).toBe("not_public");
  expect(await look("unknown.example.com", true)).toBe("unresolvable");
});
