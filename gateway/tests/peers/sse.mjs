// What must reach a client of the TypeScript SDK 1.x outside of its answers, over HTTP+SSE or stdio: progress, an error,
// questions of a server, that a call which it gives up is cancelled, and over HTTP+SSE that it is served again when its
// stream broke off. Prints one JSON document.
//
// Usage: sse.mjs URL, or sse.mjs --stdio CMD ARG…. The server behind it is `everything` under that prefix, and nothing else may ask meanwhile.
// Invariant: exit code 0 means that the document is complete.

import { connect, createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { REQUEST_MS, peer } from "./driver.mjs";

const SDK = "@modelcontextprotocol/sdk";
const { Client } = peer(`${SDK}/client/index.js`);
const { SSEClientTransport } = peer(`${SDK}/client/sse.js`);
const { StdioClientTransport } = peer(`${SDK}/client/stdio.js`);
const { CreateMessageRequestSchema, ElicitRequestSchema } = peer(`${SDK}/types.js`);

const [address, command, ...args] = process.argv.slice(2);
const url = address === "--stdio" ? null : new URL(address);
const ways = new Set();
const proxy = url && (await between(url));
const transport = url ? new SSEClientTransport(url) : new StdioClientTransport({ command, args, env: process.env });

/** A way to the gateway that can be cut, as a proxy's timeout or a restart does it. The URL leads there from now on. */
async function between(way) {
  const { hostname: host, port } = way;
  const server = createServer((near) => {
    const far = connect({ host, port });
    for (const [from, to] of [[near, far], [far, near]]) {
      ways.add(from);
      from.pipe(to).on("error", () => {});
      from.on("error", () => {}).on("close", () => to.destroy());
    }
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  way.port = server.address().port;
  return server;
}

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
await client.connect(transport);

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

for (const way of ways) way.destroy();
let again = null;
for (const end = Date.now() + REQUEST_MS; url && again === null && Date.now() < end; await wait(100)) {
  // Until the SDK has opened its stream anew, what it sends goes nowhere.
  again = await call("get-sum", { a: 20, b: 23 }, { timeout: 1000 }).catch(() => null);
}
await client.close();
proxy?.close();
console.log(JSON.stringify({ progress, long, asked, elicited, sampled, unknown, cancelled, sum, again }));
