// Says which digit each image shows: classify TYPE FOLDER IMAGE...
//
// The work is done while the module is instantiated, unless asc is given --exportStart.

import { readModel, run } from "./digits";

if (process.argv.length < 4) {
  console.error("usage: classify TYPE FOLDER IMAGE...");
  process.exit(2);
}
run(readModel(process.argv[2]), process.argv);
