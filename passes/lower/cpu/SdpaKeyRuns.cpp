// SdpaKeyRuns.cpp - the loop over the keys that a block map leaves.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "passes/lower/cpu/SdpaKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using heed::attn::SdpaOp;

namespace heed::lower {

/// A constant of the module; layers with the same mask share it.
static Value createTable(OpBuilder &b, Location loc, ModuleOp module,
                         ArrayRef<int64_t> shape, ArrayRef<int32_t> numbers) {
  auto type = MemRefType::get(shape, b.getI32Type());
  auto values = DenseElementsAttr::get(
      RankedTensorType::get(shape, b.getI32Type()), numbers);
  std::string name;
  for (int64_t count = 0;; ++count) {
    name = "heed_block_map_" + std::to_string(count);
    Operation *known = module.lookupSymbol(name);
    if (!known) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(module.getBody());
      memref::GlobalOp::create(b, loc, name, b.getStringAttr("private"), type,
                               values, /*constant=*/true,
                               /*alignment=*/IntegerAttr());
      break;
    }
    auto global = dyn_cast<memref::GlobalOp>(known);
    if (global && global.getConstant() && global.getInitialValue() == values)
      break;
  }
  return memref::GetGlobalOp::create(b, loc, type, name);
}

void buildBlockMap(OpBuilder &b, SdpaKernel &kernel) {
  if (!kernel.blockMap)
    return;
  auto module = kernel.op->getParentOfType<ModuleOp>();
  SmallVector<int32_t> runs;
  for (const KeyRun &run : kernel.blockMap->runs)
    runs.append({run.first, run.count, run.isOpen});
  if (runs.empty()) // nothing is ever attended, but a table has a row
    runs.append({0, 0, 0});
  ArrayRef<int32_t> starts = kernel.blockMap->starts;
  kernel.runStarts = createTable(b, kernel.loc, module,
                                 static_cast<int64_t>(starts.size()), starts);
  kernel.runs = createTable(b, kernel.loc, module,
                            {static_cast<int64_t>(runs.size() / 3), 3}, runs);
}

void buildKeyRuns(OpBuilder &b, SdpaKernel &kernel, SdpaTask &task,
                  const attn::KeyBounds &keys,
                  function_ref<void(OpBuilder &, SdpaKeyBlock &)> body) {
  Location loc = kernel.loc;
  const SdpaBlockMap &map = *kernel.blockMap;
  auto load = [&](OpBuilder &b, Value table, ValueRange at) -> Value {
    return arith::IndexCastOp::create(
        b, loc, b.getIndexType(),
        memref::LoadOp::create(b, loc, table, at).getResult());
  };
  // t = (b · sizeH + h) · blocks + i
  Value at = arith::DivUIOp::create(b, loc, task.first,
                                    buildIndex(b, loc, kernel.queryBlock));
  auto addSlice = [&](Value index, int64_t stride) {
    at = arith::AddIOp::create(
        b, loc, at,
        arith::MulIOp::create(b, loc, index, buildIndex(b, loc, stride)));
  };
  if (map.sizeB > 1)
    addSlice(task.b, map.sizeH * map.blocks);
  if (map.sizeH > 1)
    addSlice(task.h, map.blocks);
  Value begin = load(b, kernel.runStarts, at);
  Value end =
      load(b, kernel.runStarts,
           Value(arith::AddIOp::create(b, loc, at, buildIndex(b, loc, 1))));
  buildFor(
      b, loc, begin, end, 1, {},
      [&](OpBuilder &b, Value run, ValueRange) -> Values {
        auto field = [&](int64_t k) {
          return load(b, kernel.runs, {run, buildIndex(b, loc, k)});
        };
        Value zero = buildIndex(b, loc, 0);
        SdpaKeyBlock block{field(0), field(1), {}, {}};
        if (kernel.op.getMask() && !kernel.scalesInStage)
          block.isOpen = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne,
                                               field(2), zero);
        if (!kernel.hasKeyBounds()) {
          body(b, block);
          return {};
        }
        Value last = arith::AddIOp::create(b, loc, block.first, block.count);
        last = arith::MinSIOp::create(b, loc, last, keys.end);
        block.first = arith::MaxSIOp::create(b, loc, block.first, keys.begin);
        block.count = arith::SubIOp::create(b, loc, last, block.first);
        Value some = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt,
                                           block.count, zero);
        scf::IfOp::create(b, loc, some, [&](OpBuilder &b, Location loc) {
          body(b, block);
          scf::YieldOp::create(b, loc);
        });
        return {};
      });
}

} // namespace heed::lower
