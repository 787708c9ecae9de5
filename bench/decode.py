#!/usr/bin/env python3
"""Greedy decoding of an encoder-decoder, Heed beside ONNX Runtime with its cache, in one run.

A Transformer of the base size (6 + 6 layers, width 512, 8 heads, hidden 2048, vocabulary 32,000; random weights), exported by
tests/models/seq2seq.py into build/bench/decode. Both decode the same number of tokens from the same source, on the same
threads, in turns; ONNX Runtime keeps its caches on its side (IO binding: outputs of a step are inputs of the next). A time is
the median over the rounds. Prints tokens per second and the time of steps; writes build/bench/decode.json.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import peers
import report

FOLDER = report.OUT / "decode"
HEED_DECODE = os.environ.get("HEED_DECODE", str(peers.ROOT / "build/bin/heed-decode"))
PARTS = ("encoder", "decoder", "decoder_with_past")
START = 1


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=500)
    parser.add_argument("--source", type=int, default=64, help="tokens of the source")
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--vocabulary", type=int, default=32000)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--engines", default="heed,ort")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def files(options):
    """The model's files and its input, written where they are not there."""
    name = f"d{options.width}_l{options.layers}_v{options.vocabulary}"
    paths, source = [FOLDER / f"{name}_{part}.onnx" for part in PARTS], FOLDER / f"source{options.source}.npy"
    import numpy as np

    FOLDER.mkdir(parents=True, exist_ok=True)
    if not source.exists():
        np.save(source, np.random.default_rng(1).integers(3, options.vocabulary, (1, options.source)))
    if not all(path.exists() for path in paths):
        import torch

        sys.path.insert(0, str(peers.ROOT / "tests/models"))
        import seq2seq

        torch.manual_seed(0)
        config = seq2seq.Config(vocabulary=options.vocabulary, width=options.width, heads=options.width // 64,
                                hidden=4 * options.width, layers=options.layers, positions=1024)
        seq2seq.write_models(seq2seq.Transformer(config).eval(), FOLDER, name, parts=PARTS)
    return paths, source


def heed(paths, source, threads, tokens):
    """Tokens, and milliseconds of each step."""
    command = [HEED_DECODE, *map(str, paths), "--input", str(source), "--start-token", str(START), "--max-tokens", str(tokens),
               "--threads", str(threads), "--json"]
    run = subprocess.run(command, capture_output=True, text=True, env={"OMP_PROC_BIND": "true", **os.environ})
    if run.returncode:
        raise RuntimeError(run.stderr.strip())
    result = json.loads(run.stdout)
    return result["tokens"], result["step_ms"]


class Ort:
    """The same loop by ONNX Runtime; sessions are made once."""

    def __init__(self, paths, threads):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self.encoder, self.first, self.later = (
            onnxruntime.InferenceSession(str(p), options, ["CPUExecutionProvider"]) for p in paths)

    def __call__(self, source, tokens):
        import numpy as np
        import onnxruntime

        ids = np.load(source)
        mask = np.ones_like(ids)
        states = self.encoder.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        first = self.first.run(None, {"input_ids": np.array([[START]]), "encoder_attention_mask": mask,
                                      "encoder_hidden_states": states})
        cache = dict(zip([o.name for o in self.first.get_outputs()], first))
        result, times = [int(cache.pop("logits")[0, -1].argmax())], []
        outputs = [o.name for o in self.later.get_outputs()]
        cache = {name: onnxruntime.OrtValue.ortvalue_from_numpy(value) for name, value in cache.items()}
        binding = self.later.io_binding()
        binding.bind_cpu_input("encoder_attention_mask", mask)
        for name, value in cache.items():
            if ".encoder." in name:
                binding.bind_ortvalue_input(name.replace("present", "past_key_values"), value)
        while len(result) < tokens:
            start = time.perf_counter()
            binding.bind_cpu_input("input_ids", np.array([[result[-1]]]))
            for name, value in cache.items():
                if ".decoder." in name:
                    binding.bind_ortvalue_input(name.replace("present", "past_key_values"), value)
            for name in outputs:
                binding.bind_output(name, "cpu")
            self.later.run_with_iobinding(binding)
            step = dict(zip(outputs, binding.get_outputs()))
            result.append(int(step.pop("logits").numpy()[0, -1].argmax()))
            cache.update(step)
            times.append(1e3 * (time.perf_counter() - start))
        return result, times


def at_step(times, step):
    """The median of the steps around this one: single ones are noise."""
    near = times[max(step - 6, 0):step + 4]
    return statistics.median(near) if near else None


def summarize(rounds):
    """Of the medians over the rounds, step by step."""
    times = [statistics.median(column) for column in zip(*rounds)]
    steps = [s for s in (10, 50, 100, 200, 300, 400, 500) if s <= len(times) + 1]
    return {"tokens_per_s": 1e3 * len(times) / sum(times), "step_ms": {s: at_step(times, s) for s in steps}}


def main():
    options = parse()
    engines = peers.present(options.engines.split(","))
    for module in ("numpy", "torch", "onnx"):
        if not peers.can_import(module):
            print(f"decode.py: needs {module} to make the model: ./dev bench peers installs it", file=sys.stderr)
            return 1
    info, rows = report.machine(engines), []
    print(report.describe(info))
    paths, source = files(options)
    for threads in map(int, options.threads.split(",")):
        ort = Ort(paths, threads) if "ort" in engines else None
        rounds, tokens = {engine: [] for engine in engines}, {}
        for _ in range(options.rounds):
            for engine in engines:
                if engine == "heed":
                    tokens[engine], times = heed(paths, source, threads, options.tokens)
                else:
                    tokens[engine], times = ort(source, options.tokens)
                rounds[engine].append(times)
        row = {"threads": threads, "engines": {engine: summarize(rounds[engine]) for engine in engines}}
        row["same_tokens"] = len({tuple(t) for t in tokens.values()}) == 1
        rows.append(row)
        print(f"{threads} thread{'s' * (threads > 1)}, {options.tokens} tokens{'' if row['same_tokens'] else ', not the same'}:")
        for engine, result in row["engines"].items():
            steps = "  ".join(f"{step}: {ms:.2f}" for step, ms in result["step_ms"].items())
            print(f"  {engine:5} {result['tokens_per_s']:7.1f} tokens/s   ms at step {steps}")
        if len(engines) == 2:
            ratio = row["engines"]["heed"]["tokens_per_s"] / row["engines"]["ort"]["tokens_per_s"]
            print(f"  {ratio:.2f}x ONNX Runtime's tokens per second", flush=True)
        report.write_json("decode", info, rows)
    print(f"written: {report.OUT / 'decode'}.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
