// Reads a handwritten digit from each greyscale image (PGM, P2 or P5), and prints which it is.
//
//     digits.wasm MODEL.onnx|MODEL.tflite|MODEL.xml IMAGE.pgm [IMAGE.pgm ...]
//
// OpenVINO's MODEL.xml has its weights in MODEL.bin. The model takes 8 by 8 brightnesses from 0
// (background) to 1 (ink), and gives ten probabilities. Larger images are averaged down to that.

import { getArguments } from 'wasi:cli/environment@0.2.0';
import { load } from 'wasi:nn/graph@0.2.0-rc-2024-10-28';
import { Tensor } from 'wasi:nn/tensor@0.2.0-rc-2024-10-28';
import { readFile } from './files.js';
import { SIDE, readPgm } from './pgm.js';

const DIGITS = 10;
const INPUT = 'pixels';

// wasi:cli/run, which a host calls to start the program. Throwing undefined is result::err.
export const run = {
  run() {
    const [, model, ...images] = getArguments();
    if (images.length === 0) {
      console.error('usage: digits MODEL.onnx|MODEL.tflite|MODEL.xml IMAGE.pgm...');
      throw undefined;
    }
    try {
      const context = loadModel(model).initExecutionContext();
      for (const image of images) {
        const probabilities = classify(context, readPgm(image));
        const best = probabilities.indexOf(Math.max(...probabilities));
        console.log(`${image}: ${best} (${(100 * probabilities[best]).toFixed(1)}%)`);
      }
    } catch (error) {
      console.error(`digits: ${messageOf(error)}`);
      throw undefined;
    }
  },
};

// Functions of wasi:nn throw an error that has wasi:nn/errors.error as its payload.
function messageOf(error) {
  const { payload } = error;
  return payload?.code ? `${payload.code()}: ${payload.data()}` : error.message;
}

// Load a model in the format that the end of its name says.
function loadModel(path) {
  const parts = [readFile(path)];
  let encoding = 'onnx';
  if (path.endsWith('.xml')) {
    encoding = 'openvino';
    parts.push(readFile(path.replace(/\.xml$/, '.bin')));
  } else if (path.endsWith('.tflite')) {
    encoding = 'tensorflowlite';
  }
  return load(parts, encoding, 'cpu');
}

// The probabilities of the ten digits.
function classify(context, pixels) {
  const data = new Uint8Array(new Float32Array(pixels).buffer);
  const tensor = new Tensor(new Uint32Array([1, SIDE * SIDE]), 'FP32', data);
  const [[, output]] = context.compute([[INPUT, tensor]]);
  const bytes = output.data();
  if (bytes.length !== 4 * DIGITS) throw new Error('the model does not give ten probabilities');
  return new Float32Array(bytes.slice().buffer); // slice, because bytes may begin anywhere
}
