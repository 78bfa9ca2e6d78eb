// Has a named language model go on with a prompt: generate NAME OPTIONS PROMPT

import * as nn from "./nn";

function setInput(context: u32, index: u32, text: string): void {
  const data = String.UTF8.encode(text);
  nn.setInput(context, index, nn.U8, [data.byteLength], data);
}

if (process.argv.length != 4) {
  console.error("usage: generate NAME OPTIONS PROMPT");
  process.exit(2);
}
const graph = nn.loadByName(process.argv[1]);
const context = nn.initExecutionContext(graph);
setInput(context, 1, process.argv[2]);
setInput(context, 0, process.argv[3]);
nn.compute(context);
console.log(String.UTF8.decode(nn.getOutput(context, 0, 4096)));
nn.unload(graph);
