import { openSurroundings } from "#bench/surroundings.ts"; import { measureThroughput, printThroughput } from "#bench/sections/throughput.ts";
const s = await openSurroundings();
try { const t = performance.now(); printThroughput(await measureThroughput(s, {inFlight:[1], calls: 100, rounds: 3})); console.log((performance.now()-t)/1000); } finally { await s.close(); }
