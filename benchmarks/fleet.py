"""What a second worker of a fleet gives: inputs of 20 ms and more, one after another and by two.

    python -m benchmarks.fleet [--quick] [--seconds S] [--cluster ray://HOST[:PORT]]

The guest counts in a loop that takes 20, 50 or 200 ms; that of the first line ends at once, which
shows what an input takes besides, and what the start of the processes takes. Each line is the time
for S seconds of such work (default: 10; --quick: 1): by nnshim.map with one worker, and with two;
and what the machine allows, which other work changes: by one process that calls runtime_shim.run in
a loop, and by two that share it. All times are from the start of the processes to their end. With
--cluster, there is also that of a Ray cluster, with an actor for each processor of it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from functools import partial

import nnshim
from benchmarks.measure import in_turn, machine, table
from rewriter.files.wasm_tools import assemble

GUEST = """(module
  (memory (export "memory") 1)
  (func (export "_start") (local $left i64)
    (local.set $left (i64.const {count}))
    (loop $again
      (i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (local.get $left)))
      (br_if $again
        (i64.ne (local.tee $left (i64.sub (local.get $left) (i64.const 1))) (i64.const 0))))))"""

TRIED = 20_000_000
"""Rounds of the loop by which its speed is measured."""

OPTIONS = nnshim.RunOptions(stdin=b"", stdout=nnshim.CAPTURED, stderr=nnshim.CAPTURED)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--cluster")
    given = parser.parse_args()
    seconds = 1 if given.quick else given.seconds
    print(machine(), "\n", flush=True)
    with nnshim.NNHost() as host:
        once, twice = (partial(alone, guest(count), host, 1) for count in (TRIED, 2 * TRIED))
        start_and_once, start_and_twice = in_turn(3, once, twice)
        rounds_a_second = TRIED / (start_and_twice - start_and_once)
        rows = []
        for milliseconds in (0, 20, 50, 200):
            module = guest(max(1, int(rounds_a_second * milliseconds / 1000)))
            count = max(4, int(seconds * 1000 / (milliseconds or 1)))
            bare, both, one, two = in_turn(
                1 if given.quick else 3,
                partial(loops, module, count, 1),
                partial(loops, module, count, 2),
                partial(mapped, module, count, 1),
                partial(mapped, module, count, 2),
                warm_up=False,
            )
            row = [f"{milliseconds} ms", str(count)]
            for alone_takes, together_take in ((bare, both), (one, two)):
                row += [f"{alone_takes:.2f} s", f"{together_take:.2f} s"]
                row.append(f"{alone_takes / together_take:.2f}")
            if given.cluster is not None:
                started = time.perf_counter()
                mapped(module, count, given.cluster)
                row.append(f"{time.perf_counter() - started:.2f} s")
            rows.append(row)
    heads = ["an input", "inputs", "1 loop", "2 loops", "times as fast"]
    heads += ["1 worker", "2 workers", "times as fast"]
    print(table([*heads, *(["cluster"] * (given.cluster is not None))], rows))


def guest(count: int) -> bytes:
    return assemble(GUEST.format(count=count).encode())


def alone(module: bytes, host: nnshim.NNHost, count: int) -> None:
    for _ in range(count):
        nnshim.run(module, host, OPTIONS, check=True)


def loops(module: bytes, count: int, processes: int) -> None:
    context = multiprocessing.get_context("spawn")
    started = [
        context.Process(target=loop, args=(module, count // processes)) for _ in range(processes)
    ]
    for process in started:
        process.start()
    for process in started:
        process.join()
        if process.exitcode != 0:
            raise RuntimeError(f"a loop ended with {process.exitcode}")


def loop(module: bytes, count: int) -> None:
    with nnshim.NNHost() as host:
        alone(module, host, count)


def mapped(module: bytes, count: int, workers: int | str) -> None:
    done = 0
    for result in nnshim.map(module, [b""] * count, workers=workers):
        if result.error is not None:
            raise result.error
        done += 1
    if done != count:
        raise RuntimeError(f"{count} inputs have {done} results")


if __name__ == "__main__":
    main()
