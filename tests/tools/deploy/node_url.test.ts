import { build } from "esbuild";
import { beforeAll, expect, test } from "vitest";

/** Parses a connection string as MongoDB's driver does. */
type Read = (uri: string) => unknown;

const PROGRAM = `
  import { ConnectionString } from "mongodb-connection-string-url";
  export function read(uri) {
    try {
      const url = new ConnectionString(uri);
      return {
        href: url.href, hosts: url.hosts, isSRV: url.isSRV, username: url.username, password: url.password,
        pathname: url.pathname, search: [...url.searchParams], redacted: url.redact().toString(),
        again: url.clone().toString(),
      };
    } catch (error) {
      return { refused: error.name, message: error.message };
    }
  }
`;

async function load(alias: Record<string, string>): Promise<Read> {
  const { outputFiles } = await build({
    stdin: { contents: PROGRAM, resolveDir: process.cwd() },
    write: false,
    bundle: true,
    platform: "node",
    format: "esm",
    alias,
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire("file:///");' },
  });
  const code = Buffer.from(outputFiles[0]?.contents ?? []).toString("base64");
  return ((await import(`data:text/javascript;base64,${code}`)) as { read: Read }).read;
}

let ours: Read;
let original: Read;
beforeAll(async () => {
  [ours, original] = await Promise.all([load({ "whatwg-url": "./tools/deploy/node_url.ts" }), load({})]);
});

test.each([
  "mongodb://localhost",
  "mongodb://localhost:27017/nest",
  "mongodb://127.0.0.1/nest?directConnection=true",
  "mongodb://[::1]:27018/nest",
  "mongodb://[2001:db8::1],[2001:db8::2]:27019/nest?replicaSet=rs0",
  "mongodb://a.example,b.example:27018,c.example:27019/nest?replicaSet=rs0&w=majority",
  "mongodb+srv://user:password@cluster.example.net/nest",
  "mongodb+srv://user@cluster.example.net/?retryWrites=true&appName=nest",
  "mongodb://us%40er:p%3Ass%2Fword%25@db.example/nest?authSource=admin",
  "mongodb://user:p%E4ss@db.example/nest",
  "mongodb://%2Ftmp%2Fmongodb-27017.sock/nest",
  "mongodb://db.example/nest?readPreferenceTags=dc:ny&readPreferenceTags=dc:la,rack:1&readPreferenceTags=",
  "mongodb://db.example/n%C3%A4st?compressors=zlib",
  "mongodb://münchen.example/nest",
  "mongodb://DB.Example/Nest?W=Majority",
  "mongodb://db.example/nest#fragment",
  "mongodb://db.example/",
  "mongodb://",
  "mongodb://:27017/nest",
  "mongodb+srv://a.example,b.example/nest",
  "mongodb+srv://cluster.example.net:27017/nest",
  "mongodb://user:pass@word@db.example/nest",
  "mongodb://db.example:port/nest",
  "http://db.example/nest",
  "",
])("Node's URL parses a connection string as whatwg-url does: %s", (uri) => {
  expect(ours(uri)).toEqual(original(uri));
});
