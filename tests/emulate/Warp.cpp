// Warp.cpp - control flow, memory and the collectives of a warp.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "tests/emulate/Machine.h"

#include <cstring>
#include <ucontext.h>

using namespace mlir;

namespace heed::emulate {

Register &Warp::at(Value value) {
  std::unique_ptr<Register> &found = values[value];
  if (!found) {
    memory.fail("use of a value that was not computed");
    found = std::make_unique<Register>(4);
  }
  return *found;
}

/// Lanes that are not active keep what they have.
void Warp::set(Value value, Register result) {
  std::unique_ptr<Register> &slot = values[value];
  if (!slot)
    slot = std::make_unique<Register>(result.size());
  slot->resize(result.size());
  for (auto [part, from] : llvm::zip(*slot, result))
    for (unsigned lane = 0; lane < kLanes; ++lane)
      if (isActive(lane))
        part[lane] = from[lane];
}

uint64_t Warp::uniform(Value value) {
  const LaneValues &lanes = at(value)[0];
  std::optional<uint64_t> common;
  for (unsigned lane = 0; lane < kLanes; ++lane) {
    if (!isActive(lane))
      continue;
    if (common && *common != lanes[lane])
      memory.fail("expected one value for all lanes");
    common = lanes[lane];
  }
  return common.value_or(0);
}

void Warp::runFunction(Region &body, ArrayRef<Register> arguments) {
  for (auto [argument, value] : llvm::zip(body.getArguments(), arguments))
    set(argument, value);
  runBlock(body.front());
}

void Warp::runBlock(Block &block) {
  for (Operation &op : block)
    execute(&op);
}

void Warp::execute(Operation *op) {
  memory.current = op;
  if (isa<scf::ForOp>(op))
    return executeFor(op);
  if (isa<scf::IfOp>(op))
    return executeIf(op);
  // The op above takes what a region yields.
  if (op->hasTrait<OpTrait::IsTerminator>())
    return;
  if (!executeHopper(op) && !executeInteger(op) && !executeFloat(op) &&
      !executeMemory(op) && !executeVector(op) && !executeCopy(op) &&
      !executeWarp(op) && !executeHost(op) && !executeView(op))
    memory.fail("unknown op");
}

void Warp::executeFor(Operation *op) {
  auto loop = cast<scf::ForOp>(op);
  // Bounds are signed i32 or index.
  auto bound = [&](Value value) {
    uint64_t bits = uniform(value);
    return value.getType().isInteger(32) ? int64_t(int32_t(bits))
                                         : int64_t(bits);
  };
  int64_t end = bound(loop.getUpperBound()), step = bound(loop.getStep());
  for (auto [inner, init] :
       llvm::zip(loop.getRegionIterArgs(), loop.getInitArgs()))
    set(inner, Register(at(init)));
  for (int64_t i = bound(loop.getLowerBound()); i < end; i += step) {
    Register index(1);
    index[0].fill(i);
    set(loop.getInductionVar(), index);
    runBlock(*loop.getBody());
    std::vector<Register> next;
    for (Value yielded : loop.getYieldedValues())
      next.push_back(at(yielded));
    for (auto [inner, value] : llvm::zip(loop.getRegionIterArgs(), next))
      set(inner, std::move(value));
  }
  for (auto [result, inner] :
       llvm::zip(loop.getResults(), loop.getRegionIterArgs()))
    set(result, Register(at(inner)));
}

void Warp::executeIf(Operation *op) {
  auto branch = cast<scf::IfOp>(op);
  const LaneValues condition = at(branch.getCondition())[0];
  uint32_t taken = 0, outer = active;
  for (unsigned lane = 0; lane < kLanes; ++lane)
    taken |= uint32_t(condition[lane] & 1) << lane;
  for (auto [region, lanes] :
       {std::pair(&branch.getThenRegion(), outer & taken),
        {&branch.getElseRegion(), outer & ~taken}}) {
    active = lanes;
    if (region->empty() || lanes == 0)
      continue;
    runBlock(region->front());
    for (auto [result, yielded] :
         llvm::zip(branch.getResults(),
                   region->front().getTerminator()->getOperands()))
      set(result, Register(at(yielded)));
  }
  active = outer;
}

/// Bytes in memory of a scalar.
static unsigned bytesOf(Type type) {
  if (auto vector = dyn_cast<VectorType>(type))
    return vector.getNumElements() * vector.getElementTypeBitWidth() / 8;
  return (type.getIntOrFloatBitWidth() + 7) / 8;
}

/// Values have at most 64 bits; vectors are parts.
static constexpr unsigned kPartBytes = 8;
static unsigned partsOf(unsigned bytes) {
  return (bytes + kPartBytes - 1) / kPartBytes;
}

bool Warp::executeMemory(Operation *op) {
  if (auto gep = dyn_cast<LLVM::GEPOp>(op)) {
    if (gep.getIndices().size() != 1 || !gep.getElemType().isInteger(8))
      memory.fail("expected one index of bytes");
    if (auto constant = gep.getIndices()[0].dyn_cast<IntegerAttr>()) {
      int64_t offset = constant.getInt();
      each(op, [&](auto base, auto, auto) { return base + offset; });
      return true;
    }
    bool isNarrow = op->getOperand(1).getType().isInteger(32);
    each(op, [&](auto base, auto offset, auto) {
      return base + (isNarrow ? int64_t(int32_t(offset)) : int64_t(offset));
    });
    return true;
  }
  if (isa<LLVM::PtrToIntOp>(op)) { // of shared memory: from its start on
    each(op, [](auto value, auto, auto) { return value & ~kSharedBit; });
    return true;
  }
  if (isa<LLVM::AddrSpaceCastOp, LLVM::IntToPtrOp, LLVM::BitcastOp>(op)) {
    each(op, [](auto value, auto, auto) { return value; });
    return true;
  }
  if (isa<LLVM::AddressOfOp>(op)) {
    uint64_t start = kSharedBit | uint64_t(rank) << kRankShift;
    each(op, [&](auto, auto, auto) { return start; });
    return true;
  }
  if (auto load = dyn_cast<LLVM::LoadOp>(op)) {
    const LaneValues addresses = at(load.getAddr())[0];
    unsigned bytes = bytesOf(load.getType());
    countConflicts(addresses, bytes);
    Register result(partsOf(bytes));
    for (unsigned lane = 0; lane < kLanes; ++lane)
      for (unsigned part = 0; isActive(lane) && part < result.size(); ++part)
        result[part][lane] =
            memory.load(addresses[lane] + part * kPartBytes,
                        std::min(bytes, kPartBytes), threadOf(lane));
    set(load.getResult(), result);
    return true;
  }
  if (auto store = dyn_cast<LLVM::StoreOp>(op)) {
    const LaneValues addresses = at(store.getAddr())[0];
    const Register stored = at(store.getValue());
    unsigned bytes = bytesOf(store.getValue().getType());
    for (unsigned lane = 0; lane < kLanes; ++lane)
      for (unsigned part = 0; isActive(lane) && part < partsOf(bytes); ++part)
        memory.store(addresses[lane] + part * kPartBytes, stored[part][lane],
                     std::min(bytes, kPartBytes), threadOf(lane));
    return true;
  }
  return false;
}

/// Elements of vectors, in parts of 64 bits.
bool Warp::executeVector(Operation *op) {
  if (isa<LLVM::PoisonOp>(op)) {
    set(op->getResult(0),
        Register(partsOf(bytesOf(op->getResult(0).getType()))));
    return true;
  }
  if (!isa<LLVM::InsertElementOp, LLVM::ExtractElementOp>(op))
    return false;
  bool inserts = isa<LLVM::InsertElementOp>(op);
  auto type = cast<VectorType>(op->getOperand(0).getType());
  unsigned width = type.getElementTypeBitWidth();
  uint64_t mask = (uint64_t(1) << width) - 1;
  uint64_t bit = uniform(op->getOperand(inserts ? 2 : 1)) * width;
  unsigned shift = bit % (8 * kPartBytes);
  Register vector = at(op->getOperand(0));
  LaneValues &part = vector[bit / (8 * kPartBytes)];
  if (!inserts) {
    for (uint64_t &bits : part)
      bits = bits >> shift & mask;
    set(op->getResult(0), {part});
    return true;
  }
  const LaneValues &values = at(op->getOperand(1))[0];
  for (unsigned lane = 0; lane < kLanes; ++lane)
    part[lane] = (part[lane] & ~(mask << shift)) | (values[lane] & mask)
                                                       << shift;
  set(op->getResult(0), vector);
  return true;
}

bool Warp::executeCopy(Operation *op) {
  if (auto copy = dyn_cast<NVVM::CpAsyncOp>(op)) {
    unsigned size = copy.getSize();
    const LaneValues &to = at(copy.getDst())[0], &from = at(copy.getSrc())[0];
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      if (!isActive(lane))
        continue;
      unsigned bytes = copy.getCpSize() ? at(copy.getCpSize())[0][lane] : size;
      int thread = threadOf(lane);
      memory.startCopy(to[lane], from[lane], size, bytes, thread);
      groups.back().push_back({to[lane], size, thread});
    }
    return true;
  }
  if (isa<NVVM::CpAsyncCommitGroupOp>(op)) {
    groups.emplace_back();
    return true;
  }
  if (auto wait = dyn_cast<NVVM::CpAsyncWaitGroupOp>(op)) {
    // The open group is not waited for.
    while (groups.size() > wait.getN() + 1) {
      for (const Copy &copy : groups.front())
        memory.arrive(copy.to, copy.size, copy.thread);
      groups.erase(groups.begin());
    }
    return true;
  }
  return false;
}

