import { checkBooks } from "#tests/properties/books.ts";
import { LIFE_PRICES, type Life, OTHER_PRODUCTS } from "#tests/properties/life.ts";
import { Broken, Player } from "#tests/properties/player.ts";
import { startNest, type TestClock, type TestNest } from "#tests/support/nest.ts";

/** A clock that only `advance` moves, and that can be set back for the next life. */
interface LifeClock extends TestClock {
  restart(): void;
}

function lifeClock(): LifeClock {
  const start = Math.ceil(Date.now() / 1000) * 1000;
  let now = start;
  return {
    now: () => new Date(now),
    advance: (seconds) => {
      now += seconds * 1000;
    },
    restart: () => {
      now = start;
    },
  };
}

/** A station is a Nest with its own Stripe double and clock. All stations share one database. */
export interface Station {
  nest: TestNest;
  /** Plays one life. @throws Error with the broken rule and the life in words */
  live(life: Life, number: number, counts: Map<string, number>): Promise<void>;
}

const LIMITS = [
  "LINKS_PER_ADDRESS_AND_NETWORK",
  "LINKS_PER_ADDRESS",
  "LINKS_PER_KNOWN_DEVICE",
  "LINKS_PER_NETWORK",
  "TRIAL_REQUESTS_PER_NETWORK",
  "NEW_TRIALS_PER_NETWORK",
  "MAILS_PER_HOUR",
];

/** Starts stations on one database. */
export async function startStations(count: number): Promise<Station[]> {
  const first = await startStation(undefined);
  const others = Array.from({ length: count - 1 }, () => startStation(first.nest.mongoUri));
  return [first, ...(await Promise.all(others))];
}

async function startStation(mongoUri: string | undefined): Promise<Station> {
  const clock = lifeClock();
  const nest = await startNest({
    clock,
    plans: LIFE_PRICES,
    otherProducts: OTHER_PRODUCTS,
    environment: {
      ...Object.fromEntries(LIMITS.map((name) => [`LIMIT_${name}`, "0"])),
      ...(mongoUri !== undefined && { MONGODB_URI: mongoUri }),
    },
  });
  return {
    nest,
    async live(life, number, counts) {
      clock.restart();
      nest.stripe.reset();
      nest.ses.clear();
      nest.logLines.length = 0;
      const player = new Player(nest, life, number, counts);
      try {
        await player.play(life.steps);
        checkBooks(player, nest.stripe);
      } catch (error) {
        const what = error instanceof Broken ? error.message : String((error as Error).stack ?? error);
        throw new Error(`${what}\n\nThe life, in ${life.currency}:\n${player.story.join("\n")}`);
      }
    },
  };
}
