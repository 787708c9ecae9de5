#!/usr/bin/env python3
# make_speller.py - trains a Transformer that spells numbers ("342" -> "three hundred forty two"), and writes its files.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Needs torch, numpy and onnx. Minutes on two cores. Writes, beside itself, the files of seq2seq.py, and numbers
speller.in<k>.npy with what PyTorch's greedy decoding without a cache makes of them, speller.out<k>.npy. Weights are stored as
float16; PyTorch decodes with the same numbers. --weights FILE keeps what was trained, and takes it where the file is there.
"""
import argparse
import pathlib
import random

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import seq2seq

HERE = pathlib.Path(__file__).parent
PAD, START, END = 0, 1, 2
DIGITS = "0123456789"
LETTERS = " abcdefghijklmnopqrstuvwxyz"
CONFIG = seq2seq.Config(vocabulary=3 + len(DIGITS) + len(LETTERS), width=64, heads=4, hidden=128, layers=2, positions=64)
ONES = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen").split()
TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()


def spell(n):
    if n < 20:
        return ONES[n]
    if n < 100:
        return TENS[n // 10] + (" " + ONES[n % 10] if n % 10 else "")
    unit, word = (1000, "thousand") if n >= 1000 else (100, "hundred")
    return spell(n // unit) + " " + word + (" " + spell(n % unit) if n % unit else "")


def encode_number(n):
    return [3 + DIGITS.index(c) for c in str(n)]


def encode_text(text):
    return [3 + len(DIGITS) + LETTERS.index(c) for c in text]


def decode_text(ids):
    return "".join(LETTERS[i - 3 - len(DIGITS)] for i in ids if i not in (PAD, START, END))


def draw_batch(rng, size):
    """Numbers of one length, and their texts."""
    digits = rng.choice([1, 2, 3, 4, 4, 4])
    numbers = [rng.randrange(10 ** (digits - 1) if digits > 1 else 0, 10 ** digits) for _ in range(size)]
    texts = [[START] + encode_text(spell(n)) + [END] for n in numbers]
    longest = max(map(len, texts))
    padded = torch.tensor([t + [PAD] * (longest - len(t)) for t in texts])
    return torch.tensor([encode_number(n) for n in numbers]), padded


def train(model, steps):
    rng = random.Random(3)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps, pct_start=0.1)
    for step in range(steps):
        source, target = draw_batch(rng, 64)
        logits = model(source, target[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), target[:, 1:].flatten(), ignore_index=PAD)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 200 == 0 or step == steps - 1:
            print(f"step {step}: loss {loss.item():.4f}", flush=True)


def spelled(model, n):
    return seq2seq.greedy(model, encode_number(n), START, END, CONFIG.positions - 1)


def write_examples(model):
    for k, n in enumerate((7, 342, 9017, 7777)):
        ids = spelled(model, n)
        print(n, "->", decode_text(ids))
        assert decode_text(ids) == spell(n) and ids[-1] == END
        np.save(HERE / f"speller.in{k}.npy", np.array([encode_number(n)], np.int64))
        np.save(HERE / f"speller.out{k}.npy", np.array(ids, np.int64))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--weights", type=pathlib.Path)
    options = parser.parse_args()
    torch.manual_seed(1)
    model = seq2seq.Transformer(CONFIG)
    if options.weights and options.weights.exists():
        model.load_state_dict(torch.load(options.weights))
    else:
        train(model, options.steps)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(weight.half().float())
    if options.weights:
        torch.save(model.state_dict(), options.weights)
    model.eval()
    rng = random.Random(4)
    numbers = [rng.randrange(10 ** rng.randrange(1, 5)) for _ in range(100)]
    right = sum(decode_text(spelled(model, n)) == spell(n) for n in numbers)
    print(f"{right} of {len(numbers)} numbers spelled right")
    write_examples(model)
    # The first step is in the merged file: all together less than 1 MiB.
    seq2seq.write_models(model, HERE, "speller", half=True, parts=("encoder", "decoder_with_past", "merged", "step"))


if __name__ == "__main__":
    main()
