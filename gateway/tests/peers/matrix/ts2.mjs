// The matrix's modern client, the TypeScript SDK 2.x pinned to 2026-07-28: ts2.mjs --url URL, or --stdio CMD ARG….
// Commands: `commands.mjs`.
//
// Invariant: it hears of nothing that it did not listen for, and wants its level for each request anew.

import { options, peer } from "../driver.mjs";
import { CAPABILITIES, LIMIT_MS, NOTICES, QUESTIONS, answer, hear, serve } from "./commands.mjs";

const SDK = "@modelcontextprotocol/client";
const { Client, LOG_LEVEL_META_KEY, StreamableHTTPClientTransport } = peer(SDK);
const { StdioClientTransport } = peer(`${SDK}/stdio`);

const { url, command, args, env } = options(["modern"]);
const transport = url
  ? new StreamableHTTPClientTransport(new URL(url))
  : new StdioClientTransport({ command, args, env });
const client = new Client(
  { name: "matrix-modern", version: "1.0.0" },
  { capabilities: CAPABILITIES, versionNegotiation: { mode: { pin: "2026-07-28" } } },
);
const limits = { timeout: LIMIT_MS };

for (const method of QUESTIONS) client.setRequestHandler(method, ({ params }) => answer(method, params));
for (const method of NOTICES) client.setNotificationHandler(method, ({ params }) => hear(method, params));

const requests = {
  "tools/call": (params, how) => client.callTool(params, how),
  "resources/read": (params, how) => client.readResource(params, how),
  "prompts/get": (params, how) => client.getPrompt(params, how),
};
const lists = {
  tools: () => client.listTools(undefined, limits),
  prompts: () => client.listPrompts(undefined, limits),
  resources: () => client.listResources(undefined, limits),
};
/** What takes any result of a method that the SDK does not know. */
const ANYTHING = { "~standard": { version: 1, vendor: "matrix", validate: (value) => ({ value }) } };

let level;
let listening;

await serve({
  async open() {
    await client.connect(transport, limits);
    return { era: client.getProtocolEra(), server: client.getServerVersion(), capabilities: CAPABILITIES };
  },
  request(method, params, how) {
    const leveled = level ? { ...params, _meta: { ...params._meta, [LOG_LEVEL_META_KEY]: level } } : params;
    const other = () => client.request({ method, params: leveled }, ANYTHING, how);
    return (requests[method] ?? other)(leveled, how);
  },
  list: async (kind) => (await lists[kind]())[kind],
  async follow(uris) {
    const changes = { promptsListChanged: true, resourcesListChanged: true, toolsListChanged: true };
    listening = await client.listen(uris.length ? { resourceSubscriptions: uris } : changes, limits);
    return listening.honoredFilter;
  },
  async unfollow() {
    await listening.close();
    return listening.closed;
  },
  async level(wanted) {
    level = wanted;
    return null;
  },
  close: () => client.close(),
});