void Warp::countConflicts(const LaneValues &addresses, unsigned bytes) {
  constexpr unsigned kBanks = 32, kBankBytes = 4;
  // Wider accesses are served by parts of the warp, 128 bytes at a time.
  unsigned together = std::min(kLanes, kBanks * kBankBytes / bytes);
  for (unsigned begin = 0; begin < kLanes; begin += together) {
    std::array<uint64_t, kBanks> word{};
    for (unsigned lane = begin; lane < begin + together; ++lane) {
      if (!isActive(lane) || !(addresses[lane] & kSharedBit))
        continue;
      for (unsigned at = 0; at < bytes; at += kBankBytes) {
        uint64_t mine = (addresses[lane] + at) / kBankBytes;
        uint64_t &other = word[mine % kBanks];
        memory.getReport().bankConflicts += other != 0 && other != mine;
        other = mine;
      }
    }
  }
}

void Warp::loadMatrices(Operation *op) {
  auto load = cast<NVVM::LdMatrixOp>(op);
  const LaneValues addresses = at(load.getPtr())[0];
  bool isTransposed = load.getLayout() == NVVM::MMALayout::col;
  Register result(load.getNum());
  for (unsigned m = 0; m < load.getNum(); ++m) {
    uint16_t matrix[8][8];
    uint32_t banks = 0;
    for (unsigned row = 0; row < 8; ++row) {
      uint64_t address = addresses[8 * m + row];
      if (address % 16 != 0)
        memory.fail("expected rows at multiples of 16 bytes");
      uint32_t bank = 1u << (address / 16 % 8);
      memory.getReport().bankConflicts += (banks & bank) != 0;
      banks |= bank;
      for (unsigned pair = 0; pair < 4; ++pair) {
        uint32_t bits = memory.load(address + 4 * pair, 4, kWholeWarp);
        std::memcpy(&matrix[row][2 * pair], &bits, 4);
      }
    }
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      unsigned g = lane / 4, t = lane % 4;
      uint32_t low = isTransposed ? matrix[2 * t][g] : matrix[g][2 * t];
      uint32_t high =
          isTransposed ? matrix[2 * t + 1][g] : matrix[g][2 * t + 1];
      result[m][lane] = low | high << 16;
    }
  }
  set(load.getResult(), std::move(result));
}

