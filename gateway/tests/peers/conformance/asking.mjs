// What a tool can say to its caller and ask of it, in whatever era the caller speaks.
//
// Invariant: a tool that asks is run again from its beginning once the answers are there, so it does nothing before it
// asks. In the legacy era the SDK puts the questions itself and runs the tool again.

import { peer } from "../driver.mjs";

const sdk = peer("@modelcontextprotocol/server");

/** Thrown by a tool that cannot go on without answers; never seen by a caller. */
class Unanswered extends Error {
  constructor(result) {
    super("the tool waits for answers");
    this.result = result;
  }
}

/** What the client says in this request that it can do; in the legacy era a request does not say it. */
export const declared = (context) => context.mcpReq.envelope?.[sdk.CLIENT_CAPABILITIES_META_KEY] ?? {};

/** The result of a tool: what it gives, what it asks, or what went wrong in it. Errors of the protocol stay errors. */
export async function asResult(call) {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Unanswered) return error.result;
    if (error instanceof sdk.ProtocolError) throw error;
    return { isError: true, content: [{ type: "text", text: error.message }] };
  }
}

/** A form that asks for one value. */
export const form = (message, name, type = "string") => ({
  method: "elicitation/create",
  params: {
    mode: "form",
    message,
    requestedSchema: { type: "object", properties: { [name]: { type } }, required: [name] },
  },
});

/** For one call: `log`, `progress`, `sample`, `elicit` and `hangUp` as in the legacy shard, and what the modern era has. */
export function asking(context, { states, changed, session }) {
  const { mcpReq: request, http } = context;
  const progressToken = request._meta?.progressToken;
  const needs = async (inputRequests, state) => {
    const requestState = state === undefined ? {} : { requestState: await states.mint(state) };
    throw new Unanswered(sdk.inputRequired({ inputRequests, ...requestState }));
  };
  /** The answers to all of these questions; an answer that is no object counts as missing. */
  const answers = async (inputRequests, state) => {
    const given = request.inputResponses ?? {};
    const missing = Object.keys(inputRequests).filter((key) => !Object.hasOwn(given, key));
    if (missing.length > 0) {
      await needs(Object.fromEntries(missing.map((key) => [key, inputRequests[key]])), state);
    }
    return given;
  };
  return {
    log: (data, at = "info") => request.log(at, data, "tool"),
    progress: async (progress, total) => {
      if (progressToken === undefined) return;
      await request.notify({ method: "notifications/progress", params: { progressToken, progress, total } });
    },
    sample: async (params) => (await answers({ sampled: { method: "sampling/createMessage", params } })).sampled,
    elicit: async (params) => {
      const asked = { method: "elicitation/create", params: { mode: "form", ...params } };
      return (await answers({ elicited: asked })).elicited;
    },
    hangUp: () => http?.closeSSE?.(),
    answers,
    needs,
    state: () => request.requestState(),
    declared: () => (request.envelope ? declared(context) : session()),
    changed,
  };
}
