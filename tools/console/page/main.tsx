import { render } from "preact";
import { App } from "#tools/console/page/app.tsx";
import { root } from "#tools/console/page/settings.ts";

root.replaceChildren();
render(<App />, root);
