// Hopper.cpp - what sm_90a adds: mbarriers, TMA, products of a warpgroup.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A copy by TMA is done when it is begun, but its words are not to be read until
// some warp has waited for its barrier. A product is computed when all four warps
// of its warpgroup have come to it, and its elements are not to be used until the
// group is awaited.
#include "dialect/hopper/HopperOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "tests/emulate/Machine.h"

#include <cstring>

using namespace mlir;

namespace heed::emulate {

/// Handles of tensor maps are their numbers, with this bit.
static constexpr uint64_t kMapBit = uint64_t(1) << 61;
static constexpr unsigned kWarpsOfGroup = 4;
static constexpr unsigned kPanelColumns = 64, kRowBytes = 128, kChunk = 16;

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// The address with the 16-byte chunk it is in exchanged by its row of 128.
static uint64_t swizzle(uint64_t address) {
  return address ^ (address >> 7 & 7) << 4;
}

Memory::Barrier *Memory::findBarrier(uint64_t address) {
  auto found = barriers.find(address);
  if (found != barriers.end())
    return &found->second;
  fail("expected an initialised mbarrier");
  return nullptr;
}

void Memory::initBarrier(uint64_t address, int64_t arrivals) {
  if (address % 8 != 0)
    fail("expected an mbarrier at a multiple of 8 bytes");
  barriers[address] = {arrivals, arrivals, 0, 0, {}};
}

void Memory::advanceBarrier(uint64_t address, int64_t arrivals, int64_t bytes) {
  Barrier *barrier = findBarrier(address);
  if (!barrier)
    return;
  barrier->pending -= arrivals;
  barrier->bytes += bytes;
  if (barrier->pending < 0)
    fail("more arrivals than the mbarrier expects");
  if (barrier->pending == 0 && barrier->bytes == 0) {
    barrier->pending = barrier->arrivals;
    ++barrier->phase;
  }
}

bool Memory::hasPassed(uint64_t address, uint64_t parity) {
  Barrier *barrier = findBarrier(address);
  return !barrier || (barrier->phase & 1) != parity;
}

void Memory::arriveAt(uint64_t address) {
  Barrier *barrier = findBarrier(address);
  if (!barrier)
    return;
  for (uint64_t to : barrier->copies)
    for (unsigned at = 0; at < kChunk; at += kWordBytes)
      findWords(to + at)->isUnderWay = false;
  barrier->copies.clear();
}

void Memory::copyByTma(uint64_t to, const void *chunk, uint64_t barrier) {
  uint64_t offset = to & ~kSharedBit;
  char *target = find(to, kChunk);
  Barrier *counted = findBarrier(barrier);
  if (!target || !counted)
    return;
  for (unsigned at = 0; at < kChunk; at += kWordBytes) {
    Word &word = *findWords(offset + at);
    if (word.isUnderWay)
      fail("two copies under way to one place");
    word.isUnderWay = word.isWritten = true;
    word.written = -1;
  }
  counted->copies.push_back(offset);
  std::memcpy(target, chunk, kChunk);
}

uint16_t Memory::loadFactor(uint64_t offset) {
  uint64_t address = swizzle(offset);
  char *from = find(address | kSharedBit, 2);
  if (!from)
    return 0;
  const Word &word = *findWords(address);
  if (word.isUnderWay)
    fail("read before its copy was awaited");
  else if (!word.isWritten)
    fail("read before it was written");
  uint16_t value;
  std::memcpy(&value, from, 2);
  return value;
}

uint64_t Memory::addMap(TensorMap map) {
  maps.push_back(std::move(map));
  return kMapBit | (maps.size() - 1);
}

const TensorMap *Memory::findMap(uint64_t handle) {
  uint64_t at = handle & ~kMapBit;
  if (handle & kMapBit && at < maps.size())
    return &maps[at];
  fail("expected a tensor map");
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

/// cp.async.bulk.tensor with SWIZZLE_128B; coordinates from the innermost dim.
void Warp::copyTensor(Operation *op) {
  auto copy = cast<NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp>(op);
  if (llvm::popcount(active) != 1)
    return memory.fail("expected one thread");
  unsigned lane = llvm::countr_zero(active);
  const TensorMap *map = memory.findMap(at(copy.getTmaDescriptor())[0][lane]);
  if (!map)
    return;
  size_t rank = map->sizes.size();
  if (copy.getCoordinates().size() != rank)
    return memory.fail("expected a coordinate a dim");
  std::vector<int64_t> begin;
  for (Value coordinate : llvm::reverse(copy.getCoordinates()))
    begin.push_back(int32_t(at(coordinate)[0][lane]));
  uint64_t to = at(copy.getDstMem())[0][lane];
  uint64_t barrier = at(copy.getMbar())[0][lane];
  if ((to & ~kSharedBit) % 1024 != 0)
    memory.fail("expected a panel at a multiple of 1024 bytes");

  int64_t rows = 1;
  for (int64_t size : ArrayRef(map->box).drop_back())
    rows *= size;
  for (int64_t row = 0; row < rows; ++row) {
    uint64_t address = map->address;
    bool isInside = true;
    int64_t rest = row;
    for (size_t dim = rank - 1; dim-- > 0;) {
      int64_t index = begin[dim] + rest % map->box[dim];
      rest /= map->box[dim];
      isInside &= index >= 0 && index < map->sizes[dim];
      address += index * map->strides[dim] * 2;
    }
    for (unsigned column = 0; column < kPanelColumns; column += 8) {
      std::array<uint16_t, 8> chunk{};
      for (unsigned i = 0; i < 8; ++i) {
        int64_t index = begin.back() + column + i;
        if (isInside && index >= 0 && index < map->sizes.back())
          chunk[i] = memory.load(address + 2 * index, 2, threadOf(lane));
      }
      uint64_t place = (to & ~kSharedBit) + row * kRowBytes + 2 * column;
      memory.copyByTma(swizzle(place) | kSharedBit, chunk.data(), barrier);
    }
  }
  memory.advanceBarrier(barrier, 0, -rows * int64_t(kRowBytes));
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

namespace {
/// A matrix descriptor, in bytes.
struct Descriptor {
  uint64_t start, panels, eightRows;

  explicit Descriptor(uint64_t bits)
      : start(field(bits, 0)), panels(field(bits, 16)),
        eightRows(field(bits, 32)) {}
  static uint64_t field(uint64_t bits, unsigned at) {
    return (bits >> at & 0x3fff) << 4;
  }
  /// Of 16 columns of rows.
  uint64_t inRows(unsigned row, unsigned column) const {
    return start + row / 8 * eightRows + row % 8 * kRowBytes + 2 * column;
  }
  /// Of 16 rows of columns.
  uint64_t inColumns(unsigned row, unsigned column) const {
    return start + column / kPanelColumns * panels + row / 8 * eightRows +
           row % 8 * kRowBytes + column % kPanelColumns * 2;
  }
};
} // namespace

/// All warps of the warpgroup are here.
void Warp::meet() {
  int64_t &count = memory.meetings[first / (kLanes * kWarpsOfGroup)];
  int64_t round = count++ / kWarpsOfGroup;
  waitFor([&count, round] { return count >= (round + 1) * kWarpsOfGroup; });
}

void Warp::multiplyWarpgroup(Operation *op) {
  auto product = cast<hopper::WgmmaOp>(op);
  bool isBF16 = product.getElement().isBF16();
  unsigned columns = product.getColumnCount();
  unsigned firstRow = first / kLanes % kWarpsOfGroup * 16;
  meet();
  memory.current = op;
  std::vector<std::array<double, 16>> sums(columns);
  auto eachElement = [&](auto function) {
    for (unsigned i = 0; i < product.getNumResults(); ++i)
      for (unsigned lane = 0; lane < kLanes; ++lane)
        function(i, lane, lane / 4 + i / 2 % 2 * 8,
                 i / 4 * 8 + lane % 4 * 2 + i % 2);
  };
  if (!product.getC().empty())
    eachElement([&](unsigned i, unsigned lane, unsigned row, unsigned column) {
      uint32_t bits = at(product.getC()[i])[0][lane];
      float value;
      std::memcpy(&value, &bits, 4);
      sums[column][row] = value;
    });
  for (int64_t step = 0; step < product.getStepCount(); ++step) {
    float a[16][16];
    ValueRange factor = product.getStepA(step);
    if (product.isFromRegisters()) {
      for (unsigned lane = 0; lane < kLanes; ++lane)
        for (unsigned i = 0; i < 8; ++i) {
          unsigned part = i / 2, half = i % 2;
          a[lane / 4 + part % 2 * 8][lane % 4 * 2 + half + part / 2 * 8] =
              fromHalf(at(factor[part])[0][lane] >> (16 * half), isBF16);
        }
    } else {
      Descriptor rows(uniform(factor[0]));
      for (unsigned row = 0; row < 16; ++row)
        for (unsigned column = 0; column < 16; ++column)
          a[row][column] = fromHalf(
              memory.loadFactor(rows.inRows(firstRow + row, column)), isBF16);
    }
    Descriptor descriptor(uniform(product.getB()[step]));
    for (unsigned column = 0; column < columns; ++column) {
      float b[16];
      for (unsigned i = 0; i < 16; ++i)
        b[i] = fromHalf(memory.loadFactor(product.getColumns()
                                              ? descriptor.inColumns(i, column)
                                              : descriptor.inRows(column, i)),
                        isBF16);
      for (unsigned row = 0; row < 16; ++row)
        for (unsigned i = 0; i < 16; ++i)
          sums[column][row] += double(a[row][i]) * b[i];
    }
  }
  std::vector<LaneValues> results(product.getNumResults());
  eachElement([&](unsigned i, unsigned lane, unsigned row, unsigned column) {
    auto value = static_cast<float>(sums[column][row]);
    uint32_t bits;
    std::memcpy(&bits, &value, 4);
    results[i][lane] = bits;
  });
  ++begunProducts;
  for (auto [result, value] : llvm::zip(product.getResults(), results)) {
    set(result, {value});
    underWay[result] = begunProducts;
  }
  // Nobody changes what another still reads.
  meet();
}

void Warp::comeTo(Value id, Value threads, bool waits) {
  Memory::NamedBarrier &barrier = memory.namedBarriers[{rank, uniform(id)}];
  auto expected = static_cast<int64_t>(uniform(threads));
  int64_t phase = barrier.phase;
  barrier.threads += kLanes;
  if (barrier.threads > expected)
    memory.fail("more threads than the named barrier expects");
  if (barrier.threads == expected) {
    barrier.threads = 0;
    ++barrier.phase;
  } else if (waits) {
    waitFor([&] { return barrier.phase != phase; });
  }
}

bool Warp::executeHopper(Operation *op) {
  if (isa<hopper::WgmmaOp, hopper::WaitOp>(op)) {
    if (active != ~0u)
      memory.fail("expected all lanes of the warp");
  } else {
    for (Value operand : op->getOperands())
      if (underWay.contains(operand))
        memory.fail("used before the product was awaited");
  }
  auto eachLane = [&](auto function) {
    for (unsigned lane = 0; lane < kLanes; ++lane)
      if (isActive(lane))
        function(lane);
  };
  if (isa<hopper::WgmmaOp>(op)) {
    multiplyWarpgroup(op);
  } else if (auto wait = dyn_cast<hopper::WaitOp>(op)) {
    int64_t done = begunProducts - int64_t(wait.getPending());
    for (auto [value, result] :
         llvm::zip(wait.getFragment(), wait.getResults())) {
      auto found = underWay.find(value);
      if (found != underWay.end() && found->second > done)
        memory.fail("awaits fewer products than are under way");
      set(result, Register(at(value)));
    }
  } else if (auto map = dyn_cast<hopper::TensorMapOp>(op)) {
    const Register buffer = at(map.getSource());
    size_t rank = map.getBox().size();
    TensorMap made;
    made.address = buffer[0][0];
    made.box = llvm::to_vector(map.getBox());
    for (size_t dim = 0; dim < rank; ++dim) {
      made.sizes.push_back(buffer[1 + dim][0]);
      made.strides.push_back(buffer[1 + rank + dim][0]);
    }
    Register handle(1);
    handle[0].fill(memory.addMap(std::move(made)));
    set(map.getMap(), handle);
  } else if (isa<NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp>(op)) {
    copyTensor(op);
  } else if (auto init = dyn_cast<NVVM::MBarrierInitOp>(op)) {
    eachLane([&](unsigned lane) {
      memory.initBarrier(at(init.getAddr())[0][lane],
                         at(init.getCount())[0][lane]);
    });
  } else if (auto expect = dyn_cast<NVVM::MBarrierArriveExpectTxOp>(op)) {
    eachLane([&](unsigned lane) {
      memory.advanceBarrier(at(expect.getAddr())[0][lane], 1,
                            at(expect.getTxcount())[0][lane]);
    });
  } else if (auto arrival = dyn_cast<NVVM::MBarrierArriveOp>(op)) {
    eachLane([&](unsigned lane) {
      memory.advanceBarrier(at(arrival.getAddr())[0][lane], 1, 0);
    });
  } else if (auto wait = dyn_cast<NVVM::MBarrierTryWaitParityOp>(op)) {
    uint64_t address = uniform(wait.getAddr()),
             parity = uniform(wait.getPhase());
    waitFor([&] { return memory.hasPassed(address, parity); });
    memory.current = op;
    memory.arriveAt(address);
  } else if (auto wait = dyn_cast<NVVM::BarrierOp>(op)) {
    comeTo(wait.getBarrierId(), wait.getNumberOfThreads(), /*waits=*/true);
  } else if (auto arrival = dyn_cast<NVVM::BarrierArriveOp>(op)) {
    comeTo(arrival.getBarrierId(), arrival.getNumberOfThreads(),
           /*waits=*/false);
  } else if (!isa<NVVM::SetMaxRegisterOp, NVVM::FenceMbarrierInitOp>(op)) {
    return false;
  }
  return true;
}

} // namespace heed::emulate
