// The extension `io.modelcontextprotocol/tasks`: tools that go on after their answer, and the methods that ask after them.
//
// Invariant: a task is in the table before its id is told, and its id stays there for all of its `ttlMs`.

import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { peer } from "../driver.mjs";
import { asResult, declared, form } from "./asking.mjs";

const sdk = peer("@modelcontextprotocol/server");

export const TASKS_EXTENSION = "io.modelcontextprotocol/tasks";

const TTL_MS = 60_000;
const POLL_MS = 100;
/** How long the tools work that only have to fail. */
const SHORT_MS = 200;

const text = (text) => ({ content: [{ type: "text", text }] });

/** All of this process, whatever request made them. */
const tasks = new Map();

class Task {
  #stop = new AbortController();
  #waiting = new Map();

  constructor() {
    const now = new Date().toISOString();
    this.shown = {
      taskId: randomUUID(),
      status: "working",
      createdAt: now,
      lastUpdatedAt: now,
      ttlMs: TTL_MS,
      pollIntervalMs: POLL_MS,
    };
  }

  get #isOver() {
    return !["working", "input_required"].includes(this.shown.status);
  }

  #become(status, more = {}) {
    if (this.#isOver) return;
    const { inputRequests, ...kept } = this.shown;
    this.shown = { ...kept, status, lastUpdatedAt: new Date().toISOString(), ...more };
  }

  /** Runs the work. A tool that fails has a result that says so; only an error of the protocol is a failed task. */
  async run(work) {
    try {
      this.#become("completed", { result: await asResult(() => work(this)) });
    } catch (error) {
      this.#become("failed", { error: { code: error.code, message: error.message } });
    }
  }

  pause(ms) {
    return pause(ms, undefined, { signal: this.#stop.signal, ref: false });
  }

  /** Waits for the answers to all of these questions, which may come one by one. */
  async answers(inputRequests) {
    const keys = Object.keys(inputRequests);
    const given = keys.map((key) => new Promise((resolve) => this.#waiting.set(key, resolve)));
    this.#become("input_required", { inputRequests });
    const answers = await Promise.all(given);
    return Object.fromEntries(keys.map((key, at) => [key, answers[at]]));
  }

  update(responses) {
    for (const [key, response] of Object.entries(responses)) {
      this.#waiting.get(key)?.(response);
      this.#waiting.delete(key);
    }
    if (this.#waiting.size === 0) return this.#become("working");
    const open = Object.entries(this.shown.inputRequests).filter(([key]) => this.#waiting.has(key));
    return this.#become("input_required", { inputRequests: Object.fromEntries(open) });
  }

  cancel() {
    this.#become("cancelled");
    this.#stop.abort();
  }
}

/** Begins a task and answers with it. */
function begin(work) {
  const task = new Task();
  const { shown } = task;
  tasks.set(shown.taskId, task);
  setTimeout(() => tasks.delete(shown.taskId), TTL_MS).unref();
  void task.run(work);
  return { resultType: "task", ...shown };
}

const declares = (capabilities) => capabilities.extensions?.[TASKS_EXTENSION] !== undefined;

function require(capabilities) {
  if (declares(capabilities)) return;
  const requiredCapabilities = { extensions: { [TASKS_EXTENSION]: {} } };
  throw new sdk.MissingRequiredClientCapabilityError({ requiredCapabilities });
}

/** A tool whose work may outlive its call, if the client knows what that is. */
const able = (work) => (args, ask) =>
  declares(ask.declared()) ? begin((task) => work(args, task)) : work(args, { pause });

/** A tool whose work has to outlive its call. */
const bound = (work) => (args, ask) => {
  require(ask.declared());
  return begin((task) => work(args, task));
};

const args = (properties, required = Object.keys(properties)) => ({ type: "object", properties, required });

export const TASK_TOOLS = {
  greet: {
    description: "Greets at once.",
    inputSchema: args({ name: { type: "string" } }),
    call: ({ name }) => text(`Hello, ${name}!`),
  },
  slow_compute: {
    description: "Takes so many seconds.",
    inputSchema: args({ seconds: { type: "number" }, label: { type: "string" } }, ["seconds"]),
    call: able(async ({ seconds, label = "it" }, task) => {
      await task.pause(seconds * 1_000);
      return text(`Computed ${label} in ${seconds} s.`);
    }),
  },
  failing_job: {
    description: "Fails as a tool does.",
    call: bound(async (_, task) => {
      await task.pause(SHORT_MS);
      throw new Error("The job failed, as it always does.");
    }),
  },
  protocol_error_job: {
    description: "Fails with an error of the protocol.",
    call: bound(async (_, task) => {
      await task.pause(SHORT_MS);
      throw new sdk.ProtocolError(sdk.ProtocolErrorCode.InternalError, "The job broke the protocol.");
    }),
  },
  confirm_delete: {
    description: "Asks before it pretends to delete a file.",
    inputSchema: args({ filename: { type: "string" } }),
    call: bound(async ({ filename }, task) => {
      const asked = { confirmation: form(`Delete ${filename}?`, "confirm", "boolean") };
      const { confirmation } = await task.answers(asked);
      return text(`${filename}: ${confirmation.content?.confirm === true ? "deleted" : "kept"}`);
    }),
  },
  multi_input: {
    description: "Asks two things at once.",
    call: bound(async (_, task) => {
      const asked = { first: form("The first name?", "name"), second: form("The second name?", "name") };
      const { first, second } = await task.answers(asked);
      return text(`${first.content?.name} and ${second.content?.name}`);
    }),
  },
  test_tool_with_task: {
    description: "Asks for a name, then goes on as a task.",
    call: async (_, ask) => {
      require(ask.declared());
      const { user_name: named } = await ask.answers({ user_name: form("What is your name?", "name") });
      return begin(async (task) => {
        await task.pause(SHORT_MS);
        return text(`The task knows ${named.content?.name}.`);
      });
    },
  },
};

/** A method of the extension: what it does with the task that the client names. */
const method = (handle) => (params, context) => {
  require(declared(context));
  const task = tasks.get(params.taskId);
  if (task === undefined) {
    throw new sdk.ProtocolError(sdk.ProtocolErrorCode.InvalidParams, `there is no task ${params.taskId}`);
  }
  return handle(task, context) ?? {};
};

export const TASKS = {
  "tasks/get": method((task) => task.shown),
  "tasks/update": method((task, { mcpReq }) => task.update(mcpReq.inputResponses ?? {})),
  "tasks/cancel": method((task) => task.cancel()),
};
