// Emulator.cpp - scalar arithmetic, and the host around the kernels.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/emulate/Emulator.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "tests/emulate/Machine.h"

#include <cmath>
#include <cstring>

using namespace mlir;

namespace heed::emulate {

float fromHalf(uint16_t bits, bool isBF16) {
  uint32_t wide = uint32_t(bits) << 16;
  if (!isBF16) {
    // 5 bits of exponent, biased by 15, and 10 of mantissa.
    uint32_t exponent = bits >> 10 & 31, mantissa = bits & 1023;
    float value = exponent == 31 ? (mantissa ? NAN : INFINITY)
                  : exponent == 0
                      ? std::ldexp(float(mantissa), -24)
                      : std::ldexp(float(1024 + mantissa), int(exponent) - 25);
    return bits >> 15 ? -value : value;
  }
  float value;
  std::memcpy(&value, &wide, 4);
  return value;
}

uint16_t toHalf(float value, bool isBF16) {
  APFloat rounded(value);
  bool losesInfo;
  rounded.convert(isBF16 ? APFloat::BFloat() : APFloat::IEEEhalf(),
                  APFloat::rmNearestTiesToEven, &losesInfo);
  return rounded.bitcastToAPInt().getZExtValue();
}

float asFloat(uint64_t bits) {
  uint32_t low = bits;
  float value;
  std::memcpy(&value, &low, 4);
  return value;
}

uint64_t asBits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}

static unsigned widthOf(Type type) {
  return type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
}

static uint64_t truncate(uint64_t value, unsigned width) {
  return width == 64 ? value : value & ((uint64_t(1) << width) - 1);
}

static int64_t extend(uint64_t value, unsigned width) {
  return int64_t(value << (64 - width)) >> (64 - width);
}

bool Warp::executeInteger(Operation *op) {
  if (op->getNumResults() != 1)
    return false;
  Type type = op->getResult(0).getType();
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    uint64_t bits = 0;
    if (auto integer = dyn_cast<IntegerAttr>(constant.getValue()))
      bits = integer.getValue().getZExtValue();
    else
      bits = cast<FloatAttr>(constant.getValue())
                 .getValue()
                 .bitcastToAPInt()
                 .getZExtValue();
    each(op, [&](auto, auto, auto) { return bits; });
    return true;
  }
  if (isa<arith::SelectOp>(op)) {
    each(op, [](auto c, auto x, auto y) { return c & 1 ? x : y; });
    return true;
  }
  if (op->getNumOperands() == 0 || !op->getOperand(0).getType().isIntOrIndex())
    return false;
  unsigned from = widthOf(op->getOperand(0).getType());
  auto binary = [&](auto function) {
    each(op, [&](uint64_t x, uint64_t y, auto) {
      return truncate(function(x, y), widthOf(type));
    });
    return true;
  };
  auto isSignedLess = [&](uint64_t x, uint64_t y) {
    return extend(x, from) < extend(y, from);
  };
  if (isa<arith::AddIOp>(op))
    return binary([](auto x, auto y) { return x + y; });
  if (isa<arith::SubIOp>(op))
    return binary([](auto x, auto y) { return x - y; });
  if (isa<arith::MulIOp>(op))
    return binary([](auto x, auto y) { return x * y; });
  if (isa<arith::DivUIOp>(op))
    return binary([](auto x, auto y) { return y ? x / y : 0; });
  if (isa<arith::RemUIOp>(op))
    return binary([](auto x, auto y) { return y ? x % y : 0; });
  if (isa<arith::DivSIOp>(op))
    return binary([&](auto x, auto y) -> uint64_t {
      return y ? extend(x, from) / extend(y, from) : 0;
    });
  if (isa<arith::RemSIOp>(op))
    return binary([&](auto x, auto y) -> uint64_t {
      return y ? extend(x, from) % extend(y, from) : 0;
    });
  if (isa<arith::CeilDivUIOp>(op))
    return binary([](auto x, auto y) { return y ? (x + y - 1) / y : 0; });
  if (isa<arith::AndIOp>(op))
    return binary([](auto x, auto y) { return x & y; });
  if (isa<arith::OrIOp>(op))
    return binary([](auto x, auto y) { return x | y; });
  if (isa<arith::XOrIOp>(op))
    return binary([](auto x, auto y) { return x ^ y; });
  if (isa<arith::ShLIOp>(op))
    return binary([](auto x, auto y) { return x << y; });
  if (isa<arith::ShRUIOp>(op))
    return binary([](auto x, auto y) { return x >> y; });
  if (isa<arith::ShRSIOp>(op))
    return binary([&](auto x, auto y) -> uint64_t {
      return y < 64 ? extend(x, from) >> y : 0;
    });
  if (isa<arith::MinUIOp>(op))
    return binary([](auto x, auto y) { return x < y ? x : y; });
  if (isa<arith::MaxUIOp>(op))
    return binary([](auto x, auto y) { return x < y ? y : x; });
  if (isa<arith::MinSIOp>(op))
    return binary([&](auto x, auto y) { return isSignedLess(x, y) ? x : y; });
  if (isa<arith::MaxSIOp>(op))
    return binary([&](auto x, auto y) { return isSignedLess(x, y) ? y : x; });
  if (auto comparison = dyn_cast<arith::CmpIOp>(op))
    return binary([&](auto x, auto y) {
      return arith::applyCmpPredicate(comparison.getPredicate(), APInt(from, x),
                                      APInt(from, y));
    });
  if (isa<arith::ExtUIOp, arith::TruncIOp>(op))
    return binary([](auto x, auto) { return x; });
  if (isa<arith::ExtSIOp, arith::IndexCastOp>(op))
    return binary([&](auto x, auto) { return extend(x, from); });
  if (isa<arith::SIToFPOp>(op)) {
    each(op, [&](auto x, auto, auto) { return asBits(extend(x, from)); });
    return true;
  }
  return false;
}