/// m16n8k16 of halves and m16n8k8 of tf32, by the tables of the PTX ISA
/// (9.7.14.5.8, 9.7.14.5.7): in a register of A or B, a row of A or a column of
/// B has two halves or one float.
void Warp::multiply(Operation *op) {
  auto mma = cast<NVVM::MmaOp>(op);
  NVVM::MMATypes type = *mma.getMultiplicandAPtxType();
  bool isFloat = type == NVVM::MMATypes::tf32;
  unsigned depth = isFloat ? 8 : 16, each = isFloat ? 1 : 2;
  float a[16][16], b[16][8];
  for (unsigned lane = 0; lane < kLanes; ++lane) {
    unsigned g = lane / 4, t = lane % 4;
    for (unsigned i = 0; i < each; ++i) {
      auto element = [&](Value value) {
        uint32_t bits = at(value)[0][lane];
        // The lower 13 bits of tf32 are not there.
        return isFloat
                   ? asFloat(bits & 0xffffe000)
                   : fromHalf(bits >> (16 * i), type == NVVM::MMATypes::bf16);
      };
      unsigned low = each * t + i, high = low + depth / 2;
      a[g][low] = element(mma.getOperandA()[0]);
      a[g + 8][low] = element(mma.getOperandA()[1]);
      a[g][high] = element(mma.getOperandA()[2]);
      a[g + 8][high] = element(mma.getOperandA()[3]);
      b[low][g] = element(mma.getOperandB()[0]);
      b[high][g] = element(mma.getOperandB()[1]);
    }
  }
  Register result(4);
  for (unsigned lane = 0; lane < kLanes; ++lane) {
    for (unsigned i = 0; i < 4; ++i) {
      unsigned row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
      double sum = asFloat(at(mma.getOperandC()[i])[0][lane]);
      for (unsigned k = 0; k < depth; ++k)
        sum += double(a[row][k]) * b[k][column];
      result[i][lane] = asBits(static_cast<float>(sum));
    }
  }
  set(mma.getRes(), std::move(result));
}

