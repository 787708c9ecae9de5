// GateScale.cpp - y = epilogue(x, g, extras) of all gates of a chain.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A block takes a stretch of the image, whatever rows it lies in: where rows
// are no multiple of 16 bytes, as of 7 × 7 pixels, images still are.
#include "passes/lower/gpu/gate/GateKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace heed::cuda {
namespace {

/// Vectors of a thread in flight.
constexpr int64_t kUnroll = 4;
/// Rounds of a block that computes an excitation first.
constexpr int64_t kFusedRounds = 4;

struct ScaleKernel {
  GateImage &image;
  KernelBuilder &k;
  Value elements; // where the stretch ends
  int64_t length = image.imageVector();

  Value divide(Value x, Value y) {
    return k.b.createOrFold<arith::DivUIOp>(k.loc, x, y);
  }
  Value remainder(Value x, Value y) {
    return k.b.createOrFold<arith::RemUIOp>(k.loc, x, y);
  }

  Values scale(const GateImage::Loaded &loaded, Value offset) {
    bool oneRow = image.rowVector() == length;
    Values rows, columns;
    for (int64_t i = 0; i < length; ++i) {
      if (i > 0 && oneRow) {
        rows.push_back(rows[0]);
        columns.push_back(k.add(columns[0], k.i32(i)));
        continue;
      }
      Value element = k.add(offset, k.i32(i));
      rows.push_back(divide(element, image.columns));
      columns.push_back(remainder(element, image.columns));
    }
    return image.apply(loaded, rows, columns);
  }

  void store(ArrayRef<Value> y, Value offset) {
    storeVector(k, y, image.init.address(k, offset), image.init.element);
  }

  /// kUnroll vectors of each thread, all loaded before the first is stored.
  void round(Value first) {
    int64_t step = kGateThreads * length;
    Value mine = k.add(first, k.mul(image.lane.thread, k.i32(length)));
    auto at = [&](int64_t slot) { return k.add(mine, k.i32(slot * step)); };
    Value end = k.add(first, k.i32(step * kUnroll));
    Value isWhole = k.b.createOrFold<arith::CmpIOp>(
        k.loc, arith::CmpIPredicate::sle, end, elements);
    k.ifThen(isWhole, [&] {
      SmallVector<GateImage::Loaded> loaded;
      for (int64_t slot = 0; slot < kUnroll; ++slot)
        loaded.push_back(image.load(at(slot), length));
      for (int64_t slot = 0; slot < kUnroll; ++slot)
        store(scale(loaded[slot], at(slot)), at(slot));
    });
    k.ifThen(k.lessThan(elements, end), [&] {
      for (int64_t slot = 0; slot < kUnroll; ++slot)
        k.ifThen(k.lessThan(at(slot), elements), [&] {
          store(scale(image.load(at(slot), length), at(slot)), at(slot));
        });
    });
  }
};

} // namespace

void scaleStretch(GateImage &image, Value first, Value end) {
  KernelBuilder &k = image.k;
  ScaleKernel kernel{image, k, end};
  int64_t step = kGateThreads * kernel.length * kUnroll;
  k.forLoop(first, end, step, {}, [&](Value at, ValueRange) -> Values {
    kernel.round(at);
    return {};
  });
}

void launchScale(OpBuilder &host, GateChain &chain, gpu::GPUModuleOp kernels) {
  KernelBuilder k(host, chain.loc, kernels, nameKernel(kernels, "gate_scale"),
                  kGateThreads);
  Value n = k.blockY();
  GateImage image(k, chain, n);
  for (size_t stage = 0; stage < chain.stages.size(); ++stage)
    image.addStage();
  image.addInit();
  ScaleKernel kernel{image, k, k.mul(image.rows, image.columns)};
  bool hasFused = llvm::any_of(
      chain.stages, [](const GateStage &stage) { return stage.plan.isFused; });
  int64_t rounds = hasFused ? kFusedRounds : 1;
  int64_t step = kGateThreads * kernel.length * kUnroll;
  Value first = k.mul(k.blockX(), k.i32(step * rounds));
  k.forLoop(k.i32(0), k.i32(rounds), 1, {},
            [&](Value index, ValueRange) -> Values {
              kernel.round(k.add(first, k.mul(index, k.i32(step))));
              return {};
            });
  SmallVector<int64_t> dims = chain.rowDims;
  llvm::append_range(dims, chain.columnDims);
  Value count = getValueOrCreateConstantIndexOp(
      host, chain.loc, sizeOf(host, chain.loc, chain.x(), dims));
  Value size = arith::ConstantIndexOp::create(host, chain.loc, step * rounds);
  Value blocks = host.createOrFold<arith::CeilDivUIOp>(chain.loc, count, size);
  k.finish({blocks, imagesOf(host, chain), host.getIndexAttr(1)},
           image.arena.bytes());
}

} // namespace heed::cuda
