// One JavaScript tool on one pair of trees, in a process of its own; what worker.py is for Python.
//
//     node worker.mjs PEER PAIR.json SECONDS
//
// Run in the folder that holds node_modules. Prints one JSON object; see worker.py.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.cwd()}/`);
const load = (name) => import(pathToFileURL(require.resolve(name)));

/** The tree of `make(row)`, with a list of children under `key`, and its nodes in document order. */
function tree(rows, key, make) {
  const nodes = [];
  for (const row of rows) {
    const node = { ...make(row), [key]: [] };
    if (row[3] >= 0) nodes[row[3]][key].push(node);
    nodes.push(node);
  }
  return nodes;
}

const json = (rows) => tree(rows, "children", ([role, name, value]) => ({ role, name, value }));
const dom = (rows) =>
  tree(rows, "childNodes", ([role, name, value]) => ({ nodeName: role, attributes: { name, value } }));

/** Says which node is which, invisibly to the tools. */
function numbered(nodes) {
  nodes.forEach((node, at) => Object.defineProperty(node, "at", { value: at }));
  return nodes[0];
}

/** For each node of a finished tree the place it came from, -1 for a new one. */
function origins(root, key) {
  const found = [];
  const pending = [root];
  while (pending.length) {
    const node = pending.pop();
    found.push(node.at ?? -1);
    for (let i = node[key].length - 1; i >= 0; i--) pending.push(node[key][i]);
  }
  return found;
}

async function jsondiffpatch(a, b) {
  const { create } = await load("jsondiffpatch");
  const tool = create({ objectHash: (node) => node.role + "\0" + node.name });
  const before = json(a)[0];
  const after = json(b)[0];
  function tell(delta) {
    const root = numbered(json(a));
    if (delta) tool.patch(root, structuredClone(delta));
    const moved = [];
    let operations = 0;
    const walk = (node, part) => {
      for (const field of ["role", "name", "value"]) operations += field in part;
      for (const [key, change] of Object.entries(part.children ?? {})) {
        if (key === "_t") continue;
        const isMove = key[0] === "_" && change[2] === 3;
        if (isMove) moved.push(node.children[change[1]].at);
        if (Array.isArray(change)) operations += 1;
        else walk(node.children[+key], change);
      }
    };
    if (delta) walk(root, delta);
    return { operations, origins: origins(root, "children"), moved };
  }
  return [() => tool.diff(before, after), tell];
}

async function fastJsonPatch(a, b) {
  const { compare } = (await load("fast-json-patch")).default;
  const before = json(a)[0];
  const after = json(b)[0];
  return [() => compare(before, after), (patch) => ({ operations: patch.length, patch })];
}

async function diffDom(a, b) {
  const { DiffDOM } = require("diff-dom");
  const tool = new DiffDOM();
  const before = dom(a)[0];
  const after = dom(b)[0];
  function tell(diffs) {
    let root = numbered(dom(a));
    const moved = [];
    const steps = {
      removeElement: (row, at) => row.splice(at, 1),
      addElement: (row, at, { element }) => row.splice(at, 0, structuredClone(element)),
      replaceElement: (row, at, { newValue }) => row.splice(at, 1, structuredClone(newValue)),
      relocateGroup: (row, at, { from, to, groupLength }) => {
        const inside = row[at].childNodes;
        const group = inside.splice(from, groupLength);
        moved.push(...group.map((node) => node.at ?? -1).filter((place) => place >= 0));
        inside.splice(to, 0, ...group);
      },
    };
    const above = { childNodes: [root] };
    for (const diff of diffs) {
      const step = steps[diff.action];
      if (!step) continue;
      const route = [0, ...diff.route];
      const last = route.pop();
      step(route.reduce((node, at) => node.childNodes[at], above).childNodes, last, diff);
    }
    root = above.childNodes[0];
    const fill = (node) => (node.childNodes ??= []).forEach(fill);
    fill(root);
    return { operations: diffs.length, origins: origins(root, "childNodes"), moved };
  }
  return [() => tool.diff(before, after), tell];
}

const PEERS = { jsondiffpatch, fast_json_patch: fastJsonPatch, diff_dom: diffDom };

const kib = (field) =>
  +(readFileSync("/proc/self/status", "utf8").match(`${field}:\\s+(\\d+)`)?.[1] ?? 0);

function cpu(run) {
  const start = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e3;
}

const [peer, pair, seconds] = process.argv.slice(2);
const { a, b } = JSON.parse(readFileSync(pair, "utf8"));
const [run, tell] = await PEERS[peer](a, b);
try {
  writeFileSync("/proc/self/clear_refs", "5"); // the high-water mark starts anew
} catch {
  // not ours to write: the mark is that of the whole process
}
const before = kib("VmRSS");
let found;
let best = cpu(() => (found = run()));
const peak = Math.max(0, kib("VmHWM") - before);
let told;
try {
  told = tell(found);
} catch (problem) {
  told = { operations: found.length ?? 0, broken: String(problem) };
}
const end = performance.now() + seconds * 1e3;
let runs = 1;
for (; performance.now() < end && runs < 20; runs++) best = Math.min(best, cpu(run));
process.stdout.write(JSON.stringify({ cpu_ms: best, peak_kb: peak, runs, ...told }));
