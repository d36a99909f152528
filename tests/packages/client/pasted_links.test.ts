import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { randomString } from "#client/index.ts";
import { findLink } from "#client/read_link.ts";
import { clientOf, newestLink, outcomeOf } from "#tests/packages/client/support.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";

const CODE = `authzcode_000000C2kdCzNlbL1BqR5FeMatI.${"0123456789abcdef".repeat(4)}`;
const STATE = "aB-_5Ft2D3dYQz0-AF1x_9kLmNoPqRsTuVwXyZ01234";
const LINK = `https://magic.getbeak.app/?code=${CODE}&state=${STATE}`;
const encode = encodeURIComponent;
const everyByte = (text: string) =>
  [...text].map((one) => `%${one.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`).join("");
const quotedPrintable = (text: string) =>
  text.replaceAll("=", "=3D").replace(/.{60}/g, (line) => `${line}=\r\n`);
const proofpoint2 = (url: string) =>
  url
    .replaceAll("-", "%2D")
    .replaceAll("_", "%5F")
    .replace(/[?=&:]/g, everyByte)
    .replaceAll("%", "-")
    .replaceAll("/", "_");
const safeLinks = (url: string) =>
  `https://eur01.safelinks.protection.outlook.com/?url=${encode(url)}&data=05%7C01%7C&sdata=x%3D&reserved=0`;
const google = (url: string) =>
  `https://www.google.com/url?q=${url.replaceAll("=", "%3D").replaceAll("&", "%26")}&source=gmail&ust=1764000000000000&usg=AOvVaw`;
const html = (text: string) => text.replaceAll("&", "&amp;");
const MAIL = `Sign in to Beak\n\nFollow this link to sign in.\n\n${LINK}\n\nThe Beak flock`;

/** What people paste, and what operating systems hand over. */
const PASTED: Record<string, string> = {
  "the link": LINK,
  "the app's own URL": `beak-app://nest/magic-link?code=${CODE}&state=${STATE}`,
  "the text of the page": `code=${CODE}&state=${STATE}`,
  "state first": `https://magic.getbeak.app/?state=${STATE}&code=${CODE}`,
  "other parameters": `https://magic.getbeak.app/?utm_source=mail&code=${CODE}&utm_medium=x&state=${STATE}&fbclid=1`,
  "a fragment": `https://magic.getbeak.app/#code=${CODE}&state=${STATE}`,
  "percent encoding": `https://magic.getbeak.app/?code=${everyByte(CODE)}&state=${everyByte(STATE)}`,
  SafeLinks: safeLinks(LINK),
  "SafeLinks twice": safeLinks(safeLinks(LINK)),
  "SafeLinks three times": safeLinks(safeLinks(safeLinks(LINK))),
  "SafeLinks in HTML": html(safeLinks(LINK)),
  "HTML in SafeLinks": safeLinks(html(LINK)),
  "Google in SafeLinks": safeLinks(google(LINK)),
  Google: google(LINK),
  "Proofpoint 1": `https://urldefense.proofpoint.com/v1/url?u=${encode(LINK)}&k=abc%3D%3D&r=x`,
  "Proofpoint 2": `https://urldefense.proofpoint.com/v2/url?u=${proofpoint2(LINK)}&d=DwMFaQ&c=euGZstcaTDllvimEN8b7jXrwqOf-v5A_CdpgnVfiiMM&r=x`,
  "Proofpoint 3": `https://urldefense.com/v3/__${LINK}__;!!Kw!-612Flbf0JvQ3kNJkRi5Jg!Ue6tQudN$`,
  "SafeLinks of Proofpoint 2": safeLinks(
    `https://urldefense.proofpoint.com/v2/url?u=${proofpoint2(LINK)}&d=Dw`,
  ),
  Mimecast: `https://protect-eu.mimecast.com/s/AbCdE?domain=magic.getbeak.app&url=${encode(LINK)}`,
  Barracuda: `https://linkprotect.cudasvc.com/url?a=${encode(LINK).replace(/%[\dA-F]{2}/g, (byte) => byte.toLowerCase())}&c=E,1,x&typo=1`,
  "a path": `https://secure-web.cisco.com/1abcDEF-x/${encode(LINK)}`,
  Sophos: `https://eu-west-1.protection.sophos.com/?d=getbeak.app&u=${btoa(LINK)}&i=NWY=&t=x`,
  "an HTML entity": html(LINK),
  "an HTML entity twice": html(html(LINK)),
  "an encoded HTML entity": LINK.replace("&", "&amp%3B"),
  "numeric entities": LINK.replace("&", "&#38;").replaceAll("=", "&#x3D;"),
  "a link in HTML": `<p><a href="${html(LINK)}" target="_blank">Sign in</a></p>`,
  Markdown: `[Sign in](${LINK})`,
  "angle brackets": `<${LINK}>`,
  "quotes of argv": `"beak-app://nest/magic-link?code=${CODE}&state=${STATE}"`,
  "a command line": `"C:\\Program Files\\Beak\\Beak.exe" "--" "beak-app://nest/magic-link?code=${CODE}&state=${STATE}"`,
  "single quotes": `'${LINK}'`,
  "typographic quotes": `\u201c${LINK}\u201d`,
  "a full stop": `${LINK}.`,
  "an exclamation mark and brackets": `(${LINK}!)`,
  "a line break": LINK.replace("C2kd", "C2\r\nkd"),
  "line breaks after 60 characters": LINK.replace(/.{60}/g, "$&\n"),
  "a quoted reply": `> On Monday Beak wrote:\r\n> ${LINK.replace(/.{60}/g, "$&\r\n> ")}\r\n`,
  "a tab and spaces": `\t ${LINK.replace("&", " &")} `,
  "a zero-width space at the end": `${LINK}\u200b`,
  "zero-width characters inside": LINK.replace("C2kd", "C2\u200b\u2060kd").replace("_5F", "_\ufeff5F"),
  "an encoded zero-width space": `${LINK}%E2%80%8B`,
  "encoded zero-width spaces inside": LINK.replace("C2kd", "C2%E2%80%8Bkd"),
  "soft hyphens": LINK.replace("C2kd", "C2\u00adkd"),
  "soft hyphens in HTML": html(LINK).replace("C2kd", "C2&shy;kd").replace("_5F", "_<wbr>5F"),
  "a direction mark": `\u202a${LINK}\u202c`,
  "the whole mail": MAIL,
  "the whole mail with line breaks of Windows": MAIL.replaceAll("\n", "\r\n"),
  "the mail's source": `Content-Transfer-Encoding: quoted-printable\r\n\r\n${quotedPrintable(MAIL)}`,
  "an HTML mail's source": quotedPrintable(`<a href="${html(LINK)}">`),
  "the link twice": `${LINK}\n${LINK}`,
};

