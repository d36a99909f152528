/** The page of react.test.ts, which bundles it for the browser. */
import { createElement, type ReactNode, StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { NestClient, webStore } from "#client/index.ts";
import { messageOf } from "#client/messages.ts";
import { useCall, useSession } from "#client/react.ts";

interface Settings {
  clientId: string;
  redirectUri: string;
  isStoreLocked: boolean;
}

// The project's compiler settings have no types of browsers.
const page = globalThis as unknown as {
  location: { origin: string };
  localStorage: Parameters<typeof webStore>[0];
  document: { getElementById(id: string): Parameters<typeof createRoot>[0] };
  settings: Settings;
  nest: NestClient;
  unmount: () => void;
};
const { clientId, redirectUri, isStoreLocked } = page.settings;
const store = webStore(page.localStorage);
const locked = () => {
  throw new Error("The keychain is locked.");
};
const nest = new NestClient({
  // Long enough for a busy machine.
  ...{ url: page.location.origin, clientId, redirectUri, timeoutMs: 30_000 },
  store: isStoreLocked ? { ...store, get: locked } : store,
});

const field = (id: string, ...content: ReactNode[]) => createElement("p", { id }, ...content);

function Session() {
  const { status, user } = useSession(nest);
  return field("session", `${status} ${user?.userId ?? ""}`.trim());
}

function User() {
  const { data, error, isLoading, reload } = useCall(nest, "get_user");
  const address = data?.identifiers[0]?.identifier_value ?? "nobody";
  return createElement(
    "section",
    null,
    field("user", isLoading ? `${address}, loading` : address),
    field("error", error ? messageOf(error) : ""),
    createElement("button", { id: "reload", type: "button", onClick: reload }, "Reload"),
  );
}

/** Asks for the news of a client that one can choose. */
function News() {
  const [chosen, setChosen] = useState(clientId);
  const { data, isLoading } = useCall(nest, "list_news_items", { client_id: chosen });
  return createElement(
    "section",
    null,
    field("news", isLoading ? "loading" : `${data?.length ?? "no"} items`),
    createElement(
      "button",
      { id: "other", type: "button", onClick: () => setChosen("client_other") },
      "Other client",
    ),
  );
}

const root = createRoot(page.document.getElementById("root"));
const parts = [Session, User, News, Session].map((part, key) => createElement(part, { key }));
root.render(createElement(StrictMode, null, parts));
page.nest = nest;
page.unmount = () => root.unmount();
