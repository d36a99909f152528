import { openSurroundings } from "#bench/surroundings.ts"; import { measureThroughput, printThroughput } from "#bench/sections/throughput.ts"; import { measurePeers, printPeers } from "#bench/sections/peers.ts";
const s = await openSurroundings();
try { let t = performance.now(); 
t = performance.now(); printThroughput(await measureThroughput(s, {inFlight:[1,8], calls: 128, rounds: 2})); console.log((performance.now()-t)/1000); 
t = performance.now(); printPeers(await measurePeers(s, {inFlight:[1], calls: 32, rounds: 1})); console.log((performance.now()-t)/1000); 
} finally { await s.close(); }
