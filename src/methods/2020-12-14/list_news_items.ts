/** Lists the news items currently shown to a client. The response is always an array, which the desktop app expects. */
import { array, boolean, literal, nullable, strictObject, string } from "zod/mini";
import { newsBoard } from "#core/parts.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

const banner = strictObject({
  code: literal("generic_banner"),
  dismissible: boolean(),
  payload: strictObject({
    emoji: string(),
    title: string(),
    body: string(),
    action: nullable(strictObject({ cta: string(), url: string() })),
  }),
});

export const request = strictObject({ client_id: text() });
export const response = array(strictObject({ id: string(), primary: banner, fallback: nullable(banner) }));

export const handler = rpc({
  name: "list_news_items",
  version: "2020-12-14",
  summary: "Lists the news items currently shown to a client.",
  access: "public",
  request,
  response,
  errors: [],
  parts: { newsBoard },
  reads: ({ core, request: { client_id } }) => core.newsBoard.list(core, client_id),
  async run({ reads }) {
    return reads.map(({ _id, primary, fallback }) => ({ id: _id, primary, fallback }));
  },
});
