// What both shards of the matrix offer: the same tools, prompts and resources, whatever their era.
//
// Invariant: a tool says the same and asks the same in both eras; how that travels is its shard's affair.

import { appendFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";

/** The TypeScript SDK 1.x passes over progress that it reads together with the answer. */
const BEFORE_ANSWER_MS = 150;

export const LISTS_CHANGE = { listChanged: true };

/** Writes down what the shard is sent, before the SDK acts on it. */
export function keep(journal) {
  process.stdin.on("data", (chunk) => appendFileSync(journal, chunk));
}

export const content = (structuredContent) => ({
  content: [{ type: "text", text: JSON.stringify(structuredContent) }],
  structuredContent,
});

/** A shard's own lists, which `add` lengthens. The scheme of its uris keeps them apart from another shard's. */
export function offers(scheme) {
  const lists = {
    tools: Object.keys(TOOLS).map((name) => ({ name, description: `The tool ${name}.`, inputSchema: { type: "object" } })),
    prompts: [{ name: "greet", description: "A greeting.", arguments: [{ name: "who", required: true }] }],
    resources: ["one", "two"].map((name) => ({ uri: `${scheme}://${name}`, name })),
  };
  const templates = [{ uriTemplate: `${scheme}://item/{id}`, name: "item" }];
  const add = {
    tools: (name) => ({ name, inputSchema: { type: "object" } }),
    prompts: (name) => ({ name }),
    resources: (name) => ({ uri: `${scheme}://${name}`, name }),
  };
  return {
    lists,
    templates,
    add: (kind, name) => lists[kind].push(add[kind](name)),
    /** The contents, or undefined. No item of the template is there. */
    read: (uri) => {
      const found = lists.resources.find((resource) => resource.uri === uri);
      return found && { contents: [{ uri, text: `${scheme} has ${found.name}` }] };
    },
    prompt: (name, args) => {
      const text = `${scheme} greets ${args?.who}`;
      return lists.prompts.some((prompt) => prompt.name === name)
        ? { messages: [{ role: "user", content: { type: "text", text } }] }
        : undefined;
    },
  };
}

/** By name: what a tool does with its arguments and its caller, which can `progress`, `log`, `ask`, `add` and `touch`. */
export const TOOLS = {
  echo: (args) => content(args),
  async steps({ n }, caller) {
    for (let step = 1; step <= n; step++) await caller.progress(step, n);
    await wait(BEFORE_ANSWER_MS);
    return content({ steps: n });
  },
  async hang(_, caller) {
    await caller.progress(1, 2);
    await new Promise((cancelled) => caller.signal.addEventListener("abort", cancelled));
    return content({});
  },
  ask: async ({ questions }, caller) => content({ heard: await caller.ask(questions) }),
  async log({ lines }, caller) {
    for (const [level, data] of lines) await caller.log(level, data);
    return content({});
  },
  async add({ kind, name }, caller) {
    await caller.add(kind, name);
    return content({});
  },
  async touch({ uri }, caller) {
    await caller.touch(uri);
    return content({});
  },
};
