// The modern shard of the matrix, on the TypeScript SDK 2.x over stdio: modern.mjs SCHEME JOURNAL.
//
// Invariant: it serves 2026-07-28 alone. It asks by what it answers, and remembers nothing from one round to the next
// but what its `requestState` says.

import { peer } from "../driver.mjs";
import { LISTS_CHANGE, TOOLS, keep, offers } from "./offers.mjs";

const SDK = "@modelcontextprotocol/server";
const { ProtocolError, ProtocolErrorCode, ResourceNotFoundError, Server, inputRequired } = peer(SDK);
const { serveStdio } = peer(`${SDK}/stdio`);

const [scheme, journal] = process.argv.slice(2);
keep(journal);
const own = offers(scheme);

/** Quotes, an umlaut and padding: it must come back as it went. */
const STATE = 'state of "ä" ==';

/** What a call still has to ask. */
class Unanswered extends Error {
  constructor(questions) {
    super("the client has not been asked yet");
    this.questions = questions;
  }
}

const missing = (message) => new ProtocolError(ProtocolErrorCode.InvalidParams, message);

function open() {
  const resources = { ...LISTS_CHANGE, subscribe: true };
  const server = new Server(
    { name: `matrix-${scheme}`, version: "1.0.0" },
    { capabilities: { logging: {}, prompts: LISTS_CHANGE, resources, tools: LISTS_CHANGE } },
  );
  const handlers = {
    "tools/list": () => ({ tools: own.lists.tools }),
    "prompts/list": () => ({ prompts: own.lists.prompts }),
    "resources/list": () => ({ resources: own.lists.resources }),
    "resources/templates/list": () => ({ resourceTemplates: own.templates }),
    async "tools/call"({ name, arguments: args = {} }, { mcpReq }) {
      if (!Object.hasOwn(TOOLS, name)) throw missing(`there is no tool ${name}`);
      try {
        return await TOOLS[name](args, caller(server, mcpReq));
      } catch (error) {
        if (!(error instanceof Unanswered)) throw error;
        return inputRequired({ inputRequests: error.questions, requestState: STATE });
      }
    },
    "resources/read"({ uri }) {
      const contents = own.read(uri);
      if (!contents) throw new ResourceNotFoundError(uri);
      return contents;
    },
    "prompts/get"({ name, arguments: args }) {
      const prompt = own.prompt(name, args);
      if (!prompt) throw missing(`there is no prompt ${name}`);
      return prompt;
    },
  };
  for (const [method, handle] of Object.entries(handlers)) {
    server.setRequestHandler(method, (request, context) => handle(request.params, context));
  }
  return server;
}

function caller(server, request) {
  const progressToken = request._meta?.progressToken;
  const changed = {
    tools: () => server.sendToolListChanged(),
    prompts: () => server.sendPromptListChanged(),
    resources: () => server.sendResourceListChanged(),
  };
  return {
    signal: request.signal,
    async progress(progress, total) {
      if (progressToken === undefined) return;
      await request.notify({ method: "notifications/progress", params: { progressToken, progress, total } });
    },
    log: (level, data) => request.log(level, data, scheme),
    async ask(questions) {
      const answers = request.inputResponses;
      if (answers === undefined) throw new Unanswered(questions);
      if (request.requestState() !== STATE) throw missing(`the state came back as ${request.requestState()}`);
      return answers;
    },
    async add(kind, name) {
      own.add(kind, name);
      await changed[kind]();
    },
    touch: (uri) => server.sendResourceUpdated({ uri }),
  };
}

serveStdio(open, { legacy: "reject" });
