// Machine.h - memory of the emulated GPU, and the warps that use it.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TESTS_EMULATE_MACHINE_H
#define HEED_TESTS_EMULATE_MACHINE_H

#include "tests/emulate/Emulator.h"
#include "llvm/ADT/DenseMap.h"

#include <array>
#include <functional>
#include <map>
#include <memory>

namespace heed::emulate {

constexpr unsigned kLanes = 32;
/// Addresses in shared memory are its offsets, with this bit and the rank of the
/// block in its cluster.
constexpr uint64_t kSharedBit = uint64_t(1) << 62;
constexpr unsigned kRankShift = 32;
constexpr uint64_t kRankMask = uint64_t(0xff) << kRankShift;
/// Threads are numbered through a cluster.
constexpr int kMostThreads = 1024;

/// Values of one op in all lanes, as bits; the members of a struct are parts,
/// and so are each 64 bits of a vector.
/// A memref is its address, sizes and strides.
using LaneValues = std::array<uint64_t, kLanes>;
using Register = std::vector<LaneValues>;

/// f32 in the low half of a lane's value.
float asFloat(uint64_t bits);
uint64_t asBits(float value);

/// Who reads in an access that serves a whole warp.
constexpr int kWholeWarp = -3;

/// Global buffers and the shared memory of the running blocks: of one, or of a
/// cluster.
class Memory {
public:
  Memory(llvm::ArrayRef<Buffer> buffers, Report &report)
      : buffers(buffers.begin(), buffers.end()), report(report) {}

  /// A buffer of the host's own.
  void *allocate(int64_t bytes);

  /// New blocks: shared memory holds nothing.
  void clearShared(int64_t bytes, unsigned blocks);
  void endBlocks();
  /// All threads met, those of a block each or those of the cluster.
  void passBarrier(bool ofCluster) {
    ++interval;
    clusterInterval += ofCluster;
  }

  uint64_t load(uint64_t address, unsigned bytes, int thread);
  void store(uint64_t address, uint64_t value, unsigned bytes, int thread);
  /// `size` bytes to shared memory, the first `bytes` of them from global
  /// memory, the others zeros; not to be read before `arrive`.
  void startCopy(uint64_t to, uint64_t from, unsigned size, unsigned bytes,
                 int thread);
  void arrive(uint64_t to, unsigned size, int thread);

  // Hopper.cpp.
  void initBarrier(uint64_t address, int64_t arrivals);
  /// So many arrivals, and so many bytes expected more.
  void advanceBarrier(uint64_t address, int64_t arrivals, int64_t bytes);
  /// Whether the phase of this parity is complete.
  bool hasPassed(uint64_t address, uint64_t parity);
  /// What was copied for the barrier may be read.
  void arriveAt(uint64_t address);
  void copyByTma(uint64_t to, const void *chunk, uint64_t barrier);
  /// An element of a factor, whose place is swizzled.
  uint16_t loadFactor(uint64_t offset);
  uint64_t addMap(TensorMap map);
  const TensorMap *findMap(uint64_t handle);
  /// Threads that have come to a named barrier (bar.sync, bar.arrive), by block
  /// and id, and how often all had.
  struct NamedBarrier {
    int64_t threads = 0, phase = 0;
  };
  std::map<std::pair<unsigned, uint64_t>, NamedBarrier> namedBarriers;
  /// Warps that have come to a meeting of their warpgroup, by warpgroup.
  std::map<unsigned, int64_t> meetings;

  void fail(const llvm::Twine &message);
  /// The op that errors name.
  mlir::Operation *current = nullptr;
  Report &getReport() { return report; }

private:
  /// Two bytes of shared memory: who used them since the last barrier.
  struct Word {
    int written = -1, read = -1; // intervals
    int writer = -1, reader = -1;
    /// Intervals between barriers of the cluster: of the last write, and of the
    /// last read by another block.
    int writtenOfCluster = -1, readOfCluster = -1;
    bool isUnderWay = false, isWritten = false;
  };

  /// Threads that write halves of a bank's word do not disturb each other.
  static constexpr unsigned kWordBytes = 2;
  struct Barrier {
    int64_t arrivals, pending, bytes, phase;
    std::vector<uint64_t> copies; // to these offsets, not awaited
  };

  char *find(uint64_t address, unsigned bytes);
  Barrier *findBarrier(uint64_t address);
  Word *findWords(uint64_t address);
  void noteRead(Word &word, int thread, bool isRemote);
  void noteWrite(Word &word, int thread);

