// Has read the model of the folder f32 when wizer has instantiated it. The arguments that the
// runtime knows are those of that time, so that the digits to look at are a parameter: all up to
// one.

import { readModel, run } from "./digits";

const model = readModel("f32");

export function initialize(): void {}

export function classify(last: i32): void {
  const args = ["classify", "f32", "f32"];
  for (let digit = 0; digit <= last; digit++) args.push(digit.toString());
  run(model, args);
}
