// What must reach a client of the TypeScript SDK 1.x outside of its answers, over HTTP+SSE: progress, an error, a changed
// list, questions of a server, and that a call which it gives up is cancelled. Prints one JSON document.
//
// Usage: sse.mjs URL. The server behind the URL is `everything` under that prefix, and nothing else may ask meanwhile.
// Invariant: exit code 0 means that the document is complete.

import { REQUEST_MS, peer } from "./driver.mjs";

const SDK = "@modelcontextprotocol/sdk";
const { Client } = peer(`${SDK}/client/index.js`);
const { SSEClientTransport } = peer(`${SDK}/client/sse.js`);
const { CreateMessageRequestSchema, ElicitRequestSchema } = peer(`${SDK}/types.js`);

const [url] = process.argv.slice(2);
const info = { name: "peer-sse", version: "1" };
const client = new Client(info, { capabilities: { elicitation: {}, sampling: {} } });
const asked = [];
client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
  asked.push({ elicitation: params.message, fields: Object.keys(params.requestedSchema.properties).length });
  return { action: "accept", content: { name: "Ada", check: true } };
});
client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => {
  asked.push({ sampling: params.messages.length });
  return { role: "assistant", model: "none", content: { type: "text", text: "sampled" } };
});
await client.connect(new SSEClientTransport(new URL(url)));

const call = async (name, args, options) => {
  const params = { name: `everything__${name}`, arguments: args };
  const result = await client.callTool(params, undefined, { timeout: REQUEST_MS, ...options });
  return result.content.map((part) => part.text).join("\n");
};
const refused = (asking) => asking.then(() => null, ({ code, message }) => ({ code, message }));

const progress = [];
const long = await call(
  "trigger-long-running-operation",
  { duration: 1, steps: 4 },
  { onprogress: (told) => progress.push([told.progress, told.total]) },
);
const elicited = await call("trigger-elicitation-request", {});
const sampled = await call("trigger-sampling-request", { prompt: "say it", maxTokens: 10 });
const unknown = await refused(call("nothing", {}));
const giveUp = new AbortController();
const endless = refused(call("trigger-long-running-operation", { duration: 60, steps: 60 }, {
  signal: giveUp.signal,
  onprogress: () => giveUp.abort("enough"),
}));
const cancelled = await endless;
const sum = await call("get-sum", { a: 19, b: 23 });
await client.close();
console.log(JSON.stringify({ progress, long, asked, elicited, sampled, unknown, cancelled, sum }));
