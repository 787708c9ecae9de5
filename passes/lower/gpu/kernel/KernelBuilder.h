// KernelBuilder.h - a GPU kernel that is being written, and its launch.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel is an llvm.func in a gpu.module whose body is arith, math and scf
// beside NVVM's own ops. They stay until the last passes, so that the same body
// becomes PTX and can be run op by op on a CPU (tests/emulate).
#ifndef HEED_PASSES_LOWER_GPU_KERNEL_KERNELBUILDER_H
#define HEED_PASSES_LOWER_GPU_KERNEL_KERNELBUILDER_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"

namespace heed::cuda {

using mlir::Location;
using mlir::OpBuilder;
using mlir::OpFoldResult;
using mlir::Type;
using mlir::Value;
using Values = llvm::SmallVector<Value>;

/// Address spaces of NVPTX.
enum AddressSpace : unsigned { kGlobal = 1, kShared = 3, kSharedCluster = 7 };

/// Blocks of a launch.
using Grid = std::array<OpFoldResult, 3>;

/// A tensor as the kernel sees it: its first element, and a stride a dim,
/// counted in elements.
struct GlobalTensor {
  Value pointer;  // !llvm.ptr<1>
  Values strides; // i64
  Type element;
};

class KernelBuilder {
public:
  /// A kernel `name` of `threads` threads a block, at the end of `module`.
  /// `host` builds what the launch needs.
  KernelBuilder(OpBuilder &host, Location loc, mlir::gpu::GPUModuleOp module,
                llvm::StringRef name, unsigned threads);

  OpBuilder &host;
  OpBuilder b; // of the kernel's body
  Location loc;

  Value i1(bool value);
  Value i32(int64_t value);
  Value i64(int64_t value);
  Value f32(double value);

  // Integers of equal type, folded where they are constants.
  Value add(Value x, Value y);
  Value sub(Value x, Value y);
  Value mul(Value x, Value y);
  Value div(Value x, int64_t y); // unsigned
  Value rem(Value x, int64_t y); // unsigned
  Value min(Value x, Value y);   // signed
  Value max(Value x, Value y);   // signed
  Value lessThan(Value x, Value y);
  Value widen(Value x); // unsigned i32 to i64

  Value select(Value condition, Value x, Value y);

  /// x + bytes, of a pointer in any space.
  Value advance(Value pointer, Value bytes);
  Value advance(Value pointer, int64_t bytes);
  /// Elements beside each other by one access; the address is a multiple of
  /// their bytes, of which there are at most 16.
  Values loadVector(Type element, int64_t count, Value address);
  void storeVector(mlir::ValueRange elements, Value address);
  /// The start of the block's dynamic shared memory. All of it is one buffer:
  /// beside static shared memory it would overlap.
  Value sharedMemory();

  unsigned getThreads() const { return threads; }
  /// Blocks beside each other in x are a cluster of `blocks` (sm_90).
  void setCluster(int64_t blocks);
  /// Which block of the grid this is (i32).
  Value blockX();
  Value blockY();

  /// A value of the host as the kernel's next parameter; constants stay what
  /// they are.
  Value parameter(Value hostValue);
  Value parameter(OpFoldResult hostValue, Type type);
  /// A memref: its address, and those strides that are no constants.
  GlobalTensor tensor(Value memref);

  /// A hopper.tensor_map of the memref, which the kernel takes by value: its
  /// address, !llvm.ptr.
  Value tensorMap(Value memref, llvm::ArrayRef<int64_t> box);

  /// A scalar of the host in the kernel: a constant, or a parameter. 16-bit
  /// floats become f32.
  Value scalar(Value hostValue);
  /// What `region` uses of the host, whose ops are cloned into the kernel:
  /// constants are cloned too, other scalars become parameters. So do buffers,
  /// of which the kernel may load (memref.load).
  void capture(mlir::Region &region);

  /// scf.if without results, unless `condition` is a constant.
  void ifThen(Value condition, llvm::function_ref<void()> body);

  void ifThenElse(Value condition, llvm::function_ref<void()> then,
                  llvm::function_ref<void()> otherwise);

  /// scf.for begin … end with carried values; the body alone where that is one
  /// step.
  Values forLoop(
      Value begin, Value end, int64_t step, mlir::ValueRange carried,
      llvm::function_ref<Values(Value index, mlir::ValueRange carried)> body);
  /// scf.if: what `then` makes of the values, or the values.
  Values ifElse(Value condition, mlir::ValueRange values,
                llvm::function_ref<Values()> then);

  /// Ends the kernel. One that equals an earlier one of the module is dropped
  /// for it: layers share kernels. Then launches it on the host.
  void finish(const Grid &grid, int64_t sharedBytes);

private:
  mlir::gpu::GPUModuleOp module;
  mlir::LLVM::LLVMFuncOp function;
  unsigned threads;
  void replaceLoads(Value buffer, const GlobalTensor &tensor);

  Values arguments;                                          // of the launch
  llvm::SmallVector<unsigned> tensorMaps;                    // among them
  llvm::SmallVector<std::pair<Value, Value>> captures;       // host's, kernel's
  llvm::SmallVector<std::pair<Value, GlobalTensor>> buffers; // the same
};

/// The module of kernels of a program for `chip`; made where there is none.
mlir::gpu::GPUModuleOp getKernelModule(mlir::ModuleOp module,
                                       llvm::StringRef chip);

/// What a chip offers to a block of threads.
struct Chip {
  unsigned compute;      // 80 for sm_80
  int64_t sharedBytes;   // of a block, the most
  unsigned ptxVersion;   // PTX ISA that knows it: 80 for 8.0
  bool hasWgmma = false; // products of a warpgroup, and TMA that feeds them
};
/// Nothing for a name that is no sm_80 or later.
std::optional<Chip> getChip(llvm::StringRef name);
/// The same, with an error at `op` for such a name.
std::optional<Chip> requireChip(mlir::Operation *op, llvm::StringRef name);

} // namespace heed::cuda

#endif // HEED_PASSES_LOWER_GPU_KERNEL_KERNELBUILDER_H
