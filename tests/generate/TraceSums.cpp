// TraceSums.cpp - reductions and contractions of a traced program.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/generate/Trace.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <limits>

using namespace mlir;

namespace heed::generate {

static std::string without(const std::string &dims, const std::string &gone) {
  std::string rest;
  for (char label : dims)
    if (gone.find(label) == std::string::npos)
      rest.push_back(label);
  return rest;
}

static SmallVector<utils::IteratorType> iteratorsOf(const std::string &loops,
                                                    const std::string &out) {
  SmallVector<utils::IteratorType> types;
  for (char label : loops)
    types.push_back(out.find(label) == std::string::npos
                        ? utils::IteratorType::reduction
                        : utils::IteratorType::parallel);
  return types;
}

/// One op: linalg.reduce, or a generic with the reduced dims dropped or kept.
Traced Trace::sumOnce(Sum kind, Traced a, std::string over) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  std::string out = without(a.dims, over);
  Traced result{
      {}, out, Tensor(shapeOf(out), kind == Sum::Add ? 0 : -infinity)};
  forEach(*this, a.dims, {&result, &a},
          [&](const Shape &, const std::vector<size_t> &at) {
            double &sum = result.data.data[at[0]], x = a.data.data[at[1]];
            sum = kind == Sum::Add  ? sum + x
                  : std::isnan(x)   ? x
                  : std::isnan(sum) ? sum
                                    : std::max(sum, x);
          });
  for (char label : over)
    summed += size(label);
  double init = kind == Sum::Add ? 0
                : random.coin()  ? -infinity
                                 : -std::numeric_limits<float>::max();
  bool swap = random.coin();
  auto combine = [&](OpBuilder &nested, Location at, ValueRange values) {
    Value x = values[swap ? 1 : 0], y = values[swap ? 0 : 1];
    Value sum = kind == Sum::Add
                    ? arith::AddFOp::create(nested, at, x, y).getResult()
                    : arith::MaximumFOp::create(nested, at, x, y).getResult();
    linalg::YieldOp::create(nested, at, sum);
  };
  if (random.coin()) {
    SmallVector<int64_t> dimensions;
    for (auto [i, label] : llvm::enumerate(a.dims))
      if (over.find(label) != std::string::npos)
        dimensions.push_back(int64_t(i));
    result.value = linalg::ReduceOp::create(b, loc(), ValueRange{a.value},
                                            ValueRange{fill(out, init)},
                                            dimensions, combine)
                       .getResult(0);
    return result;
  }
  std::string loops = a.dims, kept = out;
  if (random.coin()) // dims of size 1 in place of the reduced ones
    kept = a.dims;
  std::string units = kept;
  for (char &label : units)
    if (out.find(label) == std::string::npos)
      label = fresh();
  random.shuffle(loops);
  AffineMap maps[] = {mapOf(loops, a.dims), mapOf(loops, units)};
  Value initial = fill(units, init);
  Value value =
      linalg::GenericOp::create(b, loc(), initial.getType(), a.value, initial,
                                maps, iteratorsOf(loops, out), combine)
          .getResult(0);
  Traced wide{value, units, Tensor(shapeOf(units), result.data.data)};
  // Sizes of 1 that are not of this op stay.
  SmallVector<ReassociationIndices> groups;
  ReassociationIndices pending;
  if (units != out) {
    for (auto [i, label] : llvm::enumerate(units)) {
      pending.push_back(int64_t(i));
      if (out.find(label) == std::string::npos)
        continue;
      groups.push_back(pending);
      pending.clear();
    }
    if (!groups.empty())
      groups.back().append(pending);
    value = emitReshape(value, out, groups, false);
  }
  result.value = value;
  return result;
}

Traced Trace::reduce(Sum kind, Traced a, std::string over) {
  if (over.size() < 2 || random.coin())
    return sumOnce(kind, a, over);
  random.shuffle(over);
  for (char label : over)
    a = sumOnce(kind, a, std::string(1, label));
  return a;
}

Traced Trace::mean(Traced a, std::string over) {
  int64_t count = 1;
  bool dynamic = false;
  for (char label : over) {
    count *= size(label);
    dynamic |= isDynamic(label);
  }
  if (!dynamic) {
    if (random.oneIn(4)) // each element first
      return reduce(Sum::Add, times(a, 1.0 / double(count)), over);
    return times(reduce(Sum::Add, a, over), 1.0 / double(count));
  }
  Traced sum = reduce(Sum::Add, a, over);
  Value product;
  for (char label : over)
    product = product
                  ? arith::MulIOp::create(b, loc(), product, sizeValue(label))
                        .getResult()
                  : sizeValue(label);
  Value wide = arith::IndexCastOp::create(b, loc(), b.getI64Type(), product);
  Value number = arith::SIToFPOp::create(b, loc(), f32(), wide);
  Value init = empty(sum.dims, f32());
  AffineMap map = mapOf(sum.dims, sum.dims);
  SmallVector<utils::IteratorType> iterators(sum.dims.size(),
                                             utils::IteratorType::parallel);
  sum.value = linalg::GenericOp::create(
                  b, loc(), init.getType(), sum.value, init,
                  ArrayRef<AffineMap>{map, map}, iterators,
                  [&](OpBuilder &nested, Location at, ValueRange values) {
                    Value quotient =
                        arith::DivFOp::create(nested, at, values[0], number);
                    linalg::YieldOp::create(nested, at, quotient);
                  })
                  .getResult(0);
  for (double &x : sum.data.data)
    x /= double(count);
  return sum;
}

