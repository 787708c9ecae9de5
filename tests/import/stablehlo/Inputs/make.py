#!/usr/bin/env python3
# make.py - writes the programs of this folder as JAX exports them, with inputs and the results that JAX computes.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import pathlib
import re

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

HERE = pathlib.Path(__file__).parent
rng = np.random.default_rng(0)


def random(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def save(name, f, *inputs):
    f = jax.jit(f)
    inputs = [jnp.asarray(x) for x in inputs]
    text = jax.export.export(f)(*inputs).mlir_module()
    # Locations name files of this machine.
    (HERE / f"{name}.mlir").write_text(re.sub(r'"/[^"]*/([^/"]*)"', r'"\1"', text))
    for i, x in enumerate(inputs):
        np.save(HERE / f"{name}.in{i}.npy", np.asarray(x))
    for i, y in enumerate(jax.tree.leaves(f(*inputs))):
        np.save(HERE / f"{name}.out{i}.npy", np.asarray(y))


w, u = random(8, 32) * 0.3, random(8, 32) * 0.3


def lstm(x):
    def step(state, row):
        h, c = state
        i, f, g, o = jnp.split(row @ w + h @ u, 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    (h, c), rows = lax.scan(step, (jnp.zeros((2, 8)), jnp.zeros((2, 8))), x)
    return rows, h, c


def cache(q, k, v):
    """Attention over the rows so far, each step's written in place."""
    def step(i, state):
        q, k, v = state
        k = lax.dynamic_update_slice(k, q[None], (i, 0))
        v = lax.dynamic_update_slice(v, q[None] * 0.5, (i, 0))
        scores = jnp.where(jnp.arange(32) <= i, k @ q / 4, -1e30)
        return jax.nn.softmax(scores) @ v + q * 0.1, k, v

    return lax.fori_loop(0, 20, step, (q, k, v))


def branch(p, x):
    return lax.cond(p > 0, lambda x: jnp.sin(x) @ x, lambda x: jnp.cos(x) + 1, x)


save("scan_lstm", lstm, random(40, 2, 8))
save("count", lambda x: lax.fori_loop(0, 25, lambda i, v: v * 0.9 + jnp.sin(v) * i, x), random(3, 5))
save("while", lambda x: lax.while_loop(lambda s: jnp.sum(s[0]) < 100, lambda s: (s[0] * 1.5, s[1] + 1), (x, 0)), np.abs(random(3, 5)))
save("if", branch, np.float32(1), random(4, 4))
save("case", lambda i, x: lax.switch(i, [jnp.sin, jnp.cos, jnp.tanh], x), np.int32(2), random(4, 4))
save("sort", lambda x: jnp.sort(x, axis=0), random(9, 4))
save("top_k", lambda x: lax.top_k(x, 5), random(3, 33))
save("scatter", lambda x, i, v: x.at[i].add(v), random(10, 3), np.array([1, 5, 1], np.int32), random(3, 3))
save("cache", cache, random(16), np.zeros((32, 16), np.float32), np.zeros((32, 16), np.float32))


def einsum_gate(x):
    """An SE gate whose last product is an einsum: a dot_general that sums nothing, and a transpose."""
    hidden = jax.nn.relu(jnp.mean(x, (1, 2)) @ squeeze)
    return jnp.einsum("bc,bhwc->bhwc", jax.nn.sigmoid(hidden @ excite), x)


squeeze, excite = random(12, 4), random(4, 12)
save("einsum_gate", einsum_gate, random(2, 7, 5, 12))
