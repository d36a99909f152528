// Loads one file in this new process and prints the milliseconds that it took.
const startedAt = process.hrtime.bigint();
require(process.argv[2]);
process.stdout.write(String(Number(process.hrtime.bigint() - startedAt) / 1e6));
process.exit(0);
