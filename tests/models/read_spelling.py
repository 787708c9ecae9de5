#!/usr/bin/env python3
"""Prints the text of the tokens that the speller decoded (make_speller.py).   usage: read_spelling.py TOKENS.npy"""
import array
import sys

FIRST_LETTER = 13  # behind padding, start, end and ten digits
LETTERS = " abcdefghijklmnopqrstuvwxyz"

with open(sys.argv[1], "rb") as file:
    data = file.read()
tokens = array.array("q", data[10 + int.from_bytes(data[8:10], "little"):])  # behind the header: int64
print("".join(LETTERS[t - FIRST_LETTER] for t in tokens if t >= FIRST_LETTER))
