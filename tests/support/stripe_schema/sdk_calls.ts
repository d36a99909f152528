import { fileURLToPath } from "node:url";
import {
  type CallExpression,
  type MethodDeclaration,
  Node,
  Project,
  type ResolutionHostFactory,
  SyntaxKind,
  ts,
} from "ts-morph";
import { operationNameOf } from "#tests/support/stripe_schema/sdk_operations.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** A kind of request: what is asked for, and which parameters come with it. */
export function requestShape(operation: string, parameters: readonly string[]): string {
  return `${operation} (${[...parameters].sort().join(", ")})`;
}

/** Every kind of request that our own code makes through the SDK, read from the code, sorted. */
export function requestsMadeIn(globs: readonly string[]): string[] {
  const project = new Project({
    tsConfigFilePath: `${ROOT}tsconfig.json`,
    skipAddingFilesFromTsConfig: true,
    compilerOptions: { types: [] },
    resolutionHost: onlyStripe,
  });
  const code = new Project({ skipAddingFilesFromTsConfig: true, compilerOptions: { allowJs: true } });
  const shapes = new Set<string>();
  for (const file of project.addSourceFilesAtPaths(globs.map((glob) => ROOT + glob))) {
    for (const call of file.getDescendantsOfKind(SyntaxKind.CallExpression)) {
      for (const method of methodsOf(call)) {
        const operation = operationNameOf(method, code);
        if (operation === null) continue;
        for (const names of parametersOf(call, method)) shapes.add(requestShape(operation, names));
      }
    }
  }
  return [...shapes].sort();
}

/** Reading every package's types would take many times as long as reading ours and the SDK's. */
const onlyStripe: ResolutionHostFactory = (host, getOptions) => ({
  resolveModuleNames: (names, file) =>
    names.map((name) =>
      /^(stripe$|#|\.)/.test(name)
        ? ts.resolveModuleName(name, file, getOptions(), host).resolvedModule
        : undefined,
    ),
});

function methodsOf(call: CallExpression): MethodDeclaration[] {
  const callee = call.getExpression();
  if (!Node.isPropertyAccessExpression(callee)) return [];
  const declarations = callee.getNameNode().getSymbol()?.getDeclarations() ?? [];
  return declarations.filter(Node.isMethodDeclaration);
}

/** The names that a call's parameters can have, once for each member of their type. */
function parametersOf(call: CallExpression, method: MethodDeclaration): string[][] {
  const place = method.getParameters().findIndex((parameter) => parameter.getName() === "params");
  const given = call.getArguments()[place];
  if (given === undefined) return [[]];
  const type = given.getType();
  const members = type.isUnion() ? type.getUnionTypes() : [type];
  return members.map((member) => member.getProperties().map((property) => property.getName()));
}
