// The conformance shard of both eras: one server with all that the official suites ask of 2026-07-28, and of 2025-11-25.
//
//   modern.mjs                 serves it on stdio, as the gateway mounts it
//   modern.mjs --http PORT     serves it by the SDK's own Streamable HTTP, prints its address, ends with stdin
//
// Invariant: both ways serve the same handlers, so that what differs between them is the way alone.

import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { peer } from "../driver.mjs";
import { asking, asResult } from "./asking.mjs";
import { serve } from "./modern_http.mjs";
import { PROMPTS, RESOURCES, TEMPLATES, completions, read } from "./offers.mjs";
import { ROUNDS, ROUNDS_PROMPT } from "./rounds.mjs";
import { TASK_TOOLS, TASKS, TASKS_EXTENSION } from "./tasks.mjs";
import { NOTHING, TOOLS } from "./tools.mjs";
import { CHANGING, PROBES, changes } from "./probes.mjs";

const sdk = peer("@modelcontextprotocol/server");
const { serveStdio } = peer("@modelcontextprotocol/server/stdio");

/** Unlike the defaults, and unlike each other, so that a hint that is lost or mixed up shows. */
const CACHED = ["tools/list", "prompts/list", "resources/list", "resources/templates/list", "resources/read"];
const hint = (method, at) => [method, { ttlMs: 61_000 + 1_000 * at, cacheScope: "public" }];

const ALL = { ...TOOLS, ...PROBES, ...ROUNDS, ...TASK_TOOLS };
/** Made once: each request over HTTP has a server of its own. */
const SCHEMAS = new Map(
  Object.entries({ ...ALL, ...CHANGING.tools }).map(([name, { inputSchema = NOTHING }]) => [
    name,
    sdk.fromJsonSchema(inputSchema),
  ]),
);
const STATES = sdk.createRequestStateCodec({ key: randomBytes(32) });

const invalid = (message) => new sdk.ProtocolError(sdk.ProtocolErrorCode.InvalidParams, message);

/** A server for one connection or one request; `publish` tells those who listen elsewhere what has changed. */
function open({ era }, publish) {
  const extensions = era === "modern" ? { extensions: { [TASKS_EXTENSION]: {} } } : {};
  const server = new sdk.McpServer(
    { name: "conformance-modern", version: "1.0.0" },
    {
      capabilities: {
        completions: {},
        logging: {},
        prompts: { listChanged: true },
        resources: { subscribe: true },
        tools: { listChanged: true },
        ...extensions,
      },
      cacheHints: Object.fromEntries(CACHED.map(hint)),
      requestState: { verify: STATES.verify },
    },
  );
  const changed = changes(server, publish);
  const session = () => server.server.getClientCapabilities() ?? {};
  const toolbox = { states: STATES, changed, session };
  offerTools(server, toolbox);
  offerPrompts(server.server, toolbox);
  offerResources(server.server);
  for (const [method, handle] of Object.entries(era === "modern" ? TASKS : {})) {
    server.server.setRequestHandler(method, { params: sdk.fromJsonSchema({ type: "object" }) }, handle);
  }
  return server;
}

function offerTools(server, toolbox) {
  const { changed } = toolbox;
  const call = (name) => (args, context) => asResult(() => ALL[name].call(args, asking(context, toolbox)));
  for (const [name, { description }] of Object.entries(ALL)) {
    server.registerTool(name, { description, inputSchema: SCHEMAS.get(name) }, call(name));
  }
  for (const [name, { description, call: answer }] of Object.entries(CHANGING.tools)) {
    const tool = server.registerTool(name, { description, inputSchema: SCHEMAS.get(name) }, answer);
    if (!changed.shows("tools")) tool.disable();
    changed.owns("tools", tool);
  }
  // The handler of `McpServer` makes a result of each error, also of those of the protocol.
  server.server.setRequestHandler("tools/call", ({ params: { name, arguments: args = {} } }, context) => {
    if (Object.hasOwn(ALL, name)) return call(name)(args, context);
    if (Object.hasOwn(CHANGING.tools, name) && changed.shows("tools")) return CHANGING.tools[name].call();
    throw invalid(`there is no tool ${name}`);
  });
}

function offerPrompts(server, toolbox) {
  const shown = () => ({ ...PROMPTS, ...ROUNDS_PROMPT, ...CHANGING.shown("prompts") });
  server.setRequestHandler("prompts/list", () => ({
    prompts: Object.entries(shown()).map(([name, { description, arguments: args }]) => ({
      name,
      description,
      arguments: args,
    })),
  }));
  server.setRequestHandler("prompts/get", ({ params: { name, arguments: args = {} } }, context) => {
    if (!Object.hasOwn(shown(), name)) throw invalid(`there is no prompt ${name}`);
    const prompt = shown()[name];
    const missing = prompt.arguments.find((argument) => args[argument.name] === undefined);
    if (missing) throw invalid(`the prompt ${name} lacks ${missing.name}`);
    return asResult(async () => ({ messages: await prompt.messages(args, asking(context, toolbox)) }));
  });
  server.setRequestHandler("completion/complete", ({ params: { argument } }) => {
    const values = completions(argument.value);
    return { completion: { values, total: values.length, hasMore: false } };
  });
}

function offerResources(server) {
  const watched = new Set();
  const found = (uri) => {
    const contents = read(uri);
    if (!contents) throw new sdk.ResourceNotFoundError(uri);
    return contents;
  };
  server.setRequestHandler("resources/list", () => ({ resources: RESOURCES }));
  server.setRequestHandler("resources/templates/list", () => ({ resourceTemplates: TEMPLATES }));
  server.setRequestHandler("resources/read", ({ params: { uri } }) => found(uri));
  server.setRequestHandler("resources/subscribe", ({ params: { uri } }) => {
    found(uri);
    watched.add(uri);
    return {};
  });
  server.setRequestHandler("resources/unsubscribe", ({ params: { uri } }) => {
    if (!watched.delete(uri)) throw invalid(`${uri} is not subscribed to`);
    return {};
  });
}

const { values } = parseArgs({ options: { http: { type: "string" } } });
if (values.http === undefined) {
  serveStdio(open);
} else {
  await serve(open, Number(values.http));
}
