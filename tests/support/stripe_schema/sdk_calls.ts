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

/** The shape of a request: its operation and the names of its parameters. */
export function requestShape(operation: string, parameters: readonly string[]): string {
  return `${operation} (${[...parameters].sort().join(", ")})`;
}

/** The shapes of all requests that the code in these files can make through the SDK, sorted. */
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

/** Resolves only Nest's own modules and the SDK. Resolving all packages takes many times as long. */
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

/** The parameter names of a call, once for each member of a union type. */
function parametersOf(call: CallExpression, method: MethodDeclaration): string[][] {
  const place = method.getParameters().findIndex((parameter) => parameter.getName() === "params");
  const given = call.getArguments()[place];
  if (given === undefined) return [[]];
  const type = given.getType();
  const members = type.isUnion() ? type.getUnionTypes() : [type];
  // TypeScript adds the properties of the other members of a union, as `undefined`.
  return members.map((member) =>
    member
      .getProperties()
      .filter((property) => !property.getTypeAtLocation(given).isUndefined())
      .map((property) => property.getName()),
  );
}