bool Warp::executeFloat(Operation *op) {
  auto floats = [&](auto function) {
    each(op, [&](auto x, auto y, auto z) {
      return asBits(function(asFloat(x), asFloat(y), asFloat(z)));
    });
    return true;
  };
  if (isa<arith::TruncFOp>(op)) {
    bool isBF16 = getElementTypeOrSelf(op->getResult(0).getType()).isBF16();
    each(op, [&](uint64_t x, auto, auto) -> uint64_t {
      return toHalf(asFloat(x), isBF16) |
             uint32_t(toHalf(asFloat(x >> 32), isBF16)) << 16;
    });
    return true;
  }
  if (op->getNumResults() != 1 || op->getNumOperands() == 0)
    return false;
  Type from = op->getOperand(0).getType();
  if (isa<arith::ExtFOp>(op)) {
    each(op, [&](auto x, auto, auto) {
      return asBits(fromHalf(x, from.isBF16()));
    });
    return true;
  }
  if (!from.isF32())
    return false;
  if (auto comparison = dyn_cast<arith::CmpFOp>(op)) {
    each(op, [&](auto x, auto y, auto) -> uint64_t {
      return arith::applyCmpPredicate(comparison.getPredicate(),
                                      APFloat(asFloat(x)), APFloat(asFloat(y)));
    });
    return true;
  }
  if (isa<arith::AddFOp>(op))
    return floats([](auto x, auto y, auto) { return x + y; });
  if (isa<arith::SubFOp>(op))
    return floats([](auto x, auto y, auto) { return x - y; });
  if (isa<arith::MulFOp>(op))
    return floats([](auto x, auto y, auto) { return x * y; });
  if (isa<arith::DivFOp>(op))
    return floats([](auto x, auto y, auto) { return x / y; });
  if (isa<arith::NegFOp>(op))
    return floats([](auto x, auto, auto) { return -x; });
  if (isa<arith::MaxNumFOp>(op))
    return floats([](auto x, auto y, auto) { return std::fmax(x, y); });
  if (isa<arith::MaximumFOp>(op))
    return floats([](auto x, auto y, auto) {
      return std::isnan(x) || std::isnan(y) ? NAN : std::fmax(x, y);
    });
  if (isa<arith::MinNumFOp>(op))
    return floats([](auto x, auto y, auto) { return std::fmin(x, y); });
  if (isa<arith::MinimumFOp>(op))
    return floats([](auto x, auto y, auto) {
      return std::isnan(x) || std::isnan(y) ? NAN : std::fmin(x, y);
    });
  if (isa<math::SqrtOp>(op))
    return floats([](auto x, auto, auto) { return std::sqrt(x); });
  if (isa<math::RsqrtOp>(op))
    return floats([](auto x, auto, auto) { return 1 / std::sqrt(x); });
  if (isa<math::AbsFOp>(op))
    return floats([](auto x, auto, auto) { return std::fabs(x); });
  if (isa<math::FloorOp>(op))
    return floats([](auto x, auto, auto) { return std::floor(x); });
  if (isa<math::CeilOp>(op))
    return floats([](auto x, auto, auto) { return std::ceil(x); });
  if (isa<math::FmaOp>(op))
    return floats([](auto x, auto y, auto z) { return std::fma(x, y, z); });
  if (isa<math::Exp2Op>(op))
    return floats([](auto x, auto, auto) { return std::exp2(x); });
  if (auto call = dyn_cast<LLVM::CallIntrinsicOp>(op);
      call && call.getIntrin() == "llvm.nvvm.lg2.approx.f")
    return floats([](auto x, auto, auto) { return std::log2(x); });
  return false;
}

