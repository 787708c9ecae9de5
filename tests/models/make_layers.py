#!/usr/bin/env python3
# make_layers.py - an encoder of four layers, batch and length free, and what it gives by PyTorch in doubles.   usage: make_layers.py FOLDER
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import sys

import numpy as np
import onnx
import torch

folder = sys.argv[1]
torch.manual_seed(5)
layer = torch.nn.TransformerEncoderLayer(d_model=16, nhead=2, dim_feedforward=24, dropout=0.0, activation="gelu", batch_first=True, norm_first=True)
model = torch.nn.TransformerEncoder(layer, num_layers=4, enable_nested_tensor=False).eval()
for parameter in model.parameters():  # layers are copies of one: make them differ
    torch.nn.init.uniform_(parameter, -0.3, 0.3)
free = {0: torch.export.Dim("batch", min=1, max=64), 1: torch.export.Dim("length", min=1, max=512)}
torch.onnx.export(model, (torch.rand(2, 5, 16),), f"{folder}/layers_dyn.onnx", dynamo=True, external_data=False, verbose=False,
                  input_names=["x"], output_names=["y"], dynamic_shapes=(free,))
exported = onnx.load(f"{folder}/layers_dyn.onnx")
for node in exported.graph.node:  # where in the program each came from
    del node.metadata_props[:]
onnx.save(exported, f"{folder}/layers_dyn.onnx")
model.double()
for name, shape in {"layers_dyn": (2, 9, 16), "layers_dyn_long": (1, 70, 16)}.items():
    x = torch.rand(shape, dtype=torch.float32) - 0.5
    np.save(f"{folder}/{name}.in0.npy", x.numpy())
    np.save(f"{folder}/{name}.out0.npy", model(x.double()).detach().float().numpy())
