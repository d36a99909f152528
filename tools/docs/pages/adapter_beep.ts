import { handler } from "#adapters/beep.ts";
import { adapterSections } from "#tools/docs/adapter_page.ts";

export const path = "docs/adapters/beep.md";

const CLIENT = `\`\`\`ts
{
  id: "acme_beep",
  name: "Acme's Beep programs",
  redirectUris: ["https://acme.example/"],
  adapters: ["beep"],
  grants: ["otp"],
  phoneCountries: ["SG"],
  claims: { userid: "sub", clientid: "device_id" },
}
\`\`\``;

const TRY = `\`\`\`sh
base=http://localhost:3000/beep
nonce=$(curl -s $base/init -d phone_number=6591234567)
curl -s localhost:3000/dev/sms
curl -s $base/verify -d nonce=$nonce -d clientid=my-device -d code=123456
\`\`\``;

/** @returns the blocks of the page */
export async function render() {
  return [
    "# Adapter beep",
    "The API of Beep's backend-login, served by Nest: `/init` sends a code by SMS, `/verify` exchanges it for a token. For " +
      "developers of programs that call that service, and for operators who replace it. [Adapters](README.md) explains what " +
      "all adapters share.",
    "With `npm start` running in another terminal (replace the code by that of the SMS):",
    TRY,
    "## Move in",
    [
      "1. Add a client to the app file ([your own app](../your_app.md)) that lists the adapter, the grant and the claims, as below. No other client may list `beep`.",
      '2. List the adapter in the stage file: `adapters: ["beep"]`. Check it with `npm run nest -- config check --stage nonprod`.',
      "3. Deploy ([deploy](../deploy.md)). `SNS` needs permission to send SMS: [codes by SMS and mail](../codes.md).",
      "4. Change the base URL of your programs to `https://<your Nest>/beep`. Nothing else changes in them.",
      "5. Services that verify tokens take the keys from `/.well-known/jwks.json` and accept ES256 instead of HS256. `userid` and `clientid` stay.",
      "6. There is no key to configure in programs: the adapter knows its client.",
      "7. Users need no import. The first `/verify` of a number makes its user, with a new `userid`.",
      "8. To keep your own tables, map the old `userid` of a number to the new one when its person first signs in; `get_user` returns the number.",
      "9. Tests that use `/login` send an internal key on a deployed stage. Production has no `/login`.",
      "10. Tokens of the original are not accepted, so everybody signs in once. Turn the original off when `/init` is called at Nest only.",
    ].join("\n"),
    CLIENT,
    ...adapterSections(handler.declaration),
    "## Differs from the original, and why",
    {
      head: ["Original", "Here", "Why"],
      rows: [
        [
          "HS256, with the variable `SECRET`, by default `secret`",
          "ES256, with the keys of `SIGNING_KEYS`. There is no `SECRET`; a value such as `secret` would be refused",
          "Services verify tokens without a key that could also sign them",
        ],
        [
          "`LISTEN`, by default `:8080`",
          "Lambda listens to nothing. The local stack takes `PORT`, by default 3000, on loopback only",
          "A developer's machine must not offer test tokens to its network",
        ],
        [
          "Any number of codes by SMS",
          "The limits of `send_otp`: one code in 60 s, and daily limits for a number, a network and all numbers. 429 with `Retry-After`",
          "SMS cost money, and fraud with them is common",
        ],
        [
          "Any number of tries",
          "Five for a nonce, and a daily limit for a number. Then the right code gets 404 too, or 429",
          "Six digits can be guessed",
        ],
        [
          "Any country",
          "The client's `phoneCountries`; other numbers get 400",
          "SMS to some countries are expensive",
        ],
        [
          "`/login` gives every caller a token of any user",
          "Refused in production. On a deployed test stage the caller needs an internal key. The user must exist. `amr` is `test`",
          "Anybody who knows an id could act as its person",
        ],
        [
          "A token has `userid` and `clientid`",
          "The standard claims as well: `sub`, `device_id`, `iss`, `aud`, `exp`, `sid` and others",
          "Libraries check them",
        ],
        [
          "500 if Redis or PostgreSQL fail",
          "503 with `Retry-After` if the database can't be reached, 500 for anything unexpected",
          "A program may repeat the request",
        ],
        [
          "`clientid`: the MAC address is suggested",
          "Any text up to 128 characters",
          "A MAC address identifies a machine for ever",
        ],
      ],
    },
    "Next: [codes by SMS and mail](../codes.md), [methods](../methods.md), [errors](../errors.md).",
  ];
}
