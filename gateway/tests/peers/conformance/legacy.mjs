// The conformance shard: one server with all that the official suites ask of 2025-11-25.
//
//   legacy.mjs                 serves it on stdio, as the gateway mounts it
//   legacy.mjs --http PORT     serves it by the SDK's own Streamable HTTP, prints its address, ends with stdin
//
// Invariant: both ways serve the same handlers, so that what differs between them is the way alone.

import { parseArgs } from "node:util";
import { peer } from "../driver.mjs";
import { serve } from "./http.mjs";
import { PROMPTS, RESOURCES, TEMPLATES, completions, read } from "./offers.mjs";
import { LISTED, TOOLS } from "./tools.mjs";

const SDK = "@modelcontextprotocol/sdk";
const { Server } = peer(`${SDK}/server/index.js`);
const { StdioServerTransport } = peer(`${SDK}/server/stdio.js`);
const types = peer(`${SDK}/types.js`);

const RESOURCE_NOT_FOUND = -32002;
const LEVELS = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

const invalid = (message) => new types.McpError(types.ErrorCode.InvalidParams, message);

function open() {
  const server = new Server(
    { name: "conformance-legacy", version: "1.0.0" },
    { capabilities: { completions: {}, logging: {}, prompts: {}, resources: { subscribe: true }, tools: {} } },
  );
  const watched = new Set();
  // Everything is logged until the client says what it wants.
  let level = LEVELS[0];

  const handlers = {
    SetLevel: ({ level: wanted }) => {
      level = wanted;
      return {};
    },
    Complete: ({ argument }) => {
      const values = completions(argument.value);
      return { completion: { values, total: values.length, hasMore: false } };
    },
    ListTools: () => ({ tools: LISTED }),
    CallTool: async ({ name, arguments: args = {} }, extra) => {
      if (!Object.hasOwn(TOOLS, name)) throw invalid(`there is no tool ${name}`);
      const wants = (at) => LEVELS.indexOf(at) >= LEVELS.indexOf(level);
      try {
        return await TOOLS[name].call(args, asking(server, extra, wants));
      } catch (error) {
        return { isError: true, content: [{ type: "text", text: error.message }] };
      }
    },
    ListResources: () => ({ resources: RESOURCES }),
    ListResourceTemplates: () => ({ resourceTemplates: TEMPLATES }),
    ReadResource: ({ uri }) => found(uri),
    Subscribe: ({ uri }) => {
      found(uri);
      watched.add(uri);
      return {};
    },
    Unsubscribe: ({ uri }) => {
      if (!watched.delete(uri)) throw invalid(`${uri} is not subscribed to`);
      return {};
    },
    ListPrompts: () => {
      const shown = ([name, { description, arguments: args }]) => ({ name, description, arguments: args });
      return { prompts: Object.entries(PROMPTS).map(shown) };
    },
    GetPrompt: ({ name, arguments: args = {} }) => {
      if (!Object.hasOwn(PROMPTS, name)) throw invalid(`there is no prompt ${name}`);
      const missing = PROMPTS[name].arguments.find((argument) => args[argument.name] === undefined);
      if (missing) throw invalid(`the prompt ${name} lacks ${missing.name}`);
      return { messages: PROMPTS[name].messages(args) };
    },
  };
  for (const [method, handle] of Object.entries(handlers)) {
    server.setRequestHandler(types[`${method}RequestSchema`], (request, extra) => handle(request.params, extra));
  }
  return server;
}

function found(uri) {
  const contents = read(uri);
  if (!contents) throw Object.assign(new Error("Resource not found"), { code: RESOURCE_NOT_FOUND, data: { uri } });
  return contents;
}

/** What a tool can say to its caller; `relatedRequestId` puts a request on that call's own stream. */
function asking(server, extra, wants) {
  const options = { relatedRequestId: extra.requestId };
  const { sendNotification: send } = extra;
  const progressToken = extra._meta?.progressToken;
  return {
    log: async (data, at = "info") => {
      if (wants(at)) await send({ method: "notifications/message", params: { level: at, logger: "tool", data } });
    },
    progress: async (progress, total) => {
      if (progressToken === undefined) return;
      await send({ method: "notifications/progress", params: { progressToken, progress, total } });
    },
    sample: (params) => {
      if (!server.getClientCapabilities()?.sampling) throw new Error("the client declares no sampling");
      return server.createMessage(params, options);
    },
    elicit: (params) => server.elicitInput(params, options),
    hangUp: () => extra.closeSSEStream?.(),
  };
}

const { values } = parseArgs({ options: { http: { type: "string" } } });
if (values.http === undefined) {
  await open().connect(new StdioServerTransport());
} else {
  await serve(open, Number(values.http));
}
