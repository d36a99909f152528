import type { Page } from "playwright-core";
import type { StackCaller } from "#tests/support/black_box.ts";
import type { BrowserSuite, OpenOptions } from "#tests/support/browser.ts";

/** The link of the newest mail to an address, which leads back to the console. */
export function consoleLinkTo(caller: StackCaller, address: string): string {
  const [link = ""] = /http:\S+\/console\?\S+/.exec(caller.mailTo(address).text) ?? [];
  return link;
}

/** Asks for a link in the console, and opens it in the same tab. */
export async function signInToConsole(page: Page, caller: StackCaller, address: string): Promise<void> {
  await page.getByLabel("Email address").fill(address);
  await page.getByRole("button", { name: "Send link" }).click();
  await page.getByText(`A link was sent to ${address}.`).waitFor();
  await page.goto(consoleLinkTo(caller, address));
}

/** Creates a user with these platform roles. @returns the tokens, of the client `native` */
export async function userWithRoles(caller: StackCaller, address: string, roles: readonly string[]) {
  const tokens = await caller.signIn(address);
  const asked = { user_id: tokens.user_id, roles };
  const { status } = await caller.call("set_user_roles", asked, caller.internal);
  if (status !== 200) throw new Error(`set_user_roles answered ${status}`);
  return tokens;
}

let admins = 0;

/**
 * Opens the console as an administrator, in a new context.
 * @param options.address of the administrator; default: a new one
 */
export async function openConsole(
  suite: BrowserSuite,
  caller: StackCaller,
  { address = `admin.${++admins}@example.com`, ...options }: OpenOptions & { address?: string } = {},
): Promise<Page> {
  await userWithRoles(caller, address, ["admin"]);
  const page = await suite.open("/console", options);
  await signInToConsole(page, caller, address);
  await page.getByRole("heading", { name: "Users" }).waitFor();
  return page;
}
