import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { waitUntilUnused } from "#tools/local/database/data_folder.ts";
import { freePort, onPath, run, startServer } from "#tools/machine/child_process.ts";
import type { Step } from "#tools/terminal/progress.ts";

/** DocumentDB is packaged in Debian forky, which needs a newer libc than the host's, so it runs in a chroot. */
const ROOT_NAME = "forky-documentdb-1";
const POSTGRES = "/usr/lib/postgresql/18/bin";

export interface Postgres {
  url: string;
  /** Resolves if PostgreSQL ends without a call of `stop`. */
  died: Promise<void>;
  stop(): Promise<void>;
}

const SETTINGS = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "120",
  shared_preload_libraries: "pg_cron,pg_documentdb_core,pg_documentdb",
  "cron.database_name": "postgres",
  "cron.use_background_workers": "on",
  max_worker_processes: "24",
  dynamic_shared_memory_type: "mmap",
  // Inserts that race on one unique key deadlock (see conflict_proxy.ts). PostgreSQL detects a deadlock after this
  // time.
  deadlock_timeout: "3ms",
  jit: "off",
};

/**
 * Builds the chroot with DocumentDB once. The caller holds the lock of the cache folder.
 * @returns the chroot's folder
 * @throws Error with the output of the step that failed
 */
export async function ensureDocumentdb(cache: string, step: Step): Promise<string> {
  const root = join(cache, ROOT_NAME);
  if (existsSync(root)) return root;
  if (onPath("debootstrap") === null) {
    await step("Installing debootstrap.", async () => {
      await apt(["update"]).catch(() => undefined);
      await apt(["install", "-y", "--no-install-recommends", "debootstrap"]);
    });
  }
  // The caller holds the lock, so these folders were left by builds that were killed.
  const leftovers = (await readdir(cache)).filter((name) => name.startsWith(`${ROOT_NAME}-`));
  for (const name of leftovers) await rm(join(cache, name), { recursive: true, force: true });
  const building = await mkdtemp(`${root}-`);
  await chmod(building, 0o755);
  try {
    await step("Building the DocumentDB engine from Debian's packages (once, about a minute).", () =>
      buildSystem(building),
    );
    await rename(building, root);
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    throw error;
  }
  return root;
}

/** Installs Debian and DocumentDB in a folder. */
async function buildSystem(building: string): Promise<void> {
  // Debian 12's debootstrap does not know forky, whose script is sid's. The mount namespace removes debootstrap's mounts
  // even if it is killed.
  await run("unshare", [
    ...["--mount", "--propagation", "private"],
    "debootstrap",
    "--variant=minbase",
    "forky",
    building,
    "",
    "/usr/share/debootstrap/scripts/sid",
  ]);
  await inside(building, null, [
    "apt-get",
    "install",
    "-y",
    "--no-install-recommends",
    "postgresql-18-documentdb",
  ]);
  await makeTemplate(building);
}

const apt = (args: readonly string[]) =>
  run("apt-get", args, { env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });

/** Runs a command in the chroot with its own mount namespace, so that its mounts end with the process. */
function namespaced(root: string, data: string | null, command: readonly string[]): string[] {
  const steps = [
    'mount -t proc proc "$0/proc"',
    ...(data ? ['mount --bind "$1" "$0/mnt"'] : []),
    'root="$0"; shift; exec chroot "$root" "$@"',
  ];
  return [
    "--mount",
    "--propagation",
    "private",
    "--fork",
    "--kill-child",
    "sh",
    "-c",
    steps.join(" && "),
    root,
    data ?? "-",
    ...command,
  ];
}

function inside(root: string, data: string | null, command: readonly string[]): Promise<string> {
  return run("unshare", namespaced(root, data, command), { env: chrootEnvironment() });
}

function chrootEnvironment(): NodeJS.ProcessEnv {
  const { http_proxy, https_proxy, no_proxy } = process.env;
  return {
    PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
    LANG: "C.UTF-8",
    DEBIAN_FRONTEND: "noninteractive",
    ...(http_proxy ? { http_proxy } : {}),
    ...(https_proxy ? { https_proxy } : {}),
    ...(no_proxy ? { no_proxy } : {}),
  };
}

/** PostgreSQL does not run as root. The change of user clears the death signal, so a second setpriv sets it. */
const asPostgres = (...command: string[]) => [
  "setpriv",
  "--reuid=postgres",
  "--regid=postgres",
  "--init-groups",
  "setpriv",
  "--pdeathsig=INT",
  ...command,
];