  std::vector<Buffer> buffers;
  std::vector<std::unique_ptr<char[]>> scratch;
  Report &report;
  std::vector<std::vector<char>> shared; // of a block
  std::vector<std::vector<Word>> words;
  std::map<uint64_t, Barrier> barriers;
  std::vector<TensorMap> maps;
  int interval = 0, clusterInterval = 0;
};

/// What ends the op of a warp until all warps are there, of the block or of the
/// cluster.
using Barrier = std::function<void(bool ofCluster)>;

/// Executes ops for the lanes of a warp; the host is a warp of one lane.
class Warp {
public:
  Warp(Memory &memory, mlir::ModuleOp module)
      : memory(memory), module(module) {}

  void runFunction(mlir::Region &body, llvm::ArrayRef<Register> arguments);

  uint32_t active = ~0u;
  unsigned first = 0; // thread of lane 0
  unsigned rank = 0;  // of its block in the cluster
  std::array<uint64_t, 3> block{}, grid{1, 1, 1};
  Barrier barrier;
  /// Lets others run until the condition holds.
  std::function<void(const std::function<bool()> &)> waitFor;

private:
  void runBlock(mlir::Block &block);
  void execute(mlir::Operation *op);
  bool executeInteger(mlir::Operation *op);
  bool executeFloat(mlir::Operation *op);
  bool executeMemory(mlir::Operation *op);
  bool executeVector(mlir::Operation *op);
  bool executeCopy(mlir::Operation *op);
  bool executeWarp(mlir::Operation *op);
  bool executeHost(mlir::Operation *op);
  bool executeHopper(mlir::Operation *op);
  bool executeView(mlir::Operation *op);
  void executeFor(mlir::Operation *op);
  void executeIf(mlir::Operation *op);
  void launch(mlir::Operation *op);

  Register &at(mlir::Value value);
  void set(mlir::Value value, Register values);
  /// The same in all active lanes, else an error.
  uint64_t uniform(mlir::Value value);
  int threadOf(unsigned lane) const {
    return rank * kMostThreads + first + lane;
  }
  bool isActive(unsigned lane) const { return active >> lane & 1; }
  /// result = function(operand 0, 1, 2) in each lane.
  template <typename Function>
  void each(mlir::Operation *op, Function function);
  /// Lanes that meet at a bank of shared memory, of those that are served at
  /// a time.
  void countConflicts(const LaneValues &addresses, unsigned bytes);
  void loadMatrices(mlir::Operation *op);
  void multiply(mlir::Operation *op);
  void copyTensor(mlir::Operation *op);
  void multiplyWarpgroup(mlir::Operation *op);
  void meet();
  /// A warp comes to a named barrier of `threads`, and perhaps waits there.
  void comeTo(mlir::Value id, mlir::Value threads, bool waits);

  Memory &memory;
  mlir::ModuleOp module;
  llvm::DenseMap<mlir::Value, std::unique_ptr<Register>> values;
  bool hasArrived = false; // at the next barrier of the cluster
  /// Copies under way: groups that were committed, and the open one.
  struct Copy {
    uint64_t to;
    unsigned size;
    int thread;
  };
  std::vector<std::vector<Copy>> groups{1};
  /// Elements of products that were begun, by the number of the product.
  llvm::DenseMap<mlir::Value, int64_t> underWay;
  int64_t begunProducts = 0;
};

/// Runs the warps of a block, or of all blocks of a cluster, each until the next
/// barrier. Blocks of a cluster go from barrier to barrier together.
void runWarps(Memory &memory, llvm::ArrayRef<std::unique_ptr<Warp>> warps,
              llvm::function_ref<void(Warp &)> body);

template <typename Function>
void Warp::each(mlir::Operation *op, Function function) {
  static const LaneValues none{};
  const LaneValues *operands[3] = {&none, &none, &none};
  for (unsigned i = 0; i < 3 && i < op->getNumOperands(); ++i)
    operands[i] = &at(op->getOperand(i))[0];
  Register result(1);
  for (unsigned lane = 0; lane < kLanes; ++lane)
    if (isActive(lane))
      result[0][lane] = function((*operands[0])[lane], (*operands[1])[lane],
                                 (*operands[2])[lane]);
  set(op->getResult(0), std::move(result));
}

} // namespace heed::emulate

#endif // HEED_TESTS_EMULATE_MACHINE_H
