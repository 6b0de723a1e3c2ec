// What reaches a client of the TypeScript SDK 1.x over Streamable HTTP when its connections are cut in the midst of its
// calls, and what a second client of the same session gets that asks for the rest. Prints one JSON document.
//
// Usage: resuming.mjs URL. The shard `fake` is behind the URL, and what stands between cuts the connections of the first
// two calls. Invariant: exit code 0 means that the document is complete; what is told of a call was taken from its
// transport, because the SDK passes over a progress message that it reads together with the answer.

import { REQUEST_MS, peer } from "./driver.mjs";

const SDK = "@modelcontextprotocol/sdk";
const { Client } = peer(`${SDK}/client/index.js`);
const { StreamableHTTPClientTransport } = peer(`${SDK}/client/streamableHttp.js`);
const { CallToolResultSchema } = peer(`${SDK}/types.js`);

const url = new URL(process.argv[2]);

/** A client with all that its transport hears. */
async function connected(sessionId) {
  const client = new Client({ name: "peer-resuming", version: "1" });
  const transport = new StreamableHTTPClientTransport(url, { sessionId });
  const heard = [];
  client.onerror = () => {}; // Connections that break are errors, and so is progress of a call of the first client.
  await client.connect(transport);
  const next = transport.onmessage;
  transport.onmessage = (message, extra) => {
    heard.push(message);
    next(message, extra);
  };
  return { client, transport, heard };
}

const progress = (n, delay_ms) => ({
  method: "tools/call",
  params: { name: "fake__progress", arguments: { n, delay_ms } },
});

/** What was heard of one call: its steps, and how often it was answered. */
function account(heard) {
  const steps = heard.filter(({ method }) => method === "notifications/progress").map(({ params }) => params.progress);
  return { steps, answers: heard.filter((message) => "result" in message || "error" in message).length };
}

async function made({ client, heard }, n, delay_ms, options) {
  heard.length = 0;
  const limits = { timeout: REQUEST_MS, onprogress: () => {}, ...options };
  const result = await client.request(progress(n, delay_ms), CallToolResultSchema, limits);
  return { text: result.content[0].text, ...account(heard) };
}

const first = await connected();
const cut = await made(first, 100, 20);
const short = await made(first, 5, 20);

// The third call is begun by one client and read to its end by another.
let token;
let begun;
const some = new Promise((resolve) => (begun = resolve));
const left = made(first, 50, 20, {
  onresumptiontoken: (id) => (token = id),
  onprogress: ({ progress: step }) => step >= 10 && begun(),
}).catch(({ message }) => message);
await some;
const before = account(first.heard);
const { sessionId } = first.transport;
await first.client.close();
const abandoned = await left;
const second = await connected(sessionId);
const rest = await made(second, 0, 0, { resumptionToken: token });
await second.transport.terminateSession();
await second.client.close();
console.log(JSON.stringify({ cut, short, before, abandoned, rest }));
