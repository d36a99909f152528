/** Prints everything that is built for the app of this process, as one JSON object: the content by its kind and name. */
import app from "#app";
import { appFolder } from "#app/load_app.ts";
import messages from "#app/messages.ts";
import { renderSample } from "#core/messages/render.ts";
import { TEMPLATES, type TemplateName } from "#core/messages/templates/index.ts";
import { Wording } from "#core/messages/wording.ts";
import { bundle } from "#tools/deploy/bundle.ts";
import { buildLandingPage } from "#tools/landing/landing_page.ts";
import { buildDocument } from "#tools/openapi/document.ts";
import { listFunctions } from "#tools/stage/functions.ts";

const functions = await listFunctions();
const sources = Object.fromEntries(functions.map(({ name, source }) => [name, source]));
const { bundles } = await bundle(sources, { hasMaps: false });
const mails = (Object.keys(TEMPLATES) as TemplateName[]).flatMap((name) =>
  app.locales.map((locale) => [
    `mail ${name} ${locale}`,
    Object.values(renderSample(name, new Wording(app, messages, locale))).join("\n"),
  ]),
);
const landing = await buildLandingPage({ app, folder: appFolder, messages, base: "" });
console.log(
  JSON.stringify({
    ...Object.fromEntries(
      bundles.map(({ name, code }) => [`bundle ${name}`, new TextDecoder().decode(code)]),
    ),
    ...Object.fromEntries(mails),
    ...Object.fromEntries([...landing].map(([name, content]) => [`landing ${name}`, content])),
    "openapi document": JSON.stringify(await buildDocument()),
  }),
);
