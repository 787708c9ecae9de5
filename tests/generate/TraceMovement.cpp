// TraceMovement.cpp - data movement of a traced program, and its disguises.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tests/generate/Trace.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace heed::generate {

/// The numbers of `a` in another order of its labels.
static Tensor reordered(const Trace &trace, const Traced &a,
                        const std::string &order) {
  Traced result{{}, order, Tensor(trace.shapeOf(order))};
  forEach(trace, order, {&result, &a},
          [&](const Shape &, const std::vector<size_t> &at) {
            result.data.data[at[0]] = a.data.data[at[1]];
          });
  return result.data;
}

Traced Trace::arrange(Traced a, std::string order) {
  if (a.dims == order)
    return a;
  SmallVector<int64_t> permutation;
  for (char label : order)
    permutation.push_back(int64_t(a.dims.find(label)));
  Value init = empty(order, a.element());
  Traced result{{}, order, reordered(*this, a, order)};
  if (random.oneIn(3)) {
    std::string loops = order;
    random.shuffle(loops);
    AffineMap maps[] = {mapOf(loops, a.dims), mapOf(loops, order)};
    SmallVector<utils::IteratorType> iterators(order.size(),
                                               utils::IteratorType::parallel);
    result.value = linalg::GenericOp::create(
                       b, loc(), init.getType(), a.value, init, maps, iterators,
                       [](OpBuilder &nested, Location at, ValueRange values) {
                         linalg::YieldOp::create(nested, at, values[0]);
                       })
                       .getResult(0);
  } else {
    result.value =
        linalg::TransposeOp::create(b, loc(), a.value, init, permutation)
            ->getResult(0);
  }
  return result;
}

Traced Trace::broadcast(Traced a, std::string dims) {
  std::string order;
  SmallVector<int64_t> added;
  for (auto [i, label] : llvm::enumerate(dims))
    if (a.has(label))
      order.push_back(label);
    else
      added.push_back(int64_t(i));
  Traced result{{}, dims, Tensor(shapeOf(dims))};
  forEach(*this, dims, {&result, &a},
          [&](const Shape &, const std::vector<size_t> &at) {
            result.data.data[at[0]] = a.data.data[at[1]];
          });
  if (random.coin()) {
    Traced aligned = arrange(a, order);
    if (added.empty())
      return aligned;
    result.value = linalg::BroadcastOp::create(b, loc(), aligned.value,
                                               empty(dims, a.element()), added)
                       ->getResult(0);
    return result;
  }
  Value init = empty(dims, a.element());
  AffineMap maps[] = {mapOf(dims, a.dims), mapOf(dims, dims)};
  SmallVector<utils::IteratorType> iterators(dims.size(),
                                             utils::IteratorType::parallel);
  result.value = linalg::GenericOp::create(
                     b, loc(), init.getType(), a.value, init, maps, iterators,
                     [](OpBuilder &nested, Location at, ValueRange values) {
                       linalg::YieldOp::create(nested, at, values[0]);
                     })
                     .getResult(0);
  return result;
}

/// `dims`: labels of the result.
Value Trace::emitReshape(Value source, const std::string &dims,
                         ArrayRef<ReassociationIndices> groups, bool expands) {
  Type element = getElementTypeOrSelf(source.getType());
  RankedTensorType type = typeOf(dims, element);
  if (!expands)
    return tensor::CollapseShapeOp::create(b, loc(), type, source, groups);
  SmallVector<OpFoldResult> sizes;
  for (char label : dims)
    if (isDynamic(label))
      sizes.push_back(sizeValue(label));
    else
      sizes.push_back(b.getIndexAttr(size(label)));
  return tensor::ExpandShapeOp::create(b, loc(), type, source, groups, sizes);
}

Traced Trace::split(Traced a, char label, std::string parts) {
  std::string dims;
  SmallVector<ReassociationIndices> groups;
  for (char old : a.dims) {
    std::string group = old == label ? parts : std::string(1, old);
    groups.emplace_back();
    for (char part : group) {
      groups.back().push_back(int64_t(dims.size()));
      dims.push_back(part);
    }
  }
  return {emitReshape(a.value, dims, groups, true), dims,
          Tensor(shapeOf(dims), a.data.data)};
}

