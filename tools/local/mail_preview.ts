import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import app from "#app";
import messages from "#app/messages.ts";
import { Html, html } from "#core/messages/html.ts";
import { renderSample } from "#core/messages/render.ts";
import { TEMPLATES, type TemplateName } from "#core/messages/templates/index.ts";
import { Wording } from "#core/messages/wording.ts";

const isTemplate = (name: string): name is TemplateName => Object.hasOwn(TEMPLATES, name);

const render = (name: TemplateName, locale: string) => renderSample(name, new Wording(app, messages, locale));

function section(name: TemplateName, locale: string): Html {
  const path = `/${locale}/${name}`;
  return html`<section>
<h2 id="${locale}-${name}">${name}, ${locale}</h2>
<p>Subject: ${render(name, locale).subject} · <a href="${path}.html">HTML only</a> · <a href="${path}.txt">text only</a></p>
<div class="pair">
<iframe title="${name}, ${locale}, HTML" src="${path}.html"></iframe>
<iframe title="${name}, ${locale}, text" src="${path}.txt"></iframe>
</div>
</section>`;
}

function index(): string {
  const mails = Object.keys(TEMPLATES)
    .filter(isTemplate)
    .flatMap((name) => app.locales.map((locale) => section(name, locale)));
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Emails of ${app.name}</title>
<style>
:root { color-scheme: light dark; font-family: system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); gap: 1rem; }
iframe { width: 100%; height: 38rem; border: 1px solid color-mix(in srgb, currentColor 30%, transparent); border-radius: 8px; background: Canvas; }
</style>
</head>
<body>
<h1>Emails of ${app.name}</h1>
<p>Dark mode follows your system's setting, as in an email client.</p>
${new Html(mails.map(String).join("\n"))}
</body>
</html>
`.markup;
}

function answer(path: string): { type: string; content: string } | null {
  if (path === "/") return { type: "text/html", content: index() };
  const [, locale = "", name = "", form] = /^\/([\w-]+)\/([a-z_-]+)\.(html|txt)$/.exec(path) ?? [];
  if (!isTemplate(name) || !app.locales.includes(locale)) return null;
  const mail = render(name, locale);
  return form === "html"
    ? { type: "text/html", content: mail.html }
    : { type: "text/plain", content: mail.text };
}

/**
 * Serves the preview on loopback.
 * @param port 0 picks a free port
 * @throws Error EADDRINUSE if the port is in use
 */
export async function startMailPreview(port: number): Promise<{ url: string; close(): Promise<void> }> {
  const server: Server = createServer((request, response) => {
    const found = answer(request.url ?? "/");
    response.writeHead(found ? 200 : 404, {
      "content-type": `${found?.type ?? "text/plain"}; charset=utf-8`,
    });
    response.end(found?.content ?? "No email template at this path. Open / for the list.");
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
