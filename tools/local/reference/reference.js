/** Draws the API reference with Scalar, which this stack serves as one file. */
const DOCUMENT = "/openapi.json";
const SCALAR = "/docs/scalar.js";

/** Every option below turns off a request to another server that Scalar makes by default, or a button that leads there. */
const OFFLINE = {
  withDefaultFonts: false,
  telemetry: false,
  agent: { disabled: true },
  mcp: { disabled: true },
  showDeveloperTools: "never",
  hideClientButton: true,
};

/** The languages whose generated samples are not shown. */
const OTHER_TARGETS = [
  ...["c", "clojure", "csharp", "dart", "fsharp", "go", "http", "java", "js", "julia", "kotlin", "node"],
  ...["objc", "ocaml", "php", "powershell", "python", "r", "ruby", "rust", "swift"],
];

function loadScalar() {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = SCALAR;
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(script);
  });
}

async function showFailure(status) {
  // The response of the script request contains the reason, which a script element does not report.
  const answer = await fetch(SCALAR).then((response) => response.text());
  const link = document.createElement("a");
  link.href = DOCUMENT;
  link.textContent = "the OpenAPI document";
  status.replaceChildren(`The API reference can't be shown. ${answer} Until then, read `, link, ".");
}

const status = document.getElementById("status");
try {
  await loadScalar();
  status.textContent = "";
  window.Scalar.createApiReference("#reference", {
    ...OFFLINE,
    url: DOCUMENT,
    // Test requests go to this stack, not to the deployed API.
    servers: [{ url: location.origin }],
    operationTitleSource: "path",
    // Beside curl, the document has samples for the typed client.
    hiddenClients: {
      ...Object.fromEntries(OTHER_TARGETS.map((name) => [name, true])),
      shell: ["httpie", "wget"],
    },
    defaultHttpClient: { targetKey: "shell", clientKey: "curl" },
    defaultOpenAllTags: true,
  });
} catch {
  await showFailure(status);
}