bool Warp::executeWarp(Operation *op) {
  if (isa<NVVM::LdMatrixOp, NVVM::MmaOp, NVVM::ShflOp, NVVM::Barrier0Op,
          NVVM::ClusterWaitOp>(op) &&
      active != ~0u)
    memory.fail("expected all lanes of the warp");
  if (isa<NVVM::LdMatrixOp>(op)) {
    loadMatrices(op);
  } else if (isa<NVVM::MmaOp>(op)) {
    multiply(op);
  } else if (auto extract = dyn_cast<LLVM::ExtractValueOp>(op)) {
    set(extract.getRes(),
        {at(extract.getContainer())[extract.getPosition()[0]]});
  } else if (auto shuffle = dyn_cast<NVVM::ShflOp>(op)) {
    bool isIndexed = shuffle.getKind() == NVVM::ShflKind::idx;
    if (shuffle.getKind() != NVVM::ShflKind::bfly && !isIndexed)
      memory.fail("expected a butterfly, or the index of a lane");
    uint64_t distance = uniform(shuffle.getOffset());
    const LaneValues &from = at(shuffle.getVal())[0];
    Register result(1);
    for (unsigned lane = 0; lane < kLanes; ++lane)
      result[0][lane] = from[(isIndexed ? distance : lane ^ distance) % kLanes];
    set(shuffle.getRes(), result);
  } else if (isa<NVVM::Barrier0Op>(op)) {
    barrier(/*ofCluster=*/false);
  } else if (isa<NVVM::ClusterArriveOp>(op)) {
    hasArrived = true;
  } else if (isa<NVVM::ClusterWaitOp>(op)) {
    if (!hasArrived)
      memory.fail("expected an arrival before the wait");
    hasArrived = false;
    barrier(/*ofCluster=*/true);
  } else if (isa<NVVM::MapaOp>(op)) {
    each(op, [](uint64_t address, uint64_t block, auto) {
      return (address & ~kRankMask) | block << kRankShift;
    });
  } else if (isa<NVVM::ThreadIdXOp>(op)) {
    Register result(1);
    for (unsigned lane = 0; lane < kLanes; ++lane)
      result[0][lane] = first + lane;
    set(op->getResult(0), result);
  } else if (isa<NVVM::BlockIdXOp>(op)) {
    each(op, [&](auto, auto, auto) { return block[0]; });
  } else if (isa<NVVM::BlockIdYOp>(op)) {
    each(op, [&](auto, auto, auto) { return block[1]; });
  } else if (isa<NVVM::BlockIdZOp>(op)) {
    each(op, [&](auto, auto, auto) { return block[2]; });
  } else if (isa<NVVM::GridDimXOp>(op)) {
    each(op, [&](auto, auto, auto) { return grid[0]; });
  } else {
    return false;
  }
  return true;
}

