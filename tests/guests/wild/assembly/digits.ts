// Says which digit an image shows. The model is OpenVINO's, and takes 64 brightnesses as f32 (0 to
// 1), u8 or i32 (0 to 16).

import { readFile } from "./files";
import * as nn from "./nn";

function setInput(context: u32, type: string, image: Uint8Array): void {
  const dimensions: StaticArray<u32> = [1, 64];
  if (type == "u8") {
    nn.setInput(context, 0, nn.U8, dimensions, image.buffer);
  } else if (type == "i32") {
    const words = new Int32Array(64);
    for (let i = 0; i < 64; i++) words[i] = image[i];
    nn.setInput(context, 0, nn.I32, dimensions, words.buffer);
  } else {
    const floats = new Float32Array(64);
    for (let i = 0; i < 64; i++) floats[i] = <f32>image[i] / 16;
    nn.setInput(context, 0, nn.F32, dimensions, floats.buffer);
  }
}

function classify(context: u32, type: string, path: string): void {
  setInput(context, type, Uint8Array.wrap(readFile(path)));
  nn.compute(context);
  const output = Float32Array.wrap(nn.getOutput(context, 0, 40));
  assert(output.length == 10);
  let best = 0;
  for (let digit = 1; digit < 10; digit++) if (output[digit] > output[best]) best = digit;
  console.log(`${path}: ${best} (${<i32>(<f32>1000 * output[best])})`);
}

export function readModel(folder: string): ArrayBuffer[] {
  return [readFile(folder + "/model.xml"), readFile(folder + "/model.bin")];
}

export function run(model: ArrayBuffer[], args: string[]): void {
  const context = nn.initExecutionContext(nn.loadModel(model, nn.OPENVINO, nn.CPU));
  for (let i = 3; i < args.length; i++) classify(context, args[1], args[i]);
}
