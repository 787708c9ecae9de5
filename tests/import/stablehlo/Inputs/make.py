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
    save_arrays(name, f, inputs)


def save_arrays(name, f, inputs):
    for i, x in enumerate(inputs):
        np.save(HERE / f"{name}.in{i}.npy", np.asarray(x))
    for i, y in enumerate(jax.tree.leaves(f(*inputs))):
        np.save(HERE / f"{name}.out{i}.npy", np.asarray(y))


def save_dynamic(name, f, shapes, *runs):
    """With symbolic sizes, as "b, s, 4": one program, and arrays for each of the runs, name.run0.in0.npy ..."""
    f = jax.jit(f)
    scope = jax.export.SymbolicScope()
    specs = [jax.ShapeDtypeStruct(jax.export.symbolic_shape(shape, scope=scope) if shape else (), np.asarray(x).dtype)
             for shape, x in zip(shapes, runs[0])]
    text = jax.export.export(f)(*specs).mlir_module()
    # Without locations, and without the long half of each message.
    text = re.sub(r"^#loc.*\n", "", text, flags=re.M)
    text = re.sub(r" loc\((?:[^()]|\([^()]*\))*\)", "", text)
    text = re.sub(r" Using the following[^\"]*", "", text)
    (HERE / f"{name}.mlir").write_text(text)
    for i, run in enumerate(runs):
        save_arrays(f"{name}.run{i}", f, run)


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


def attention(q, k, v):
    scores = jnp.einsum("bqhd,bkhd->bhqk", q, k) / np.sqrt(q.shape[-1])
    i = jnp.arange(q.shape[1])
    scores = jnp.where(i[:, None] >= i[None, :], scores, -1e9)
    return jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores, -1), v)


def norm(x):
    return (x - x.mean(-1, keepdims=True)) / jnp.sqrt(x.var(-1, keepdims=True) + 1e-5)


def layer(x):
    """A layer of a Transformer, its heads split by reshapes."""
    b, s, d = x.shape
    q, k, v = [(norm(x) @ w).reshape(b, s, 2, 4).transpose(0, 2, 1, 3) for w in (wq, wk, wv)]
    o = jax.nn.softmax(q @ k.swapaxes(-1, -2) / 2) @ v
    x = x + o.transpose(0, 2, 1, 3).reshape(b, s, d)
    return x + jax.nn.gelu(norm(x) @ wu) @ wu.T


def rotated(x):
    """Rotary positions, halves apart, of a computed number."""
    p = jnp.arange(x.shape[1])[:, None] / 10.0 ** jnp.arange(4)
    a, b = jnp.split(x, 2, -1)
    return jnp.concatenate([a * jnp.cos(p) - b * jnp.sin(p), b * jnp.cos(p) + a * jnp.sin(p)], -1)


def gated(x):
    """A convolution of stride 2 and a gate, on images whose sides are multiples of 4."""
    y = jax.nn.relu(lax.conv_general_dilated(x, kernel, (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")))
    y = y * jax.nn.sigmoid(jax.nn.relu(y.mean((1, 2), keepdims=True) @ into) @ out)
    return lax.reduce_window(y, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def gru(x):
    def step(h, row):
        a, u = row @ wg, h @ ug
        z, r = jax.nn.sigmoid(a[..., :4] + u[..., :4]), jax.nn.sigmoid(a[..., 4:8] + u[..., 4:8])
        h = (1 - z) * jnp.tanh(a[..., 8:] + r * u[..., 8:]) + z * h
        return h, h

    return lax.scan(step, jnp.zeros((x.shape[1], 4)), x)


def decode(q, k, v, i):
    """A step of a decoder, whose caches are written at i."""
    k = lax.dynamic_update_slice(k, q[:, None], (0, i, 0))
    v = lax.dynamic_update_slice(v, q[:, None] * 0.5, (0, i, 0))
    scores = jnp.einsum("bd,bsd->bs", q, k) / 4
    scores = jnp.where(jnp.arange(k.shape[1]) <= i, scores, -1e30)
    return jnp.einsum("bs,bsd->bd", jax.nn.softmax(scores), v), k, v


def flat(*tensors):
    return jnp.concatenate([t.reshape(-1) for t in tensors])


def moved(x):
    """Slices, pads and reshapes by sizes: halves, the last row, a shift, rows twice."""
    n = x.shape[0]
    return flat(x[: n // 2], x[-1], jnp.concatenate([jnp.zeros((1, 6)), x[:-1]]), jnp.roll(x, 2, 0), x[::-1],
                jnp.pad(x, ((1, 2), (0, 0))), jnp.repeat(x, 2, axis=0), x.reshape(n * 2, 3).T, jnp.cumsum(x, 0),
                jnp.sort(x, 0), jnp.tril(jnp.ones((n, n))), x.sum() / n)


def looked_up(x, i):
    return flat(x[i], jnp.take_along_axis(x[i], i[:, None] % 6, 1), x.at[i].add(1.0), lax.dynamic_slice_in_dim(x, i[0], 1, 0))


wq, wk, wv, wu = random(8, 8), random(8, 8), random(8, 8), random(8, 8)
kernel, into, out = random(3, 3, 3, 8) * 0.3, random(8, 2), random(2, 8)
wg, ug = random(4, 12), random(4, 12)
sizes = [(2, 5), (3, 16)]
save_dynamic("dynamic_attention", attention, ["b, s, 2, 4"] * 3, *[[random(b, s, 2, 4) for _ in "qkv"] for b, s in sizes])
save_dynamic("dynamic_layer", layer, ["b, s, 8"], *[[random(b, s, 8)] for b, s in sizes])
save_dynamic("dynamic_rope", rotated, ["b, s, 8"], *[[random(b, s, 8)] for b, s in sizes])
save_dynamic("dynamic_gate", gated, ["b, 4*h, 4*w, 3"], [random(2, 8, 12, 3)], [random(1, 16, 4, 3)])
save_dynamic("dynamic_gru", gru, ["s, b, 4"], *[[random(s, b, 4)] for b, s in sizes])
save_dynamic("dynamic_decode", decode, ["b, 16", "b, s, 16", "b, s, 16", ""],
             *[[random(b, 16), random(b, s, 16), random(b, s, 16), np.int32(s - 2)] for b, s in sizes])
save_dynamic("dynamic_movement", moved, ["n, 6"], [random(5, 6)], [random(8, 6)])
save_dynamic("dynamic_index", looked_up, ["n, 6", "k"], [random(5, 6), np.array([4, 0, 0], np.int32)],
             [random(4, 6), np.array([1, 3], np.int32)])
save("approx_top_k", lambda x: lax.approx_max_k(x, 5), random(3, 33))
save("bits", lambda x: flat(lax.bitcast_convert_type(x, jnp.int32), x.view(jnp.uint8), x.view(jnp.uint16).view(jnp.int32),
                            lax.population_count(x.view(jnp.int32)), lax.clz(x.view(jnp.int32)),
                            (lax.reduce_precision(x, 5, 10) * 1e6).astype(jnp.int32)), random(3, 4))
save("random", lambda key: jax.random.normal(jax.random.wrap_key_data(key), (3, 4)), np.array([3, 9], np.uint32))
save("pad_edge", lambda x: jnp.pad(x, ((1, 0), (2, 2)), mode="edge"), random(3, 4))
save("var", lambda x: norm(x) * 1.5, random(3, 4, 8))