namespace {
struct Fibre {
  ucontext_t context, *scheduler;
  std::vector<char> stack;
  std::function<void()> body;
  bool isDone = false, isAtBarrier = false, isAtCluster = false;
  const std::function<bool()> *awaited = nullptr;

  void yield() { swapcontext(&context, scheduler); }
  bool canRun() const {
    return !isDone && !isAtBarrier && (!awaited || (*awaited)());
  }
};
} // namespace

/// makecontext passes integers only.
static thread_local Fibre *starting;

static void startFibre() {
  Fibre *fibre = starting;
  fibre->body();
  fibre->isDone = true;
  fibre->yield();
}

void runWarps(Memory &memory, ArrayRef<std::unique_ptr<Warp>> warps,
              llvm::function_ref<void(Warp &)> body) {
  ucontext_t scheduler;
  std::vector<Fibre> fibres(warps.size());
  for (auto [warp, fibre] : llvm::zip(warps, fibres)) {
    Warp &own = *warp;
    Fibre &here = fibre;
    getcontext(&here.context);
    here.scheduler = &scheduler;
    here.stack.resize(1 << 18);
    here.context.uc_stack.ss_sp = here.stack.data();
    here.context.uc_stack.ss_size = here.stack.size();
    here.context.uc_link = &scheduler;
    here.body = [&own, body] { body(own); };
    own.barrier = [&here](bool ofCluster) {
      here.isAtBarrier = true;
      here.isAtCluster = ofCluster;
      here.yield();
    };
    own.waitFor = [&here](const std::function<bool()> &condition) {
      here.awaited = &condition;
      while (!condition())
        here.yield();
      here.awaited = nullptr;
    };
    makecontext(&here.context, startFibre, 0);
  }
  for (;;) {
    bool hasRun = false;
    for (Fibre &fibre : fibres) {
      if (!fibre.canRun())
        continue;
      hasRun = true;
      starting = &fibre;
      swapcontext(&scheduler, &fibre.context);
    }
    if (hasRun)
      continue;
    if (llvm::all_of(fibres, [](const Fibre &f) { return f.isDone; }))
      return;
    if (llvm::any_of(fibres, [](const Fibre &f) { return f.awaited; }))
      return memory.fail("deadlock: waits for what does not happen");
    bool isCluster = fibres[0].isAtCluster;
    if (llvm::any_of(fibres, [&](const Fibre &f) {
          return f.isDone || f.isAtCluster != isCluster;
        }))
      return memory.fail("expected all warps at a barrier");
    for (Fibre &fibre : fibres)
      fibre.isAtBarrier = false;
    memory.passBarrier(isCluster);
  }
}

} // namespace heed::emulate
