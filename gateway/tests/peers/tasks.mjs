// Clients of the TypeScript SDK 1.x that run a task each, all at the same time, and are asked in the midst of it.
//
// Invariant: each answers with its own word, so that a question that went astray shows in the results.

import { REQUEST_MS, peer } from "./driver.mjs";

const SDK = "@modelcontextprotocol/sdk";
const { Client } = peer(`${SDK}/client/index.js`);
const { StreamableHTTPClientTransport } = peer(`${SDK}/client/streamableHttp.js`);
const { ElicitRequestSchema, CallToolResultSchema } = peer(`${SDK}/types.js`);
const { version } = peer("./node_modules/@modelcontextprotocol/sdk/package.json");

const [url, tool, count] = process.argv.slice(2);

async function run(number) {
  const word = `the word of client ${number}`;
  const topic = `topic ${number}`;
  const questions = [];
  const client = new Client({ name: `peer-tasks-${number}`, version }, { capabilities: { elicitation: {} } });
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    questions.push(params.message);
    return { action: "accept", content: { interpretation: word } };
  });
  const transport = new StreamableHTTPClientTransport(new URL(url));
  await client.connect(transport, { timeout: REQUEST_MS });
  const { tools } = await client.listTools();
  const support = tools.find(({ name }) => name === tool).execution?.taskSupport;
  const steps = [];
  let text;
  let task;
  const params = { name: tool, arguments: { topic, ambiguous: true } };
  const stream = client.experimental.tasks.callToolStream(params, CallToolResultSchema, { timeout: REQUEST_MS });
  for await (const message of stream) {
    if (steps.at(-1) !== message.type) steps.push(message.type);
    if (message.type === "taskCreated") task = message.task.taskId;
    if (message.type === "result") text = message.result.content.map((part) => part.text).join("\n");
    if (message.type === "error") text = String(message.error);
  }
  const status = await client.experimental.tasks.getTask(task).then((found) => found.status);
  const asksForIt = questions.every((question) => question.includes(`"${topic}"`));
  await transport.terminateSession();
  await client.close();
  return { support, steps, status, asked: questions.length, asksForIt, answered: text.includes(word) };
}

const runs = Array.from({ length: Number(count) }, (_, number) => run(number));
console.log(JSON.stringify(await Promise.all(runs)));
