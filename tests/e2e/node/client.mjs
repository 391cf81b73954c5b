// A client in another language, written from the published protos alone.
//
// Usage: node client.mjs SCENARIO < SETTINGS   (both JSON; the outcome is printed as JSON)
// Settings: target, key, screen, protos (folder), common (folder with google/rpc/*.proto),
// captures (name -> [tree file, DOM file], gzipped).

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const settings = JSON.parse(readFileSync(0, "utf8"));
const definitions = loadSync(
  [
    "systemzero/capture/v1/capture_service.proto",
    "systemzero/diff/v1/drift_service.proto",
    "google/rpc/status.proto",
    "google/rpc/error_details.proto",
  ],
  {
    includeDirs: [settings.protos, settings.common],
    keepCase: false,
    longs: String,
    enums: String,
    defaults: true,
    oneofs: true,
  },
);
const { capture, diff } = grpc.loadPackageDefinition(definitions).systemzero;
const credentials = grpc.credentials.createInsecure();
const captures = new capture.v1.CaptureService(settings.target, credentials);
const events = new diff.v1.DriftService(settings.target, credentials);

function metadata(key = settings.key) {
  const pairs = new grpc.Metadata();
  if (key) pairs.set("authorization", `Bearer ${key}`);
  return pairs;
}

function request(name) {
  const [data, dom] = settings.captures[name].map((file) => gunzipSync(readFileSync(file)));
  return { native: { data, dom }, screenHint: settings.screen, check: true };
}

function ingest(message, pairs = metadata()) {
  return new Promise((resolve, reject) => {
    captures.ingest(message, pairs, (error, reply) => (error ? reject(error) : resolve(reply)));
  });
}

// google.rpc.Status, as every gRPC server sends it: bytes in the trailers, messages by type within.
function details(error) {
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  const status = definitions["google.rpc.Status"].deserialize(bytes);
  const found = status.details.map(({ type_url, typeUrl, value }) => {
    const type = (typeUrl ?? type_url).split("/").pop();
    return [type, definitions[type].deserialize(value)];
  });
  return { code: grpc.status[error.code], message: error.details, ...Object.fromEntries(found) };
}

async function failure(call) {
  try {
    await call;
  } catch (error) {
    return details(error);
  }
  throw new Error("the call was answered");
}

// The first responses of a watch up to `count` events; `started` runs once the watch is up.
async function watched(cursor, count, started = async () => {}) {
  const call = events.watchEvents({ cursor }, metadata());
  const seen = [];
  let last = cursor;
  let up;
  try {
    for await (const response of call) {
      up ??= started();
      last = response.cursor || last;
      if (response.event) seen.push(response.event.eventId);
      if (seen.length === count) break;
    }
  } catch (error) {
    if (error.code !== grpc.status.CANCELLED) throw error;
  } finally {
    call.cancel();
  }
  await up;
  return { seen, cursor: last };
}

const scenarios = {
  async ingest() {
    const reply = await ingest(request("reload"));
    return { captureId: reply.capture.captureId, kind: reply.verdict.kind };
  },

  async stream() {
    const call = captures.ingestStream(metadata());
    const messages = [request("reload"), { native: { data: Buffer.from("no capture") } }, request("later")];
    for (const message of messages) call.write({ ingest: message });
    call.end();
    const outcomes = [];
    for await (const reply of call) {
      const { index, outcome, failure } = reply;
      outcomes.push({ index, outcome, reason: failure?.reason, kind: reply.ingest?.verdict?.kind });
    }
    return outcomes;
  },

  async watch() {
    const made = [];
    const drift = async (name) => made.push((await ingest(request(name))).verdict.eventId);
    const first = await watched("", 1, () => drift("later"));
    await drift("another"); // while nobody watches
    const second = await watched(first.cursor, 2, () => drift("later"));
    return { made, seen: [...first.seen, ...second.seen] };
  },

  async errors() {
    const loop = '{"nodes":[{"nodeId":"1","childIds":["2"]},{"nodeId":"2","childIds":["1"]}]}';
    const native = { data: Buffer.from(loop), format: "FORMAT_CDP" };
    return {
      malformed: await failure(ingest({ native })),
      nobody: await failure(ingest(request("reload"), metadata(""))),
    };
  },
};

console.log(JSON.stringify(await scenarios[process.argv[2]]()));
captures.close();
events.close();
