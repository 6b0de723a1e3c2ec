// What the TypeScript SDK 2.x, pinned to 2026-07-28, makes of a server of an earlier revision that asks in the midst of its
// calls. Prints one JSON document.
//
// Usage: bridged.mjs URL, or bridged.mjs --stdio CMD ARG…. The server behind it is `everything` under that prefix.
// Invariant: exit code 0 means that the document is complete.

import { REQUEST_MS, peer } from "./driver.mjs";

const SDK = "@modelcontextprotocol/client";
const { Client, StreamableHTTPClientTransport } = peer(SDK);
const { StdioClientTransport } = peer(`${SDK}/stdio`);

const [address, command, ...args] = process.argv.slice(2);
const transport =
  address === "--stdio"
    ? new StdioClientTransport({ command, args, env: process.env })
    : new StreamableHTTPClientTransport(new URL(address));

const capabilities = { elicitation: {}, sampling: {} };
const negotiation = { mode: { pin: "2026-07-28" } };
const client = new Client({ name: "peer-bridged", version: "1" }, { capabilities, versionNegotiation: negotiation });
const asked = [];
let willing = true;
client.setRequestHandler("elicitation/create", ({ params }) => {
  if (!willing) return { action: "decline" };
  asked.push({ elicitation: params.message, fields: Object.keys(params.requestedSchema.properties).length });
  return { action: "accept", content: { name: "Ada", check: true } };
});
client.setRequestHandler("sampling/createMessage", ({ params }) => {
  asked.push({ sampling: params.messages.length });
  return { role: "assistant", model: "none", content: { type: "text", text: "sampled" } };
});
await client.connect(transport, { timeout: REQUEST_MS });

const call = async (name, args) => {
  const result = await client.callTool({ name: `everything__${name}`, arguments: args }, { timeout: REQUEST_MS });
  return result.content.map((part) => part.text).join("\n");
};
const elicited = await call("trigger-elicitation-request", {});
const sampled = await call("trigger-sampling-request", { prompt: "say it", maxTokens: 10 });
willing = false;
const declined = await call("trigger-elicitation-request", {});
const sum = await call("get-sum", { a: 19, b: 23 });
const revision = client.getNegotiatedProtocolVersion();
await client.close();
console.log(JSON.stringify({ revision, asked, elicited, sampled, declined, sum }));
