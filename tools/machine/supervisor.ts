/**
 * Runs a server, and kills it when standard input closes. Standard input is a pipe to the process that started the server,
 * and the kernel closes it even if that process is killed.
 */
import { spawn } from "node:child_process";

const [program = "", ...args] = process.argv.slice(2);
const server = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"] });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGCONT"] as const)
  process.on(signal, () => server.kill(signal));
process.stdin.on("close", () => server.kill("SIGKILL")).resume();
server.on("error", ({ message }) => {
  console.error(message);
  process.exit(1);
});
server.on("exit", (code) => process.exit(code ?? 1));
