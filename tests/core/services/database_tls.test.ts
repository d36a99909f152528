import { getServers, setServers } from "node:dns";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { ConfigError } from "#core/config.ts";
import { openCore } from "#core/core.ts";
import { tlsRefusal } from "#core/services/database_tls.ts";
import { openMongo } from "#core/services/mongo.ts";
import { startDnsDouble } from "#tests/support/dns_double.ts";
import { runProgram } from "#tests/support/program.ts";

const NO_TLS = [
  "mongodb://db.example.net/nest",
  "mongodb://db.example.net/nest?tls=false",
  "mongodb://db.example.net/nest?ssl=false",
  "mongodb://db.example.net/nest?TLS=false",
  "mongodb://db.example.net/nest?tls=false&TLS=true",
  "mongodb+srv://db.example.net/nest?tls=false",
  "mongodb+srv://db.example.net/nest?SSL=false",
  "mongodb://127.0.0.1,db.example.net/nest",
  "mongodb://127.0.0.1.example.net/nest",
  "mongodb://localhost.example.net/nest",
  "mongodb://127.0.0.1%2Ctls=true@db.example.net/nest",
  "mongodb://localhost:1@db.example.net/nest",
  "mongodb://db.example.net/tls=true",
  "mongodb://0.0.0.0/nest",
  "mongodb://[::]/nest",
  "mongodb://[::ffff:10.0.0.1]/nest",
  "mongodb://10.0.0.1/nest?appName=tls%3Dtrue",
];

const UNVERIFIED = [
  "mongodb://db.example.net/nest?tls=true&tlsInsecure=true",
  "mongodb://db.example.net/nest?tls=true&tlsAllowInvalidCertificates=true",
  "mongodb://db.example.net/nest?tls=true&tlsAllowInvalidHostnames=true",
  "mongodb://db.example.net/nest?tls=true&tlsallowinvalidcertificates=true",
  "mongodb://db.example.net/nest?tls=true&TLSINSECURE=true",
  "mongodb://db.example.net/nest?tls=true&tlsInsecure=true&tlsinsecure=false",
  "mongodb://db.example.net/nest?tls=true&%74lsInsecure=true",
  "mongodb://db.example.net/nest?tls=true&rejectUnauthorized=false",
  "mongodb://db.example.net/nest?tls=true&rejectUnauthorized=0",
  "mongodb://db.example.net/nest?tls=true&checkServerIdentity=none",
  "mongodb://db.example.net/nest?tls=true&ciphers=aNULL",
  "mongodb://db.example.net/nest?tls=true&servername=attacker.example",
  "mongodb+srv://db.example.net/nest?tlsInsecure=true",
  "mongodb+srv://db.example.net/nest?tlsAllowInvalidCertificates=true",
  "mongodb+srv://db.example.net/nest?tlsAllowInvalidHostnames=true",
];

const UNREADABLE = [
  "mongodb://db.example.net/nest?tls=true&ssl=false",
  "mongodb://db.example.net/nest?tls=true&tls=false",
  "mongodb://db.example.net/nest?tls=yes",
  "mongodb://db.example.net/nest?tls=TRUE",
  "mongodb://db.example.net/nest?tls=true&tlsInsecure=true&tlsAllowInvalidCertificates=false",
  "https://db.example.net/nest?tls=true",
];

const VERIFIED = [
  "mongodb://db.example.net/nest?tls=true",
  "mongodb://db.example.net/nest?ssl=true",
  "mongodb://db.example.net/nest?TLS=true&tlsInsecure=false",
  "mongodb://a.example.net,b.example.net:27018/nest?tls=true&replicaSet=nest&tlsCAFile=/opt/ca.pem",
  "mongodb://db.example.net/nest?tls=true&tlsAllowInvalidCertificates=false&tlsAllowInvalidHostnames=false",
  "mongodb+srv://user:password@db.example.net/nest?retryWrites=true",
  "mongodb+srv://db.example.net/nest?tls=true",
];

const THIS_MACHINE = [
  "mongodb://127.0.0.1:27017/nest",
  "mongodb://127.8.9.10/nest?tls=false",
  "mongodb://localhost/nest",
  "mongodb://LOCALHOST/nest",
  "mongodb://[::1]:27017/nest",
  "mongodb://%2Ftmp%2Fmongodb-27017.sock/nest",
  "mongodb://127.0.0.1,[::1],localhost/nest?tls=true&tlsInsecure=true",
];

describe("a database's connection string", () => {
  test.each(NO_TLS)("is refused without TLS: %s", (uri) => {
    expect(tlsRefusal(uri)).toBe("has no TLS; set tls=true");
  });
  test.each(UNVERIFIED)("is refused without a verified certificate: %s", (uri) => {
    expect(tlsRefusal(uri)).toBe("does not verify the certificate of the database");
  });
  test.each(UNREADABLE)("is refused if the driver can't parse it: %s", (uri) => {
    expect(tlsRefusal(uri)).toBe("can't be parsed");
  });
  test.each([...VERIFIED, ...THIS_MACHINE])("is accepted with verified TLS or on this machine: %s", (uri) => {
    expect(tlsRefusal(uri)).toBeNull();
  });
});

test.each(["nonprod", "prod"])("%s refuses to start with an unencrypted database", (STAGE) => {
  for (const MONGODB_URI of [...NO_TLS, ...UNVERIFIED]) {
    const start = () => openCore({ STAGE, MONGODB_URI });
    expect(start, MONGODB_URI).toThrow(ConfigError);
    expect(start).not.toThrow(/db\.|attacker/);
  }
});

test("local starts with an unencrypted database", async () => {
  for (const MONGODB_URI of ["mongodb://db.invalid/nest", "mongodb://db.invalid/nest?tlsInsecure=true"]) {
    await openCore({ STAGE: "local", MONGODB_URI }).mongo.client.close();
  }
});

test("a command refuses an unencrypted database", () => {
  expect(() => openMongo("mongodb://db.example.net/nest", { isCommand: true })).toThrow(/has no TLS/);
});

test.each(["tls=false", "ssl=false", "tlsInsecure=true"])(
  "a TXT record can't turn off TLS of mongodb+srv: %s",
  async (text) => {
    let isReached = false;
    const server = createServer(() => {
      isReached = true;
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    using names = await startDnsDouble({ host: "node.db.test.invalid", port, text });
    const before = getServers();
    setServers([names.address]);
    const { client } = openMongo("mongodb+srv://db.test.invalid/nest");
    await expect(client.connect()).rejects.toThrow(/Text record may only set any of/);
    setServers(before);
    await client.close();
    server.close();
    expect(isReached).toBe(false);
  },
);

describe("a function outside local", () => {
  const load = (environment: Record<string, string>) => {
    const program = `const { handler } = await import("#methods/2020-12-14/list_news_items.ts");
      const http = { method: "POST", path: "/", sourceIp: "203.0.113.1" };
      await handler({ rawPath: "/", headers: {}, requestContext: { http } }, { awsRequestId: "r" });
      process.exit();`;
    return runProgram("--input-type=module", ["-e", program], { STAGE: "prod", ...environment }).ended;
  };

  test("does not open while NODE_TLS_REJECT_UNAUTHORIZED turns off certificate checks", async () => {
    const { printed } = await load({ NODE_TLS_REJECT_UNAUTHORIZED: "0" });
    expect(printed).toContain('"event":"function_not_opened"');
    expect(printed).toContain("NODE_TLS_REJECT_UNAUTHORIZED (turns off certificate checks; remove it)");
  });
});
