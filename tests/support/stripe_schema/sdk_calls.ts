import { Node, Project, SyntaxKind } from "ts-morph";
import { readSdk, sdkMethodName } from "#tests/support/stripe_schema/sdk_operations.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;

/** Every operation of Stripe's that our own code calls through the SDK, as `POST /v1/customers`, sorted. */
export function operationsCalledIn(globs: readonly string[]): string[] {
  const bySdkMethod = new Map(readSdk().operations.map(({ sdkMethod, name }) => [sdkMethod, name]));
  const project = new Project({
    tsConfigFilePath: `${ROOT}tsconfig.json`,
    skipAddingFilesFromTsConfig: true,
  });
  const called = new Set<string>();
  for (const file of project.addSourceFilesAtPaths(globs.map((glob) => ROOT + glob))) {
    for (const call of file.getDescendantsOfKind(SyntaxKind.CallExpression)) {
      const callee = call.getExpression();
      if (!Node.isPropertyAccessExpression(callee)) continue;
      for (const method of callee.getNameNode().getSymbol()?.getDeclarations() ?? []) {
        if (!Node.isMethodDeclaration(method)) continue;
        const name = bySdkMethod.get(sdkMethodName(method));
        if (name !== undefined) called.add(name);
      }
    }
  }
  return [...called].sort();
}
