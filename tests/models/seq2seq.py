#!/usr/bin/env python3
# seq2seq.py - an encoder and a decoder in PyTorch, and their exports as Hugging Face's tools write them.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Needs torch and onnx. `write_models(model, folder, name)` writes

  NAME_encoder.onnx            input_ids, attention_mask -> last_hidden_state
  NAME_decoder.onnx            the first step: input_ids, encoder_hidden_states, … -> logits, present.*
  NAME_decoder_with_past.onnx  any later step: input_ids, past_key_values.* -> logits, present.*.decoder.*
  NAME_merged.onnx             the two in one, by `use_cache_branch`
  NAME_step.onnx               the later step with encoder_hidden_states: it computes their keys and values itself
"""
import dataclasses
import math
import warnings

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn


@dataclasses.dataclass
class Config:
    vocabulary: int
    width: int
    heads: int
    hidden: int
    layers: int
    positions: int


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.q, self.k, self.v, self.o = (nn.Linear(config.width, config.width) for _ in range(4))

    def heads(self, x):  # [B, S, H·D] -> [B, H, S, D]
        return x.view(x.shape[0], -1, self.config.heads, self.config.width // self.config.heads).transpose(1, 2)

    def keys(self, x):
        return self.heads(self.k(x)), self.heads(self.v(x))

    def forward(self, x, keys, bias=None):
        scores = self.heads(self.q(x)) @ keys[0].transpose(2, 3) / math.sqrt(self.config.width // self.config.heads)
        if bias is not None:
            scores = scores + bias
        o = torch.softmax(scores, -1) @ keys[1]
        return self.o(o.transpose(1, 2).reshape(x.shape[0], -1, self.config.width))


class FeedForward(nn.Sequential):
    def __init__(self, config):
        super().__init__(nn.Linear(config.width, config.hidden), nn.ReLU(), nn.Linear(config.hidden, config.width))


class EncoderLayer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.attention, self.mlp = Attention(config), FeedForward(config)
        self.norm1, self.norm2 = nn.LayerNorm(config.width), nn.LayerNorm(config.width)

    def forward(self, x, bias):
        y = self.norm1(x)
        x = x + self.attention(y, self.attention.keys(y), bias)
        return x + self.mlp(self.norm2(x))


class DecoderLayer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.attention, self.cross, self.mlp = Attention(config), Attention(config), FeedForward(config)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(config.width) for _ in range(3))

    def forward(self, x, past, cross, causal, bias):
        """The new keys and values are joined to those of earlier rows."""
        y = self.norm1(x)
        keys = self.attention.keys(y)
        if past is not None:
            keys = tuple(torch.cat(pair, 2) for pair in zip(past, keys))
        x = x + self.attention(y, keys, causal)
        x = x + self.cross(self.norm2(x), cross, bias)
        return x + self.mlp(self.norm3(x)), keys


class Embedding(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.tokens = nn.Embedding(config.vocabulary, config.width)
        self.positions = nn.Embedding(config.positions, config.width)

    def forward(self, ids, first):
        return self.tokens(ids) + self.positions(torch.arange(ids.shape[1]) + first)


def bias_of(mask):
    """0 where the mask holds, far below every score elsewhere."""
    return (1.0 - mask[:, None, None, :].to(torch.float32)) * -1e9


class Encoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.embed = Embedding(config)
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)

    def forward(self, input_ids, attention_mask):
        x = self.embed(input_ids, 0)
        for layer in self.layers:
            x = layer(x, bias_of(attention_mask))
        return self.norm(x)


class Decoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.embed = Embedding(config)
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, config.vocabulary)

    def cross_keys(self, states):
        return [layer.cross.keys(states) for layer in self.layers]

    def forward(self, ids, mask, pasts, cross):
        rows = ids.shape[1]
        first, causal = 0, None
        if pasts is None:
            causal = torch.full((rows, rows), -1e9).triu(1)
        else:
            first = pasts[0][0].shape[2]
        x, present = self.embed(ids, first), []
        for layer, past, keys in zip(self.layers, pasts or [None] * len(self.layers), cross):
            x, rows_of_layer = layer(x, past, keys, causal, bias_of(mask))
            present.append(rows_of_layer)
        return self.head(self.norm(x)), present


class Transformer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.encoder, self.decoder = Encoder(config), Decoder(config)

    def forward(self, source, target):
        """The logits of all rows of the target."""
        mask = torch.ones_like(source)
        states = self.encoder(source, mask)
        return self.decoder(target, mask, None, self.decoder.cross_keys(states))[0]


@torch.no_grad()
def greedy(model, source, start, end, limit):
    """Every step does all rows again: nothing is kept, so nothing can be kept wrong."""
    ids = [start]
    while len(ids) <= limit and (len(ids) == 1 or ids[-1] != end):
        logits = model(torch.tensor([source]), torch.tensor([ids]))
        ids.append(int(logits[0, -1].argmax()))
    return ids[1:]


# Wrappers with the inputs and outputs of Hugging Face's exports.
def pairs(flat):
    return [tuple(flat[i:i + 2]) for i in range(0, len(flat), 2)]


class FirstStep(nn.Module):
    def __init__(self, decoder):
        super().__init__()
        self.decoder = decoder

    def forward(self, ids, mask, states):
        cross = self.decoder.cross_keys(states)
        logits, present = self.decoder(ids, mask, None, cross)
        return logits, *(t for own, far in zip(present, cross) for t in (*own, *far))


class LaterStep(nn.Module):
    """past: of each layer key and value of the decoder's rows, then of the encoder's."""
    def __init__(self, decoder):
        super().__init__()
        self.decoder = decoder

    def forward(self, ids, mask, *past):
        own = [past[i:i + 2] for i in range(0, len(past), 4)]
        far = [past[i + 2:i + 4] for i in range(0, len(past), 4)]
        logits, present = self.decoder(ids, mask, own, far)
        return logits, *(t for layer in present for t in layer)


class WholeStep(nn.Module):
    def __init__(self, decoder):
        super().__init__()
        self.decoder = decoder

    def forward(self, ids, mask, states, *past):
        logits, present = self.decoder(ids, mask, pairs(past), self.decoder.cross_keys(states))
        return logits, *(t for layer in present for t in layer)


def names(prefix, parts, layers):
    return [f"{prefix}.{i}.{part}.{kind}" for i in range(layers) for part in parts for kind in ("key", "value")]


def halve(model):
    """Weights as float16 behind casts, which fold."""
    graph, casts = model.graph, []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or math.prod(tensor.dims) < 64:
            continue
        values, name = numpy_helper.to_array(tensor), tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name + ".half"))
        casts.append(helper.make_node("Cast", [name + ".half"], [name], name=name + ".cast", to=TensorProto.FLOAT))
    nodes = casts + list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)
    return model


def export(module, args, inputs, outputs, dynamic, path, half):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, args, str(path), input_names=inputs, output_names=outputs, opset_version=17,
                          dynamic_axes=dynamic, dynamo=False)
    model = onnx.load(path)
    if half:
        onnx.save(halve(model), path)
        onnx.checker.check_model(model)
    return model


def merge(first, later, states, path):
    """One file: `use_cache_branch` chooses. Branches see the inputs and the weights of the graph around them."""
    weights, branches = {}, []
    outputs = [o.name for o in first.graph.output]
    for tag, model in (("then", later), ("else", first)):
        graph = model.graph
        table = {}
        for tensor in graph.initializer:
            key = tensor.data_type, tuple(tensor.dims), numpy_helper.to_array(tensor).tobytes()
            table[tensor.name] = weights.setdefault(key, f"w{len(weights)}")
        given = {i.name for i in graph.input}
        rename = lambda n: n if not n or n in given else table.get(n, f"{tag}.{n}")
        nodes = []
        for node in graph.node:
            node = onnx.NodeProto.FromString(node.SerializeToString())
            node.input[:] = [rename(n) for n in node.input]
            node.output[:] = [rename(n) for n in node.output]
            node.name = f"{tag}.{node.name}"
            nodes.append(node)
        have = {o.name for o in graph.output}
        result = []
        for o in outputs:
            if o not in have:  # the encoder's, which the later step has from outside
                nodes.append(helper.make_node("Identity", [o.replace("present", "past_key_values")], [f"{tag}.{o}"],
                                              name=f"{tag}.{o}"))
            result.append(helper.make_tensor_value_info(f"{tag}.{o}", TensorProto.FLOAT, None))
        branches.append(helper.make_graph(nodes, tag, [], result))
    node = helper.make_node("If", ["use_cache_branch"], outputs, name="optimum::if", then_branch=branches[0],
                            else_branch=branches[1])
    inputs = list(later.graph.input) + [states, helper.make_tensor_value_info("use_cache_branch", TensorProto.BOOL, [1])]
    ids = next(i for i in inputs if i.name == "input_ids")
    ids.type.tensor_type.shape.dim[1].Clear()
    ids.type.tensor_type.shape.dim[1].dim_param = "decoder_sequence_length"
    initializers = [numpy_helper.from_array(np.frombuffer(raw, helper.tensor_dtype_to_np_dtype(kind)).reshape(dims), name)
                    for (kind, dims, raw), name in weights.items()]
    graph = helper.make_graph([node], "merged", inputs, list(first.graph.output), initializers)
    model = helper.make_model(graph, opset_imports=first.opset_import, ir_version=first.ir_version)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def write_models(model, folder, name, half=False, parts=("encoder", "decoder", "decoder_with_past", "merged", "step")):
    """`half`: weights as float16 behind casts. Only `parts` are kept."""
    config, path = model.config, lambda part: folder / f"{name}_{part}.onnx"
    rows = {0: "batch_size", 1: "encoder_sequence_length"}
    ids, mask = torch.tensor([[3, 4, 5]]), torch.ones(1, 3, dtype=torch.int64)
    export(model.encoder, (ids, mask), ["input_ids", "attention_mask"], ["last_hidden_state"],
           {"input_ids": rows, "attention_mask": rows, "last_hidden_state": rows}, path("encoder"), half)

    states = model.encoder(ids, mask)
    cross = model.decoder.cross_keys(states)
    empty = lambda: torch.zeros(1, config.heads, 5, config.width // config.heads)
    own = [(empty(), empty()) for _ in range(config.layers)]
    both, mine, one = ("decoder", "encoder"), ("decoder",), torch.tensor([[1]])
    cache = {0: "batch_size", 2: "past_decoder_sequence_length"}
    far = {0: "batch_size", 2: "encoder_sequence_length"}
    tokens = {0: "batch_size", 1: "decoder_sequence_length"}
    axes = lambda list_: {n: far if "encoder" in n else cache for n in list_}

    present = names("present", both, config.layers)
    first = export(FirstStep(model.decoder), (torch.tensor([[1, 4]]), mask, states),
                   ["input_ids", "encoder_attention_mask", "encoder_hidden_states"], ["logits", *present],
                   {"input_ids": tokens, "encoder_attention_mask": rows, "encoder_hidden_states": rows,
                    "logits": tokens, **{n: {**a, 2: a[2].replace("past_", "")} for n, a in axes(present).items()}},
                   path("decoder"), half)

    past, present = names("past_key_values", both, config.layers), names("present", mine, config.layers)
    longer = {n: {0: "batch_size", 2: "past_decoder_sequence_length + 1"} for n in present}
    later = export(LaterStep(model.decoder), (one, mask, *(t for a, b in zip(own, cross) for t in (*a, *b))),
                   ["input_ids", "encoder_attention_mask", *past], ["logits", *present],
                   {"input_ids": {0: "batch_size"}, "encoder_attention_mask": rows, **axes(past), **longer},
                   path("decoder_with_past"), half)
    if "merged" in parts:
        states_input = next(i for i in first.graph.input if i.name == "encoder_hidden_states")
        merge(first, later, states_input, path("merged"))
    if "step" in parts:
        past = names("past_key_values", mine, config.layers)
        export(WholeStep(model.decoder), (one, mask, states, *(t for a in own for t in a)),
               ["input_ids", "encoder_attention_mask", "encoder_hidden_states", *past], ["logits", *present],
               {"input_ids": {0: "batch_size"}, "encoder_attention_mask": rows, "encoder_hidden_states": rows,
                **axes(past), **longer}, path("step"), half)
    for part in {"decoder", "decoder_with_past"}.difference(parts):
        path(part).unlink()
