// LowerGpuRow.cpp - attn.norm and linalg.softmax along rows -> kernels.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/gpu/Passes.h"
#include "passes/lower/gpu/row/RowKernel.h"
#include "passes/lower/gpu/sdpa/SdpaKernel.h"

#include "dialect/gate/GateOps.h"
#include "dialect/norm/NormOps.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"

#include <limits>

using namespace mlir;
using heed::attn::NormOp;

namespace heed::lower {
#define GEN_PASS_DEF_LOWERGPUROW
#include "passes/lower/gpu/Passes.h.inc"

namespace {
using cuda::KernelBuffer;
using cuda::KernelBuilder;
using cuda::RowKernel;
using cuda::Values;

/// Arithmetic of f32 in a kernel.
struct Floats {
  KernelBuilder &k;
  Value add(Value x, Value y) {
    return arith::AddFOp::create(k.b, k.loc, x, y);
  }
  Value sub(Value x, Value y) {
    return arith::SubFOp::create(k.b, k.loc, x, y);
  }
  Value mul(Value x, Value y) {
    return arith::MulFOp::create(k.b, k.loc, x, y);
  }
  Value div(Value x, Value y) {
    return arith::DivFOp::create(k.b, k.loc, x, y);
  }
  Value max(Value x, Value y) {
    return arith::MaximumFOp::create(k.b, k.loc, x, y);
  }
};

//===----------------------------------------------------------------------===//
// attn.norm
//===----------------------------------------------------------------------===//

/// A weight or bias: its strides over the dims of x that it spans.
struct Affine {
  KernelBuffer buffer;
  ArrayRef<int64_t> dims;
};

/// The indices of dims first … last − 1 of x, from their flat index.
void splitIndex(KernelBuilder &k, Value flat, ArrayRef<Value> sizes,
                MutableArrayRef<Value> indices) {
  for (size_t dim = sizes.size(); dim-- > 0;) {
    indices[dim] =
        dim == 0 ? flat
                 : k.b.createOrFold<arith::RemUIOp>(k.loc, flat, sizes[dim]);
    flat = k.b.createOrFold<arith::DivUIOp>(k.loc, flat, sizes[dim]);
  }
}

/// The elements of weight or bias beside a vector of x.
Values loadAffine(RowKernel &rows, const Affine &affine, ArrayRef<Value> sizes,
                  int64_t firstColumnDim, Value column) {
  KernelBuilder &k = rows.k;
  int64_t rank = sizes.size();
  // All columns and nothing else: vectors, as of x.
  SmallVector<int64_t> all = llvm::to_vector(llvm::seq(firstColumnDim, rank));
  bool isAlongRow = affine.dims == ArrayRef<int64_t>(all) &&
                    getConstantIntValue(affine.buffer.strides.back()) == 1;
  Type element = affine.buffer.element;
  if (isAlongRow &&
      (rows.length == 1 || cuda::vectorLength(element) == rows.length))
    return cuda::loadVector(k, affine.buffer.address(k, column), element,
                            rows.length);
  Values values;
  for (int64_t i = 0; i < rows.length; ++i) {
    Values indices(rank);
    splitIndex(k, rows.row, sizes.take_front(firstColumnDim),
               MutableArrayRef(indices).take_front(firstColumnDim));
    splitIndex(k, k.add(column, k.i32(i)), sizes.drop_front(firstColumnDim),
               MutableArrayRef(indices).drop_front(firstColumnDim));
    Values picked;
    for (int64_t dim : affine.dims)
      picked.push_back(indices[dim]);
    values.push_back(affine.buffer.load(k, picked));
  }
  return values;
}

std::string whyNot(NormOp op) {
  auto type = cast<MemRefType>(op.getX().getType());
  int64_t count = op.getDimensions().size(), rank = type.getRank();
  if (op.getDimensions().front() != rank - count)
    return "dimensions: expected the last ones of x";
  std::string why = cuda::whyNoRows(op.getX(), op.getInit());
  for (Value affine : {op.getWeight(), op.getBias()})
    if (affine && why.empty())
      why = cuda::whyNoRows(affine, affine);
  return why;
}

void lower(NormOp op, gpu::GPUModuleOp kernels) {
  OpBuilder host(op);
  Location loc = op.getLoc();
  auto type = cast<MemRefType>(op.getX().getType());
  int64_t count = op.getDimensions().size(), rank = type.getRank();
  RowKernel rows(host, loc, kernels, cuda::nameKernel(kernels, "norm"),
                 op.getX(), op.getInit(), count);
  KernelBuilder &k = rows.k;
  Floats f{k};
  Values sizes;
  for (int64_t dim = 0; dim < rank; ++dim)
    sizes.push_back(k.parameter(memref::getMixedSize(host, loc, op.getX(), dim),
                                k.b.getI32Type()));
  std::optional<Affine> weight, bias;
  if (op.getWeight())
    weight = Affine{cuda::globalBuffer(k, op.getWeight()), op.getWeightDims()};
  if (op.getBias())
    bias = Affine{cuda::globalBuffer(k, op.getBias()), op.getBiasDims()};

  auto add = [&](Value x, Value y) { return f.add(x, y); };
  Value elements =
      arith::SIToFPOp::create(k.b, loc, k.b.getF32Type(), rows.columns);
  Value mean;
  if (op.getKind() == attn::NormKind::layer) {
    Value sum = rows.reduce(0, add, [](Value x) { return x; });
    mean = f.div(sum, elements);
  }
  auto centred = [&](Value x) { return mean ? f.sub(x, mean) : x; };
  Value squares = rows.reduce(0, add, [&](Value x) {
    Value d = centred(x);
    return f.mul(d, d);
  });
  Value variance =
      f.add(f.div(squares, elements), k.f32(op.getEpsilon().convertToDouble()));
  Value scale = math::RsqrtOp::create(k.b, loc, variance);
  rows.map([&](const Values &x, Value column) {
    Values weights, biases, y;
    if (weight)
      weights = loadAffine(rows, *weight, sizes, rank - count, column);
    if (bias)
      biases = loadAffine(rows, *bias, sizes, rank - count, column);
    for (auto [i, value] : llvm::enumerate(x)) {
      Value result = f.mul(centred(value), scale);
      if (weight)
        result = f.mul(result, weights[i]);
      y.push_back(bias ? f.add(result, biases[i]) : result);
    }
    return y;
  });
  rows.finish();
  op.erase();
}

//===----------------------------------------------------------------------===//
// linalg.softmax
//===----------------------------------------------------------------------===//

std::string whyNot(linalg::SoftmaxOp op) {
  auto type = cast<MemRefType>(op.getInput().getType());
  if (static_cast<int64_t>(op.getDimension()) != type.getRank() - 1)
    return "dimension: expected the last one";
  return cuda::whyNoRows(op.getInput(), op.getOutput());
}

/// y = 2^(c·(x − m)) / Σ 2^(c·(x − m)), c = log2 e; the exponential is taken
/// twice, which is less than to store it.
void lower(linalg::SoftmaxOp op, gpu::GPUModuleOp kernels) {
  OpBuilder host(op);
  RowKernel rows(host, op.getLoc(), kernels,
                 cuda::nameKernel(kernels, "softmax"), op.getInput(),
                 op.getOutput(), 1);
  KernelBuilder &k = rows.k;
  Floats f{k};
  Value max = rows.reduce(
      -std::numeric_limits<double>::infinity(),
      [&](Value x, Value y) { return f.max(x, y); }, [](Value x) { return x; });
  auto power = [&](Value x) -> Value {
    Value exponent = f.mul(f.sub(x, max), k.f32(cuda::kLog2E));
    return math::Exp2Op::create(k.b, k.loc, exponent,
                                arith::FastMathFlags::afn);
  };
  Value sum = rows.reduce(
      0, [&](Value x, Value y) { return f.add(x, y); }, power);
  Value inverse = f.div(k.f32(1), sum);
  rows.map([&](const Values &x, Value) {
    Values y;
    for (Value value : x)
      y.push_back(f.mul(power(value), inverse));
    return y;
  });
  rows.finish();
  op.erase();
}

struct LowerGpuRow : impl::LowerGpuRowBase<LowerGpuRow> {
  using LowerGpuRowBase::LowerGpuRowBase;
  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (!cuda::requireChip(module, chip))
      return signalPassFailure();
    SmallVector<Operation *> ops;
    module.walk([&](Operation *op) {
      if (isa<NormOp, linalg::SoftmaxOp>(op) &&
          isa<MemRefType>(op->getOperand(0).getType()) &&
          !op->getParentOfType<attn::GateOp>())
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      auto norm = dyn_cast<NormOp>(op);
      auto softmax = dyn_cast<linalg::SoftmaxOp>(op);
      std::string why = norm ? whyNot(norm) : whyNot(softmax);
      auto options = remark::RemarkOpts::name(norm ? "norm" : "softmax")
                         .category("heed-lower");
      if (!why.empty()) {
        remark::analysis(op->getLoc(), options)
            << remark::metric("schedule", "no GPU kernel")
            << remark::reason("{0}", why)
            << remark::suggest("transpose the tensor so that its last "
                               "dimensions are those that are reduced");
        continue;
      }
      remark::analysis(op->getLoc(), options)
          << remark::metric("schedule", "a row a warp or block");
      gpu::GPUModuleOp kernels = cuda::getKernelModule(module, chip);
      if (norm)
        lower(norm, kernels);
      else
        lower(softmax, kernels);
    }
  }
};
} // namespace
} // namespace heed::lower
