// The legacy shard of the matrix, on the TypeScript SDK 1.x over stdio: legacy.mjs SCHEME JOURNAL.
//
// Invariant: it asks by requests of its own, and tells of changes unasked.

import { peer } from "../driver.mjs";
import { LISTS_CHANGE, TOOLS, keep, offers } from "./offers.mjs";

const SDK = "@modelcontextprotocol/sdk";
const { Server } = peer(`${SDK}/server/index.js`);
const { StdioServerTransport } = peer(`${SDK}/server/stdio.js`);
const types = peer(`${SDK}/types.js`);

const [scheme, journal] = process.argv.slice(2);
keep(journal);
const own = offers(scheme);
const watched = new Set();
const resources = { ...LISTS_CHANGE, subscribe: true };
const server = new Server(
  { name: `matrix-${scheme}`, version: "1.0.0" },
  { capabilities: { logging: {}, prompts: LISTS_CHANGE, resources, tools: LISTS_CHANGE } },
);

const missing = (message) => new types.McpError(types.ErrorCode.InvalidParams, message);
const nowhere = (uri) => Object.assign(new Error("Resource not found"), { code: -32002, data: { uri } });

const handlers = {
  ListTools: () => ({ tools: own.lists.tools }),
  ListPrompts: () => ({ prompts: own.lists.prompts }),
  ListResources: () => ({ resources: own.lists.resources }),
  ListResourceTemplates: () => ({ resourceTemplates: own.templates }),
  async CallTool({ name, arguments: args = {} }, extra) {
    if (!Object.hasOwn(TOOLS, name)) throw missing(`there is no tool ${name}`);
    return TOOLS[name](args, caller(extra));
  },
  ReadResource({ uri }) {
    const contents = own.read(uri);
    if (!contents) throw nowhere(uri);
    return contents;
  },
  GetPrompt({ name, arguments: args }) {
    const prompt = own.prompt(name, args);
    if (!prompt) throw missing(`there is no prompt ${name}`);
    return prompt;
  },
  Subscribe({ uri }) {
    watched.add(uri);
    return {};
  },
  Unsubscribe({ uri }) {
    watched.delete(uri);
    return {};
  },
};
for (const [method, handle] of Object.entries(handlers)) {
  server.setRequestHandler(types[`${method}RequestSchema`], (request, extra) => handle(request.params, extra));
}

const CHANGED = {
  tools: () => server.sendToolListChanged(),
  prompts: () => server.sendPromptListChanged(),
  resources: () => server.sendResourceListChanged(),
};

function caller(extra) {
  const progressToken = extra._meta?.progressToken;
  return {
    signal: extra.signal,
    async progress(progress, total) {
      if (progressToken === undefined) return;
      await extra.sendNotification({ method: "notifications/progress", params: { progressToken, progress, total } });
    },
    log: (level, data) => server.sendLoggingMessage({ level, logger: scheme, data }),
    /** All at once; an answer is what the client answered, whatever that is. */
    async ask(questions) {
      const asking = Object.entries(questions).map(async ([key, question]) => [
        key,
        await server.request(question, types.ResultSchema.passthrough()),
      ]);
      return Object.fromEntries(await Promise.all(asking));
    },
    async add(kind, name) {
      own.add(kind, name);
      await CHANGED[kind]();
    },
    async touch(uri) {
      if (watched.has(uri)) await server.sendResourceUpdated({ uri });
    },
  };
}

await server.connect(new StdioServerTransport());