/** Creates an empty cluster. Each instance starts from a copy of it, which is faster than initdb. */
async function makeTemplate(root: string): Promise<void> {
  const template = join(root, "var/lib/nest-template");
  await mkdir(template, { recursive: true });
  await inside(root, null, ["chown", "postgres:postgres", "/var/lib/nest-template"]);
  const initdb = [
    `${POSTGRES}/initdb`,
    "-D",
    "/var/lib/nest-template",
    "--auth=trust",
    "--encoding=UTF8",
    "--no-sync",
  ];
  await inside(root, null, asPostgres(...initdb));
  const port = await freePort();
  const server = startServer(
    "unshare",
    namespaced(
      root,
      null,
      asPostgres(`${POSTGRES}/postgres`, "-D", "/var/lib/nest-template", ...settings(port, true)),
    ),
    {
      env: chrootEnvironment(),
    },
  );
  try {
    await waitUntilReady(root, port, server.lastOutput);
    const psql = [
      `${POSTGRES}/psql`,
      "-h",
      "127.0.0.1",
      "-p",
      String(port),
      "-d",
      "postgres",
      "-v",
      "ON_ERROR_STOP=1",
    ];
    await inside(root, null, asPostgres(...psql, "-c", "CREATE EXTENSION documentdb CASCADE"));
    await inside(
      root,
      null,
      asPostgres(`${POSTGRES}/pg_ctl`, "stop", "-D", "/var/lib/nest-template", "-m", "fast", "-w"),
    );
  } finally {
    await server.stop();
  }
}

function settings(port: number, isThrowAway: boolean): string[] {
  const withoutDurability = { fsync: "off", synchronous_commit: "off", full_page_writes: "off" };
  const all = { ...SETTINGS, port: String(port), ...(isThrowAway ? withoutDurability : {}) };
  return Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

async function waitUntilReady(root: string, port: number, lastOutput: () => string): Promise<void> {
  const end = Date.now() + 30_000;
  for (;;) {
    const ready = await inside(root, null, [
      `${POSTGRES}/pg_isready`,
      "-h",
      "127.0.0.1",
      "-p",
      String(port),
    ]).catch(() => null);
    if (ready !== null) return;
    if (Date.now() > end) throw new Error(`PostgreSQL did not start: ${lastOutput().slice(-600)}`);
    await wait(50);
  }
}

/**
 * Starts PostgreSQL on a data folder, which is copied from the template the first time.
 * @param root the chroot's folder
 * @param options `isThrowAway` turns off durability for speed
 */
export async function startPostgres(
  root: string,
  folder: string,
  { isThrowAway }: { isThrowAway: boolean },
): Promise<Postgres> {
  const data = join(folder, "postgres");
  if (!existsSync(data)) {
    const copying = `${data}-copying`;
    await rm(copying, { recursive: true, force: true });
    await run("cp", ["-a", join(root, "var/lib/nest-template"), copying]);
    await rename(copying, data);
  }
  // A killed PostgreSQL leaves its pid file. Another process may have that pid now.
  const pidFile = join(data, "postmaster.pid");
  if (existsSync(pidFile)) await waitUntilUnused(data, 10_000);
  await rm(pidFile, { force: true });
  const port = await freePort();
  const server = startServer(
    "unshare",
    namespaced(root, data, asPostgres(`${POSTGRES}/postgres`, "-D", "/mnt", ...settings(port, isThrowAway))),
    { env: chrootEnvironment() },
  );
  let isStopping = false;
  const stop = async () => {
    isStopping = true;
    const pid = Number((await readFile(pidFile, "utf8").catch(() => "0")).split("\n")[0]);
    try {
      if (pid > 0) process.kill(pid, "SIGINT");
    } catch (error) {
      // PostgreSQL has ended already.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
    await server.stop("SIGCONT");
  };
  // `stop` signals PostgreSQL's own pid first, so `server.died` also resolves for a requested stop.
  const died = new Promise<void>((resolve) => void server.died.then(() => isStopping || resolve()));
  try {
    await waitUntilReady(root, port, server.lastOutput);
  } catch (error) {
    await server.stop("SIGKILL");
    throw error;
  }
  return { url: `postgres://postgres@127.0.0.1:${port}/postgres`, died, stop };
}
