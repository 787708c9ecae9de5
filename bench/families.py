"""The attention blocks that are timed: for each family its modules in PyTorch, its table rows and the sweep around them."""
import dataclasses
import math
import typing
import zlib

import torch
import torch.nn as nn
import torch.nn.functional as F


class SqueezeExcite(nn.Module):
    def __init__(self, channels, reduction=16):
        super().__init__()
        hidden = max(channels // reduction, 4)
        self.down, self.up = nn.Conv2d(channels, hidden, 1), nn.Conv2d(hidden, channels, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.up(F.relu(self.down(x.mean((2, 3), keepdim=True)))))


class EfficientChannelAttention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        taps = int(abs((math.log2(channels) + 1) / 2))
        taps += 1 - taps % 2
        self.conv = nn.Conv1d(1, 1, taps, padding=taps // 2, bias=False)

    def forward(self, x):
        pooled = F.adaptive_avg_pool2d(x, 1).squeeze(-1).transpose(-1, -2)
        gate = self.conv(pooled).transpose(-1, -2).unsqueeze(-1)
        return x * torch.sigmoid(gate).expand_as(x)


class Cbam(nn.Module):
    def __init__(self, channels, reduction=16):
        super().__init__()
        hidden = max(channels // reduction, 4)
        self.down, self.up = nn.Conv2d(channels, hidden, 1, bias=False), nn.Conv2d(hidden, channels, 1, bias=False)
        self.spatial = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def excite(self, pooled):
        return self.up(F.relu(self.down(pooled)))

    def forward(self, x):
        x = x * torch.sigmoid(self.excite(F.adaptive_avg_pool2d(x, 1)) + self.excite(F.adaptive_max_pool2d(x, 1)))
        pooled = torch.cat([x.mean(1, keepdim=True), x.max(1, keepdim=True)[0]], 1)
        return x * torch.sigmoid(self.spatial(pooled))


class Inner(nn.Module):
    """The block on an X made inside the model, which dies in it: Heed gates it in place."""

    def __init__(self, block):
        super().__init__()
        self.block = block

    def forward(self, x):
        return self.block(F.relu(x))


class Attention(nn.Module):
    def __init__(self, causal=False, window=0):
        super().__init__()
        self.causal, self.window = causal, window

    def forward(self, q, k, v):
        mask = None
        if self.window:
            i = torch.arange(q.shape[2])
            mask = (i[:, None] - i[None, :]).abs() <= self.window
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=self.causal)


class MultiHead(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)

    def forward(self, x):
        return self.attention(x, x, x, need_weights=False)[0]


def largest(module, tensors):
    """The magnitude of an output: of its largest value."""
    return module(*tensors).abs().max()


def of_attention(module, tensors):
    """Of each value, the sum of its products' absolute values: what rounding is relative to where they cancel."""
    q, k, v = tensors
    return module(q, k, v.abs())


def of_multi_head(module, tensors):
    """The same through the projections of the values and of the output."""
    (x,), m = tensors, module.attention
    heads = lambda t: t.unflatten(-1, (m.num_heads, m.head_dim)).transpose(1, 2)
    w, b, width = m.in_proj_weight, m.in_proj_bias, m.embed_dim
    q, k = F.linear(x, w[:2 * width], b[:2 * width]).chunk(2, -1)
    v = F.linear(x.abs(), w[2 * width:].abs(), b[2 * width:].abs())
    o = F.scaled_dot_product_attention(heads(q), heads(k), heads(v)).transpose(1, 2).flatten(2)
    return F.linear(o, m.out_proj.weight.abs(), m.out_proj.bias.abs())


@dataclasses.dataclass
class Block:
    name: str
    family: str
    size: int  # where it stands on the axis of the family's plot
    terms: int  # of the longest sum of products: what the bound of the error grows with
    module: typing.Callable[[], nn.Module]
    shapes: list
    magnitude: typing.Callable = largest
    flops: typing.Optional[float] = None  # of the products, where these are what bounds the block

    def make(self):
        """(module, tensors), the same at each call."""
        torch.manual_seed(zlib.crc32(self.name.encode()))
        return self.module().eval(), tuple(torch.randn(*shape) for shape in self.shapes)


# Family -> what its size is.
AXES = {
    "se": "elements of X", "eca": "elements of X", "cbam": "elements of X", "se_inner": "elements of X", "eca_inner": "elements of X",
    "sdpa": "sequence length", "sdpa_causal": "sequence length", "sdpa_window": "sequence length",
    "sdpa_decode": "keys", "mha": "sequence length", "enc": "sequence length", "encoder": "sequence length",
}
GATES = {"se": SqueezeExcite, "eca": EfficientChannelAttention, "cbam": Cbam,
         "se_inner": lambda c: Inner(SqueezeExcite(c)), "eca_inner": lambda c: Inner(EfficientChannelAttention(c))}


def gate(family, n, c, side):
    return Block(f"{family}_{n}x{c}x{side}", family, n * c * side * side, c, lambda: GATES[family](c), [(n, c, side, side)])


def sdpa(b, h, s, d):
    return Block(f"sdpa_b{b}h{h}s{s}d{d}", "sdpa", s, s, Attention, [(b, h, s, d)] * 3, of_attention, 4.0 * b * h * s * s * d)


def causal(h, s, d):
    return Block(f"sdpa_causal_h{h}s{s}d{d}", "sdpa_causal", s, s, lambda: Attention(causal=True), [(1, h, s, d)] * 3, of_attention)


def window(h, s, d, w=64):
    return Block(f"sdpa_window{w}_h{h}s{s}d{d}", "sdpa_window", s, 2 * w + 1, lambda: Attention(window=w), [(1, h, s, d)] * 3, of_attention)


def decode(h, keys, d):
    shapes = [(1, h, 1, d), (1, h, keys, d), (1, h, keys, d)]
    return Block(f"sdpa_decode_h{h}kv{keys}d{d}", "sdpa_decode", keys, keys, Attention, shapes, of_attention)


def mha_flops(width, s):
    """Four projections and the two products of the attention."""
    return 8.0 * s * width * width + 4.0 * s * s * width


def mha(width, heads, s):
    return Block(f"mha_{width}h{heads}_s{s}", "mha", s, width, lambda: MultiHead(width, heads), [(1, s, width)], of_multi_head,
                 mha_flops(width, s))


def layer(width, heads):
    return nn.TransformerEncoderLayer(width, heads, 4 * width, batch_first=True)


def layer_flops(width, s):
    """The attention, and two products with four times as many hidden units."""
    return mha_flops(width, s) + 16.0 * s * width * width


def encoder_layer(width, heads, s):
    return Block(f"enc_{width}h{heads}_s{s}", "enc", s, 4 * width, lambda: layer(width, heads), [(1, s, width)],
                 flops=layer_flops(width, s))


def encoder(layers, width, heads, s):
    """Identical layers but for their weights: what compiles once."""
    make = lambda: nn.TransformerEncoder(layer(width, heads), layers, enable_nested_tensor=False)
    return Block(f"encoder{layers}_{width}h{heads}_s{s}", "encoder", s, 4 * width, make, [(1, s, width)],
                 flops=layers * layer_flops(width, s))


def table():
    """The rows that the project is judged by."""
    return [
        *(gate("se", *x) for x in [(1, 64, 112), (1, 256, 56), (1, 512, 28), (1, 1024, 14), (1, 2048, 7), (8, 256, 56)]),
        *(gate("eca", *x) for x in [(1, 256, 56), (1, 512, 28), (8, 256, 56)]),
        *(gate("cbam", *x) for x in [(1, 256, 56), (1, 512, 28), (8, 256, 28)]),
        *(sdpa(*x) for x in [(1, 12, 128, 64), (1, 12, 512, 64), (8, 12, 128, 64), (1, 8, 2048, 128), (1, 1, 1024, 64)]),
        causal(12, 1024, 64), window(8, 2048, 64), decode(16, 1024, 64), decode(32, 8192, 128),
        mha(768, 12, 128), mha(768, 12, 512), encoder_layer(768, 12, 128), encoder_layer(512, 8, 128),
        encoder(12, 512, 8, 128),
    ]


def sweep():
    """Sizes around the table's, small and odd ones among them."""
    images = [(1, 64, 112), (1, 64, 56), (1, 96, 37), (1, 128, 28), (1, 256, 28), (1, 256, 14), (1, 512, 14), (1, 512, 7),
              (1, 40, 7), (4, 256, 28), (8, 64, 112), (8, 512, 7), (32, 128, 28), (32, 256, 56)]
    lengths = [1, 2, 4, 8, 16, 33, 64, 100, 128, 197, 256, 384, 512, 777, 1024, 2048]
    return [
        *(gate(family, *x) for family in ("se", "eca", "cbam") for x in images),
        *(gate(family, *x) for family in ("se_inner", "eca_inner") for x in [(1, 64, 112), (1, 256, 56), (1, 512, 28), (8, 256, 56), (8, 512, 7)]),
        *(sdpa(1, 12, s, 64) for s in lengths),
        *(sdpa(1, 8, s, d) for d in (32, 80, 96, 128) for s in (16, 128, 197, 512, 1024)),
        *(sdpa(1, h, s, 64) for h in (1, 2, 4, 32) for s in (64, 197, 512)),
        *(causal(8, s, d) for d in (64, 128) for s in (64, 197, 512, 1024, 2048, 4096)),
        *(window(8, s, 64) for s in (128, 300, 512, 1024, 2048, 4096)),
        *(decode(h, keys, d) for h, d in ((16, 64), (32, 128)) for keys in (64, 256, 512, 1000, 2048, 4096, 8192)),
        *(mha(width, heads, s) for width, heads in ((768, 12), (512, 8)) for s in (1, 16, 49, 128, 197, 384)),
        *(encoder_layer(width, heads, s) for width, heads in ((768, 12), (512, 8)) for s in (1, 16, 64, 197, 384)),
    ]
