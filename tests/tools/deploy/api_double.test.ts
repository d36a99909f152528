import { expect, test } from "vitest";
import { routeOf } from "#tools/deploy/verify/api_double.ts";

const ROUTES = [
  "ANY /beep/{proxy+}",
  "GET /1/oauth/{provider}/callback",
  "GET /1/oauth/plain/callback",
  "GET /.well-known/jwks.json",
  "$default",
];

test.each([
  ["an exact path before one with a parameter", "GET /1/oauth/plain/callback", "GET /1/oauth/plain/callback"],
  ["a path with a parameter", "GET /1/oauth/google/callback", "GET /1/oauth/{provider}/callback"],
  ["no route of another verb", "POST /1/oauth/google/callback", "$default"],
  ["no parameter for two segments", "GET /1/oauth/google/x/callback", "$default"],
  ["no parameter for an empty segment", "GET /1/oauth//callback", "$default"],
  ["a dot as a dot", "GET /.well-known/jwks-json", "$default"],
  ["a greedy path for every verb", "PUT /beep/a/b", "ANY /beep/{proxy+}"],
  ["no greedy path of another folder", "PUT /boop/a", "$default"],
])("the double of API Gateway chooses %s", (_case, request, route) => {
  const [verb = "", path = ""] = request.split(" ");
  expect(routeOf(ROUTES, verb, path)).toBe(route);
});