bool Warp::executeHost(Operation *op) {
  auto scalar = [&](Value result, uint64_t value) {
    Register lanes(1);
    lanes[0].fill(value);
    set(result, lanes);
  };
  if (auto dim = dyn_cast<memref::DimOp>(op)) {
    scalar(dim.getResult(),
           at(dim.getSource())[1 + *dim.getConstantIndex()][0]);
    return true;
  }
  if (auto alloc = dyn_cast<memref::AllocOp>(op)) {
    Register buffer(1);
    int64_t bytes = (alloc.getType().getElementTypeBitWidth() + 7) / 8;
    std::vector<int64_t> sizes, strides;
    for (OpFoldResult size : alloc.getMixedSizes())
      sizes.push_back(isa<Attribute>(size)
                          ? cast<IntegerAttr>(cast<Attribute>(size)).getInt()
                          : at(cast<Value>(size))[0][0]);
    for (size_t dim = sizes.size(); dim-- > 0;) {
      strides.insert(strides.begin(),
                     strides.empty() ? 1 : strides[0] * sizes[dim + 1]);
      bytes *= sizes[dim];
    }
    buffer[0].fill(reinterpret_cast<uint64_t>(memory.allocate(bytes)));
    for (const std::vector<int64_t> &numbers : {sizes, strides})
      for (int64_t number : numbers)
        buffer.emplace_back().fill(number);
    set(alloc.getResult(), buffer);
    return true;
  }
  if (auto data = dyn_cast<memref::ExtractStridedMetadataOp>(op)) {
    const Register buffer = at(data.getSource());
    size_t rank = data.getSizes().size();
    scalar(data.getOffset(), 0);
    for (size_t dim = 0; dim < rank; ++dim) {
      scalar(data.getSizes()[dim], buffer[1 + dim][0]);
      scalar(data.getStrides()[dim], buffer[1 + rank + dim][0]);
    }
    return true;
  }
  if (auto address = dyn_cast<memref::ExtractAlignedPointerAsIndexOp>(op)) {
    scalar(address.getResult(), at(address.getSource())[0][0]);
    return true;
  }
  if (isa<gpu::LaunchFuncOp>(op)) {
    launch(op);
    return true;
  }
  return false;
}