Traced Trace::merge(Traced a, std::string parts, char label) {
  size_t start = a.dims.find(parts);
  if (start == std::string::npos) { // bring them together
    std::string order;
    for (char old : a.dims)
      if (parts.find(old) == std::string::npos)
        order.push_back(old);
      else if (old == parts[0])
        order += parts;
    a = arrange(a, order);
    start = a.dims.find(parts);
  }
  if (!extents.count(label)) {
    int64_t product = 1;
    bool dynamic = false;
    for (char part : parts) {
      product *= size(part);
      dynamic |= isDynamic(part);
    }
    declare(label, product, dynamic);
  }
  if (extents[label].parts.empty() && !extents[label].value)
    extents[label].parts = parts;
  std::string dims = a.dims;
  dims.replace(start, parts.size(), 1, label);
  SmallVector<ReassociationIndices> groups;
  for (size_t i = 0; i < a.dims.size(); ++i)
    if (i > start && i < start + parts.size())
      groups.back().push_back(int64_t(i));
    else
      groups.push_back({int64_t(i)});
  return {emitReshape(a.value, dims, groups, false), dims,
          Tensor(shapeOf(dims), a.data.data)};
}

Traced Trace::rename(Traced a, char from, char to) {
  for (char &label : a.dims)
    if (label == from)
      label = to;
  return a;
}

