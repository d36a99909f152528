import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import Stripe from "stripe";
import {
  type CallExpression,
  type MethodDeclaration,
  ModuleKind,
  ModuleResolutionKind,
  Node,
  Project,
  ScriptTarget,
  SyntaxKind,
  type ts,
} from "ts-morph";

/** One operation of Stripe's API with the SDK's types. */
export interface SdkOperation {
  /** `POST /v1/customers/:id`. */
  name: string;
  /** Null if the operation has no parameters. */
  params: ts.Type | null;
  answer: ts.Type;
  isList: boolean;
}

/** The SDK's operations and types. */
export interface SdkTypes {
  version: string;
  checker: ts.TypeChecker;
  operations: SdkOperation[];
  /** A type that the SDK exports as `Stripe.<name>`. */
  exported(file: string, name: string): ts.Type;
}

/** `resolve` returns the CommonJS build. Nest imports the ESM build. */
const SDK = join(dirname(createRequire(import.meta.url).resolve("stripe")), "../esm");

const NODE_NEXT = { module: ModuleKind.NodeNext, moduleResolution: ModuleResolutionKind.NodeNext };

/** Reads the SDK: the operations from its code, and their parameters and responses from its type declarations. Takes seconds. */
export function readSdk(): SdkTypes {
  const project = new Project({
    compilerOptions: { strict: true, allowJs: true, types: [], target: ScriptTarget.ES2024, ...NODE_NEXT },
    skipAddingFilesFromTsConfig: true,
  });
  const code = project.addSourceFilesAtPaths(join(SDK, "resources/**/*.js"));
  project.addSourceFilesAtPaths(join(SDK, "**/*.d.ts"));
  const checker = project.getTypeChecker().compilerObject;
  const operations = code.flatMap((file) => {
    const calls = file.getDescendantsOfKind(SyntaxKind.CallExpression).filter(isRequest);
    return calls.flatMap((call) => {
      const method = call.getFirstAncestorByKind(SyntaxKind.MethodDeclaration);
      return method ? readOperation(project, checker, call, method) : [];
    });
  });
  return {
    version: Stripe.PACKAGE_VERSION,
    checker,
    operations,
    exported(file, name) {
      const source = project.getSourceFileOrThrow(join(SDK, file));
      const declaration = source.getTypeAlias(name) ?? source.getInterface(name);
      if (declaration === undefined) throw new Error(`The SDK has no ${name} in ${file}`);
      return checker.getTypeAtLocation(declaration.compilerNode);
    },
  };
}

function isRequest(call: CallExpression): boolean {
  return call.getExpression().getText() === "this._makeRequest";
}

function readOperation(
  project: Project,
  checker: ts.TypeChecker,
  call: CallExpression,
  method: MethodDeclaration,
): SdkOperation[] {
  const name = nameOf(call);
  const owner = method.getParentIfKindOrThrow(SyntaxKind.ClassDeclaration).getNameOrThrow();
  const types = project.getSourceFileOrThrow(call.getSourceFile().getFilePath().replace(/js$/, "d.ts"));
  const declared = types.getClass(owner)?.getMethod(method.getName());
  if (!declared || !/^\w+ \/v1\//.test(name)) return [];
  const params = declared.getParameters().find((parameter) => parameter.getName() === "params");
  const { type, isList } = answerOf(checker, declared.getReturnType().compilerType);
  return [
    {
      name,
      params: params ? checker.getNonNullableType(params.getType().compilerType) : null,
      answer: type,
      isList,
    },
  ];
}

/**
 * The operation that a method of the SDK requests, such as `POST /v1/customers`. Null if it is not a method of the SDK.
 * @param code a project to which the SDK's code is added
 */
export function operationNameOf(method: MethodDeclaration, code: Project): string | null {
  const [, file] = /\/stripe\/\w+\/(resources\/.*)\.d\.ts$/.exec(method.getSourceFile().getFilePath()) ?? [];
  const owner = method.getParentIfKind(SyntaxKind.ClassDeclaration)?.getName();
  if (file === undefined || owner === undefined) return null;
  const written = code
    .addSourceFileAtPath(join(SDK, `${file}.js`))
    .getClass(owner)
    ?.getMethod(method.getName());
  const call = written?.getDescendantsOfKind(SyntaxKind.CallExpression).find(isRequest);
  return call ? nameOf(call) : null;
}

function nameOf(call: CallExpression): string {
  const [verb, path] = call.getArguments();
  return verb && path ? `${textOf(verb)} ${textOf(path)}` : "";
}

/** The text of a string literal, with `:id` for each interpolation. */
function textOf(node: Node): string {
  if (Node.isStringLiteral(node) || Node.isNoSubstitutionTemplateLiteral(node)) return node.getLiteralText();
  return node
    .getText()
    .slice(1, -1)
    .replace(/\$\{[^}]*\}/g, ":id");
}

/** The type T in `Promise<Response<T>>` or `ApiListPromise<T>`. */
function answerOf(checker: ts.TypeChecker, type: ts.Type): { type: ts.Type; isList: boolean } {
  const [inner] = checker.getTypeArguments(type as ts.TypeReference);
  if (inner === undefined) throw new Error(`Unknown return type: ${checker.typeToString(type)}`);
  if (type.symbol.name !== "Promise") return { type: inner, isList: type.symbol.name === "ApiListPromise" };
  return { type: inner.aliasTypeArguments?.[0] ?? inner, isList: false };
}