describe("finding a magic link", () => {
  test.each(Object.entries(PASTED))("reads %s", (_what, text) => {
    expect(findLink(text, [STATE])).toEqual({ code: CODE, state: STATE, flow: null });
  });

  test.each(["&flow=trial", "&flow=trial.", "&flow=trial\n\nThe Beak flock"])(
    "reads the flow of a trial in %j",
    (flow) => {
      expect(findLink(LINK + flow, [STATE])?.flow).toBe("trial");
      expect(findLink(safeLinks(LINK + flow), [STATE])?.flow).toBe("trial");
      expect(findLink(`${LINK}\n${flow}`.replace("flow", "x"), [STATE])?.flow).toBeNull();
    },
  );

  test("reads codes with a prefix and codes of 29 characters", () => {
    for (const code of [
      `prod_${CODE}`,
      CODE.replace("MatI", "MatItU"),
      `test1_${CODE.replace("MatI", "MatItU")}`,
    ])
      expect(findLink(LINK.replace(CODE, code), [STATE])?.code).toBe(code);
  });

  test.each([
    ["no state of the store", LINK, [randomString()]],
    ["no store", LINK, []],
    ["an empty state", `https://magic.getbeak.app/?code=${CODE}&state=`, [""]],
    ["a state that is too short to be one", `code=${CODE}&state=x`, ["x"]],
    ["a pattern as a state", LINK, [".*"]],
    ["another link's code between", `code=${CODE}&x=1 code=abc&state=${STATE}`, [STATE]],
    ["a shorter code", LINK.replace(CODE, CODE.slice(0, -1)), [STATE]],
    ["a code of another kind", LINK.replace("authzcode", "session"), [STATE]],
    ["a truncated state", LINK.slice(0, -1), [STATE]],
    ["no code", `https://magic.getbeak.app/?state=${STATE}`, [STATE]],
  ])("finds nothing with %s", (_what, text, states) => {
    expect(findLink(text, states)).toBeNull();
  });

  test("pairs each code with its own state, and prefers the newest link", () => {
    const other = randomString();
    const newer = CODE.replace("C2kd", "D3le");
    const both = `${LINK}\n\nOn Monday Beak wrote:\nhttps://magic.getbeak.app/?code=${newer}&state=${other}`;
    expect(findLink(both, [other, STATE])).toMatchObject({ code: newer, state: other });
    expect(findLink(both, [STATE, other])).toMatchObject({ code: CODE, state: STATE });
    expect(findLink(both, [STATE])).toMatchObject({ code: CODE, state: STATE });
    expect(findLink(`code=${CODE}&state=${STATE}code=${newer}&state=${other}`, [other])).toMatchObject({
      code: newer,
    });
  });

  test("takes little time for long texts and texts with many encodings", () => {
    const text = `${"%25".repeat(100_000)}${"&amp;".repeat(50_000)}${`code=${CODE}&`.repeat(5_000)}`;
    const started = performance.now();
    expect(findLink(text, [STATE])).toBeNull();
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

describe("a pasted text", () => {
  let stack: TestStack;
  beforeAll(async () => {
    stack = await startTestStack();
  });
  afterAll(() => stack[Symbol.asyncDispose]());

  test("signs in as the whole mail, wrapped by SafeLinks, or broken into lines", async () => {
    const { nest } = clientOf(stack.api);
    const mailed = () => stack.ses.inbox.at(-1)?.text ?? "";
    const pastes = [
      () => mailed(),
      () => safeLinks(newestLink(stack).href),
      () => mailed().replace(/.{40}/g, "$&\r\n"),
    ];
    for (const paste of pastes) {
      await nest.sendMagicLink("paste@example.com");
      const { userId } = await nest.finishSignIn(paste());
      expect((await nest.call("get_user")).id).toBe(userId);
    }
  });

  test("reads a trial's flow from the whole mail", async () => {
    const { nest } = clientOf(stack.api);
    const device = { platform: "mac", beak_id: "paste", fingerprint: "paste" } as const;
    await nest.startTrial("paste.trial@example.com", { device });
    const mail = stack.ses.inbox.findLast(({ text }) => text.includes("flow=trial"))?.text ?? "";
    expect((await nest.finishSignIn(mail)).flow).toBe("trial");
  });

  test("never makes the client send a code to another host, whatever host it names", async () => {
    const urls: string[] = [];
    const { nest } = clientOf(stack.api, {
      fetch: (input, init) => {
        urls.push(new URL(String(input)).origin);
        return fetch(input, init);
      },
    });
    await nest.sendMagicLink("host@example.com");
    const { search } = newestLink(stack);
    await nest.finishSignIn(
      `https://evil.example/${search}&redirect_uri=https://evil.example&url=https://evil.example`,
    );
    expect(new Set(urls)).toEqual(new Set([stack.api.url]));
  });

  test("of another person's link never signs in, whatever it contains besides (login CSRF)", async () => {
    const attacker = clientOf(stack.api);
    await attacker.nest.sendMagicLink("attacker@example.com");
    const link = newestLink(stack);
    const { nest, network, store } = clientOf(stack.api);
    await nest.sendMagicLink("victim@example.com");
    const asked = network.asked.length;
    const state = link.searchParams.get("state");
    for (const text of [
      link.href,
      safeLinks(link.href),
      `${link.href}&state=`,
      link.href.replace(String(state), ""),
      link.href.replace(/&state=.*/, ""),
      `${link.href}&state=%00`,
      `${link.href}&state=.{43}`,
    ])
      expect(await outcomeOf(nest.finishSignIn(text)), text).toBe("unknown_link");
    expect(network.asked).toHaveLength(asked);
    expect(await store.get("tokens")).toBeNull();
  });

  test("of another person's code with this client's state is refused by Nest, and the link still works", async () => {
    const attacker = clientOf(stack.api);
    await attacker.nest.sendMagicLink("attacker.code@example.com");
    const code = newestLink(stack).searchParams.get("code") ?? "";
    const { nest } = clientOf(stack.api);
    await nest.sendMagicLink("victim.code@example.com");
    const own = newestLink(stack);
    const mixed = new URL(own);
    mixed.searchParams.set("code", code);
    expect(await outcomeOf(nest.finishSignIn(mixed))).toBe("incorrect_code_verifier");
    expect(await nest.signedIn()).toBeNull();
    await nest.finishSignIn(own);
  });
});