Traced Trace::slice(Traced a, char from, char to, int64_t offset) {
  std::string dims = a.dims;
  size_t place = dims.find(from);
  dims[place] = to;
  SmallVector<OpFoldResult> offsets(dims.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(dims.size(), b.getIndexAttr(1)), sizes;
  offsets[place] = b.getIndexAttr(offset);
  for (char label : dims)
    if (isDynamic(label))
      sizes.push_back(sizeValue(label));
    else
      sizes.push_back(b.getIndexAttr(size(label)));
  Tensor data(shapeOf(dims));
  Shape index(dims.size(), 0);
  if (!data.data.empty())
    do {
      Shape source = index;
      source[place] += offset;
      data.at(index) = a.data.at(source);
    } while (reference::next(index, data.shape));
  Value value = tensor::ExtractSliceOp::create(
      b, loc(), typeOf(dims, a.element()), a.value, offsets, sizes, strides);
  return {value, dims, data};
}

Traced Trace::concat(std::vector<Traced> parts, char label, char to) {
  std::string dims = parts[0].dims;
  size_t place = dims.find(label);
  int64_t total = 0;
  SmallVector<Value> values;
  for (Traced &part : parts) {
    total += part.data.shape[place];
    values.push_back(part.value);
  }
  if (!extents.count(to))
    declare(to, total);
  dims[place] = to;
  Tensor data(shapeOf(dims));
  int64_t start = 0;
  for (const Traced &part : parts) {
    Shape index(dims.size(), 0);
    do {
      Shape target = index;
      target[place] += start;
      data.at(target) = part.data.at(index);
    } while (reference::next(index, part.data.shape));
    start += part.data.shape[place];
  }
  Value value = tensor::ConcatOp::create(
      b, loc(), typeOf(dims, parts[0].element()), place, values);
  return {value, dims, data};
}

Traced Trace::addUnit(Traced a, size_t position) {
  char unit = fresh();
  std::string dims = a.dims;
  dims.insert(position, 1, unit);
  SmallVector<ReassociationIndices> groups;
  for (size_t i = 0; i < dims.size(); ++i) {
    // The unit goes with the dimension before it, or with the first.
    bool joins =
        !groups.empty() && (i == position || (position == 0 && i == 1));
    if (a.dims.empty())
      break;
    if (joins)
      groups.back().push_back(int64_t(i));
    else
      groups.push_back({int64_t(i)});
  }
  return {emitReshape(a.value, dims, groups, true), dims,
          Tensor(shapeOf(dims), a.data.data)};
}

Traced Trace::dropUnits(Traced a) {
  std::string dims;
  SmallVector<ReassociationIndices> groups;
  ReassociationIndices pending;
  for (size_t i = 0; i < a.dims.size(); ++i) {
    bool unit = size(a.dims[i]) == 1 && !isDynamic(a.dims[i]);
    pending.push_back(int64_t(i));
    if (unit)
      continue;
    dims.push_back(a.dims[i]);
    groups.push_back(pending);
    pending.clear();
  }
  if (!groups.empty())
    groups.back().append(pending);
  if (dims == a.dims)
    return a;
  return {emitReshape(a.value, dims, groups, false), dims,
          Tensor(shapeOf(dims), a.data.data)};
}

Traced Trace::copy(Traced a) {
  Value init = empty(a.dims, a.element());
  if (random.coin()) {
    AffineMap map = mapOf(a.dims, a.dims);
    SmallVector<utils::IteratorType> iterators(a.dims.size(),
                                               utils::IteratorType::parallel);
    a.value = linalg::GenericOp::create(
                  b, loc(), init.getType(), a.value, init,
                  ArrayRef<AffineMap>{map, map}, iterators,
                  [](OpBuilder &nested, Location at, ValueRange values) {
                    linalg::YieldOp::create(nested, at, values[0]);
                  })
                  .getResult(0);
  } else {
    a.value =
        linalg::CopyOp::create(b, loc(), ValueRange{a.value}, ValueRange{init})
            .getResult(0);
  }
  return a;
}

Traced Trace::disguise(Traced a) {
  if (a.dims.empty())
    return a;
  int64_t steps = random.below(3);
  for (int64_t step = 0; step < steps; ++step) {
    size_t place = size_t(random.below(int64_t(a.dims.size())));
    char label = a.dims[place];
    switch (random.below(6)) {
    case 0: { // the other way round, and perhaps back
      std::string order = a.dims, before = a.dims;
      random.shuffle(order);
      a = arrange(a, order);
      if (random.coin())
        a = arrange(a, before);
      break;
    }
    case 1: { // a dimension of size 1 that comes and goes
      char unit = 0;
      Traced wide = addUnit(a, place);
      unit = wide.dims[place];
      if (random.coin()) {
        std::string order = wide.dims;
        random.shuffle(order);
        wide = arrange(wide, order);
      }
      // Only this unit goes: the labels of the tensor stay.
      size_t at = wide.dims.find(unit);
      char neighbour = wide.dims[at == 0 ? 1 : at - 1];
      std::string pair =
          at == 0 ? std::string{unit, neighbour} : std::string{neighbour, unit};
      char merged = fresh(size(neighbour), isDynamic(neighbour));
      extents[merged] = extents[neighbour];
      if (isDynamic(neighbour))
        extents[merged].value = sizeValue(neighbour);
      a = rename(merge(wide, pair, merged), merged, neighbour);
      break;
    }
    case 2: { // two dimensions as one for a while
      if (a.dims.size() < 2)
        break;
      size_t first = std::min(place, a.dims.size() - 2);
      std::string parts = a.dims.substr(first, 2);
      // Which of two unknown sizes is which, gates do not read from a reshape.
      if (isDynamic(parts[0]) && isDynamic(parts[1]))
        break;
      int64_t product = size(parts[0]) * size(parts[1]);
      char merged = fresh(product, isDynamic(parts[0]) || isDynamic(parts[1]));
      extents[merged].parts = parts;
      a = split(merge(a, parts, merged), merged, parts);
      break;
    }
    case 3: { // a dimension as two for a while
      int64_t whole = size(label);
      if (isDynamic(label) || whole < 4 || whole % 2 != 0)
        break;
      char outer = fresh(2), inner = fresh(whole / 2);
      a = merge(split(a, label, {outer, inner}), {outer, inner}, label);
      break;
    }
    default:
      a = copy(a);
      break;
    }
  }
  return a;
}

} // namespace heed::generate
