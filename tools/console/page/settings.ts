/** What `tools/console/build_console.ts` writes into the page. */
interface Settings {
  app: string;
  logo: string;
  /** The names of the app's OAuth clients, by id. */
  clients: Readonly<Record<string, string>>;
  /** The URL of Nest. */
  api: string;
  clientId: string;
  /** The page's own URL, to which magic links lead. */
  url: string;
  grant: string;
  inbox: string | null;
}

/** The element that the console draws into. */
export const root = document.getElementById("console") as HTMLElement;

export const settings = JSON.parse(root.dataset.settings ?? "{}") as Settings;