Traced Trace::contractGeneric(Traced a, Traced other, const std::string &out,
                              const std::string &inner) {
  std::string loops = out + inner;
  random.shuffle(loops);
  Value init = fill(out, 0);
  SmallVector<AffineMap> maps{mapOf(loops, a.dims), mapOf(loops, other.dims),
                              mapOf(loops, out)};
  if (random.coin())
    return {linalg::ContractOp::create(b, loc(), TypeRange{init.getType()},
                                       ValueRange{a.value, other.value},
                                       ValueRange{init},
                                       b.getAffineMapArrayAttr(maps))
                .getResult(0),
            out,
            {}};
  bool swapProduct = random.coin(), swapSum = random.coin();
  auto body = [&](OpBuilder &nested, Location at, ValueRange values) {
    Value x = values[swapProduct ? 1 : 0], y = values[swapProduct ? 0 : 1];
    Value product = arith::MulFOp::create(nested, at, x, y);
    Value sum = swapSum ? arith::AddFOp::create(nested, at, product, values[2])
                        : arith::AddFOp::create(nested, at, values[2], product);
    linalg::YieldOp::create(nested, at, sum);
  };
  return {linalg::GenericOp::create(b, loc(), init.getType(),
                                    ValueRange{a.value, other.value}, init,
                                    maps, iteratorsOf(loops, out), body)
              .getResult(0),
          out,
          {}};
}

/// Both as (batch, rows, inner) x (batch, inner, columns).
Traced Trace::matmul(Traced a, Traced other, const std::string &batch,
                     const std::string &rows, const std::string &columns,
                     const std::string &inner) {
  auto merged = [&](Traced x, const std::string &parts, char &label) {
    if (parts.size() == 1) {
      label = parts[0];
      return x;
    }
    if (!label) {
      int64_t product = 1;
      bool dynamic = false;
      for (char part : parts) {
        product *= size(part);
        dynamic |= isDynamic(part);
      }
      label = fresh(product, dynamic);
      extents[label].parts = parts;
    }
    return merge(x, parts, label);
  };
  char g = 0, m = 0, n = 0, k = 0;
  a = arrange(a, batch + rows + inner);
  other = arrange(other, batch + inner + columns);
  if (!batch.empty()) {
    a = merged(a, batch, g);
    other = merged(other, batch, g);
  }
  a = merged(merged(a, rows, m), inner, k);
  other = merged(merged(other, inner, k), columns, n);
  std::string dims = batch.empty() ? std::string{m, n} : std::string{g, m, n};
  Value init = fill(dims, 0), value;
  if (batch.empty())
    value = linalg::MatmulOp::create(b, loc(), TypeRange{init.getType()},
                                     ValueRange{a.value, other.value},
                                     ValueRange{init})
                .getResult(0);
  else
    value = linalg::BatchMatmulOp::create(b, loc(), TypeRange{init.getType()},
                                          ValueRange{a.value, other.value},
                                          ValueRange{init})
                .getResult(0);
  Traced result{value, dims, Tensor(shapeOf(dims))};
  if (batch.size() > 1)
    result = split(result, g, batch);
  if (rows.size() > 1)
    result = split(result, m, rows);
  if (columns.size() > 1)
    result = split(result, n, columns);
  return result;
}

Traced Trace::contract(Traced a, Traced other, std::string out) {
  std::string inner, batch, rows, columns;
  for (char label : a.dims)
    if (out.find(label) == std::string::npos)
      inner.push_back(label);
    else if (other.has(label))
      batch.push_back(label);
    else
      rows.push_back(label);
  columns = without(without(other.dims, inner), batch);
  for (char label : inner)
    summed += size(label);
  Traced numbers{{}, out, Tensor(shapeOf(out))};
  forEach(*this, out + inner, {&numbers, &a, &other},
          [&](const Shape &, const std::vector<size_t> &at) {
            numbers.data.data[at[0]] +=
                a.data.data[at[1]] * other.data.data[at[2]];
          });
  Traced result;
  int64_t spelling = random.below(6);
  bool isMatmul = !rows.empty() && !columns.empty() && !inner.empty();
  if (spelling < 2 && isMatmul) {
    result = matmul(a, other, batch, rows, columns, inner);
  } else if (spelling == 2 && isMatmul) {
    result = matmul(other, a, batch, columns, rows, inner);
  } else if (spelling == 3 && inner.size() == 1) {
    std::string loops = out + inner;
    random.shuffle(loops);
    Traced product = map(loops, {a, other}, [](auto &f, const auto &x) {
      return f.mul(x[0], x[1]);
    });
    result = sumOnce(Sum::Add, product, inner);
  } else {
    std::string order = out;
    if (random.coin())
      random.shuffle(order);
    result = random.coin() ? contractGeneric(a, other, order, inner)
                           : contractGeneric(other, a, order, inner);
  }
  result.data = Tensor(shapeOf(result.dims));
  forEach(*this, result.dims, {&result, &numbers},
          [&](const Shape &, const std::vector<size_t> &at) {
            result.data.data[at[0]] = numbers.data.data[at[1]];
          });
  return result;
}

} // namespace heed::generate
