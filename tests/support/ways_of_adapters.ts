/** How a caller could get in at each route of the adapters beep and static_backend that needs no session. */
import { P1 } from "#tests/support/passwords.ts";
import { ADA, ADAS_PHONE, type Sent, type Walk } from "#tests/support/walk.ts";
import type { Way } from "#tests/support/ways_in.ts";
import { type Made, posts, sends } from "#tests/support/ways_to_send.ts";
import { ADAPTER_CLIENT_IDS } from "#tools/local/sample_clients.ts";

const { beep: BEEP, static_backend: STATIC } = ADAPTER_CLIENT_IDS;
const CREDENTIALS = { email: ADA, password: P1 };

const ofStatic = (verb: string, make: Made<Sent>) =>
  sends(verb, async (walk) => {
    const { headers, ...sent } = await make(walk);
    return { ...sent, headers: { "sb-public-key": STATIC, ...headers } };
  });

/** Posts a body with the public key. */
const asks = (make: Made<object>) => posts(make, { "sb-public-key": STATIC });

/** StaticBackend's root token is an internal key. */
const rootToken = (walk: Walk) => ({ authorization: `Bearer ${walk.nest.secrets.internalKey}` });

/** By adapter, verb, path, and the field that chooses among the routes of a path. */
export const ADAPTER_WAYS: Readonly<Record<string, readonly Way[]>> = {
  "beep POST /init": [["nothing", posts(() => ({ phone_number: ADAS_PHONE }))]],
  "beep POST /verify": [
    ["asks", posts(async (walk) => ({ ...(await walk.sentCode(BEEP, "phone")), clientid: "mac" }))],
  ],
  "beep POST /login": [
    [
      "exception",
      sends("POST", (walk) => ({
        body: { userid: walk.ada.userId, clientid: "mac" },
        headers: walk.internal,
      })),
    ],
  ],

  "static_backend POST /register": [["nothing", asks(() => CREDENTIALS)]],
  "static_backend POST /login": [["asks", asks(() => CREDENTIALS)]],
  "static_backend POST /password/send": [
    ["nothing", ofStatic("POST", (walk) => ({ body: { email: ADA }, headers: rootToken(walk) }))],
  ],
  "static_backend GET /password/resetcode": [
    ["nothing", ofStatic("GET", (walk) => ({ query: { e: ADA }, headers: rootToken(walk) }))],
  ],
  "static_backend POST /password/reset": [
    ["nothing", asks(async (walk) => ({ ...CREDENTIALS, code: await walk.resetToken(STATIC) }))],
  ],
  "static_backend POST /login/magic": [["nothing", asks(() => ({ email: ADA }))]],
  "static_backend GET /login/magic": [
    [
      "asks",
      ofStatic("GET", async (walk) => ({ query: { email: ADA, code: await walk.linkToken(STATIC) } })),
    ],
  ],
};
