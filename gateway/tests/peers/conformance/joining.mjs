// A client for the client scenarios of the suites, which reaches its server through `mcp-gateway stdio --connect`.
//
//   joining.mjs URL     with the gateway's program in GATEWAY; the suite names the scenario and the revision
//
// Invariant: it uses whatever the server offers, once, and leaves the verdict to the suite: a call that is refused is
// only told on stderr.

import { peer } from "../driver.mjs";

const MODERN = "2026-07-28";
const { GATEWAY, MCP_CONFORMANCE_PROTOCOL_VERSION: revision, MCP_CONFORMANCE_CONTEXT: context } = process.env;
const url = process.argv[2];

const INFO = { name: "joining", version: "1.0.0" };
const CAPABILITIES = { roots: {}, sampling: {}, elicitation: { form: { applyDefaults: true } } };
/** What the tools of all scenarios take, but for the schema that one of them wants to see again. */
const NUMBERS = { a: 1, b: 2 };

const accept = async () => ({ action: "accept", content: {} });

function legacy() {
  const { Client } = peer("@modelcontextprotocol/sdk/client/index.js");
  const { StdioClientTransport } = peer("@modelcontextprotocol/sdk/client/stdio.js");
  const { ElicitRequestSchema } = peer("@modelcontextprotocol/sdk/types.js");
  const client = new Client(INFO, { capabilities: CAPABILITIES });
  client.setRequestHandler(ElicitRequestSchema, accept);
  return { client, StdioClientTransport };
}

function modern() {
  const { Client } = peer("@modelcontextprotocol/client");
  const { StdioClientTransport } = peer("@modelcontextprotocol/client/stdio");
  const client = new Client(INFO, { capabilities: CAPABILITIES, versionNegotiation: { mode: { pin: MODERN } } });
  client.setRequestHandler("elicitation/create", accept);
  return { client, StdioClientTransport };
}

async function told(what, doing) {
  try {
    return await doing();
  } catch (error) {
    process.stderr.write(`${what}: ${error.message}\n`);
    return {};
  }
}

const { client, StdioClientTransport } = revision === MODERN ? modern() : legacy();
const transport = new StdioClientTransport({
  command: GATEWAY,
  args: ["stdio", "--connect", url],
  env: process.env,
});
await client.connect(transport);

const { tools, resources, prompts } = client.getServerCapabilities() ?? {};
// A server may serve a list that it does not declare; a client of 2026-07-28 sends its `_meta` with any request.
const { tools: listed = [] } = await told("tools/list", () => client.listTools());
/** What the scenario itself wants called, if it says that. */
const { toolCalls: wanted } = JSON.parse(context ?? "{}");
const calls = listed.map(({ name }) => ({ name, arguments: { ...NUMBERS, schema: listed[0].inputSchema } }));
for (const call of tools ? (wanted ?? calls) : []) {
  await told(call.name, () => client.callTool(call));
}
for (const { uri } of resources ? (await client.listResources()).resources : []) {
  await told(uri, () => client.readResource({ uri }));
}
for (const { name } of prompts ? (await client.listPrompts()).prompts : []) {
  await told(name, () => client.getPrompt({ name }));
}
await client.close();
