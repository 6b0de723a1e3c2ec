// The matrix's legacy client, the TypeScript SDK 1.x: ts1.mjs --url URL, or --stdio CMD ARG…. Commands: `commands.mjs`.
//
// Invariant: it hears of lists unasked, and of resources that it subscribed to.

import { options, peer } from "../driver.mjs";
import { CAPABILITIES, LIMIT_MS, NOTICES, QUESTIONS, answer, hear, serve } from "./commands.mjs";

const SDK = "@modelcontextprotocol/sdk";
const { Client } = peer(`${SDK}/client/index.js`);
const { StreamableHTTPClientTransport } = peer(`${SDK}/client/streamableHttp.js`);
const { StdioClientTransport } = peer(`${SDK}/client/stdio.js`);
const types = peer(`${SDK}/types.js`);

const { url, command, args, env } = options(["legacy"]);
const transport = url
  ? new StreamableHTTPClientTransport(new URL(url))
  : new StdioClientTransport({ command, args, env });
const client = new Client({ name: "matrix-legacy", version: "1.0.0" }, { capabilities: CAPABILITIES });
const limits = { timeout: LIMIT_MS };

const schemas = Object.values(types).filter((schema) => schema?.shape?.method?.value !== undefined);
const schemaOf = (method) => schemas.find((schema) => schema.shape.method.value === method);
for (const method of QUESTIONS) client.setRequestHandler(schemaOf(method), ({ params }) => answer(method, params));
for (const method of NOTICES) client.setNotificationHandler(schemaOf(method), ({ params }) => hear(method, params));

const requests = {
  // Not `callTool`, which refuses by itself what a server wants as a task: what the server answers is what counts.
  "tools/call": (params, how) => client.request({ method: "tools/call", params }, types.CallToolResultSchema, how),
  "resources/read": (params, how) => client.readResource(params, how),
  "prompts/get": (params, how) => client.getPrompt(params, how),
};
const lists = {
  tools: () => client.listTools({}, limits),
  prompts: () => client.listPrompts({}, limits),
  resources: () => client.listResources({}, limits),
};

await serve({
  async open() {
    await client.connect(transport, limits);
    return { era: "legacy", server: client.getServerVersion(), capabilities: CAPABILITIES };
  },
  request(method, params, how) {
    const other = () => client.request({ method, params }, types.ResultSchema.passthrough(), how);
    return (requests[method] ?? other)(params, how);
  },
  list: async (kind) => (await lists[kind]())[kind],
  async follow(uris) {
    for (const uri of uris) await client.subscribeResource({ uri }, limits);
    return null;
  },
  async unfollow(uris) {
    for (const uri of uris) await client.unsubscribeResource({ uri }, limits);
    return null;
  },
  level: (level) => client.setLoggingLevel(level, limits),
  async close() {
    await transport.terminateSession?.();
    await client.close();
  },
});