/// Runs a kernel block by block.
static void runKernel(Memory &memory, ModuleOp module, LLVM::LLVMFuncOp kernel,
                      const std::array<uint64_t, 3> &blocks, uint64_t threads,
                      int64_t sharedBytes, ArrayRef<Register> arguments) {
  ++memory.getReport().launches;
  uint64_t cluster = 1; // blocks
  if (auto dims = kernel->getAttrOfType<DenseI32ArrayAttr>(
          NVVM::NVVMDialect::getClusterDimAttrName()))
    cluster = dims[0];
  if (blocks[0] % cluster != 0)
    return memory.fail("expected a grid of whole clusters");
  std::array<uint64_t, 3> id;
  for (id[2] = 0; id[2] < blocks[2]; ++id[2])
    for (id[1] = 0; id[1] < blocks[1]; ++id[1])
      for (id[0] = 0; id[0] < blocks[0]; id[0] += cluster) {
        memory.clearShared(sharedBytes, cluster);
        std::vector<std::unique_ptr<Warp>> warps;
        for (unsigned rank = 0; rank < cluster; ++rank)
          for (uint64_t first = 0; first < threads; first += kLanes) {
            warps.push_back(std::make_unique<Warp>(memory, module));
            warps.back()->first = first;
            warps.back()->rank = rank;
            warps.back()->block = {id[0] + rank, id[1], id[2]};
            warps.back()->grid = blocks;
          }
        runWarps(memory, warps, [&](Warp &warp) {
          warp.runFunction(kernel.getBody(), arguments);
        });
        memory.endBlocks();
      }
}

void Warp::launch(Operation *op) {
  auto call = cast<gpu::LaunchFuncOp>(op);
  auto kernel = module.lookupSymbol<LLVM::LLVMFuncOp>(call.getKernel());
  if (!kernel)
    return memory.fail("expected a kernel");
  auto sizes = call.getGridSizeOperandValues();
  std::array<uint64_t, 3> blocks{uniform(sizes.x), uniform(sizes.y),
                                 uniform(sizes.z)};
  std::vector<Register> arguments;
  for (Value operand : call.getKernelOperands()) {
    Register argument(1);
    argument[0].fill(at(operand)[0][0]);
    arguments.push_back(argument);
  }
  runKernel(memory, module, kernel, blocks,
            uniform(call.getBlockSizeOperandValues().x),
            uniform(call.getDynamicSharedMemorySize()), arguments);
}

Report launch(ModuleOp module, StringRef kernel, const Launch &launch,
              ArrayRef<Buffer> memory) {
  Report report;
  Memory device(memory, report);
  LLVM::LLVMFuncOp found;
  module.walk([&](LLVM::LLVMFuncOp function) {
    if (function.getSymName() == kernel)
      found = function;
  });
  if (!found || found.getNumArguments() != launch.arguments.size()) {
    device.fail("expected a kernel of as many parameters");
    return report;
  }
  std::vector<Register> arguments;
  for (auto [index, bits] : llvm::enumerate(launch.arguments)) {
    auto map = launch.maps.find(index);
    arguments.emplace_back(1);
    arguments.back()[0].fill(
        map == launch.maps.end() ? bits : device.addMap(map->second));
  }
  runKernel(device, module, found, launch.blocks, launch.threads,
            launch.sharedBytes, arguments);
  return report;
}

Report run(ModuleOp module, StringRef function, ArrayRef<Buffer> arguments) {
  Report report;
  Memory memory(arguments, report);
  auto host = module.lookupSymbol<func::FuncOp>(function);
  if (!host || host.getNumArguments() != arguments.size()) {
    memory.fail("expected a function of as many buffers");
    return report;
  }
  std::vector<Register> values;
  for (const Buffer &buffer : arguments) {
    Register value(1 + 2 * buffer.shape.size());
    value[0].fill(reinterpret_cast<uint64_t>(buffer.data));
    int64_t stride = 1;
    for (size_t dim = buffer.shape.size(); dim-- > 0;) {
      value[1 + dim].fill(buffer.shape[dim]);
      value[1 + buffer.shape.size() + dim].fill(stride);
      stride *= buffer.shape[dim];
    }
    values.push_back(value);
  }
  Warp warp(memory, module);
  warp.active = 1;
  warp.runFunction(host.getBody(), values);
  return report;
}

} // namespace heed::emulate
