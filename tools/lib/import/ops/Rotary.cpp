// Rotary.cpp - RotaryEmbedding: pairs of elements turned by an angle of the
// position.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/ops/Rotary.h"
#include "tools/lib/import/Registry.h"
#include "tools/lib/import/ops/Gather.h"
#include "tools/lib/import/ops/Map.h"
#include "tools/lib/import/ops/Sdpa.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace heed::import {

/// x[..., from : from + count : step]
static Tensor lastDim(Emitter &e, const Tensor &x, const Sym &from,
                      const Sym &count, int64_t step) {
  SmallVector<Sym> offsets(x->rank(), Sym(0));
  SmallVector<int64_t> strides(x->rank(), 1);
  Shape sizes = x->shape;
  offsets.back() = from;
  sizes.back() = count;
  strides.back() = step;
  return e.slice(x, offsets, sizes, strides);
}

/// real = cos·x1 − sin·x2, imag = sin·x1 + cos·x2, with x1, x2 the halves or
/// the even and odd elements of the first `rotated` elements.
Tensor rotate(Emitter &e, const Tensor &x, Tensor cos, Tensor sin,
              const Sym &rotated, int64_t headAxis, bool interleaved) {
  Sym size = x->shape[3];
  e.requireAtLeast(size - rotated, 0, "elements that are not rotated");
  auto half = rotated.exactQuotient(2);
  if (!half)
    fail("the rotated size is odd");
  for (Tensor *t : {&cos, &sin}) {
    e.require((*t)->shape[2], *half, "last dimension of a cache");
    Shape shape = (*t)->shape;
    shape.insert(shape.begin() + headAxis, Sym(1));
    *t = e.reshape(*t, shape);
  }
  // What turns first, then its halves: so they are halves of a dimension.
  Tensor turned = e.same(rotated, size) ? x : lastDim(e, x, 0, rotated, 1);
  int64_t step = interleaved ? 2 : 1;
  Tensor x1 = lastDim(e, turned, 0, *half, step);
  Tensor x2 = lastDim(e, turned, interleaved ? Sym(1) : *half, *half, step);
  using Mul = arith::MulFOp;
  Tensor real =
      map2<arith::SubFOp>(e, map2<Mul>(e, cos, x1), map2<Mul>(e, sin, x2));
  Tensor imag =
      map2<arith::AddFOp>(e, map2<Mul>(e, sin, x1), map2<Mul>(e, cos, x2));
  Tensor y;
  if (interleaved) {
    Shape apart = real->shape, together = real->shape;
    apart.push_back(1);
    together.back() = rotated;
    y = e.reshape(e.concat({e.reshape(real, apart), e.reshape(imag, apart)}, 4),
                  together);
  } else {
    y = e.concat({real, imag}, 3);
  }
  if (!e.same(rotated, size))
    y = e.concat({y, lastDim(e, x, rotated, size - rotated, 1)}, 3);
  return y;
}

namespace {

void importRotary(Node &n) {
  Emitter &e = n.e;
  n.requireRank(0, 3, 4);
  const Tensor &input = n.floatInput(0);
  Tensor x = input, cos = n.floatInput(1), sin = n.floatInput(2);
  int64_t headAxis = 1;
  if (x->rank() == 3) {
    x = splitHeads(e, x, n.intAttr("num_heads"), "input 0").tensor;
    headAxis = 2;
  }
  Sym rotated = n.intAttr("rotary_embedding_dim", 0);
  if (rotated == Sym(0))
    rotated = x->shape[3];
  // The caches as [b, s, half]: of position ids, or per element already.
  if (n.has(3)) {
    const Tensor &ids = n.input(3);
    if (cos->rank() != 2 || sin->rank() != 2 || ids->rank() != 2 ||
        ids->type != DType::I64)
      fail("with position ids, expected 2-D caches and 2-D int64 ids");
    cos = gather(e, cos, ids, 0);
    sin = gather(e, sin, ids, 0);
  }
  if (cos->rank() != 3 || sin->rank() != 3)
    fail("without position ids, expected 3-D caches");
  Tensor y =
      rotate(e, x, cos, sin, rotated, headAxis, n.intAttr("interleaved", 0));
  n.set(e.reshape(y, input->shape));
}

} // namespace

llvm::ArrayRef<OpEntry> rotaryOps() {
  static const OpEntry ops[] = {
      {"RotaryEmbedding", 23, 3, 4, importRotary},
  };
  return ops;
}

} // namespace heed::import
