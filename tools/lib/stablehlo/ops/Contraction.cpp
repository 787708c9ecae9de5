// Contraction.cpp - dot, dot_general and convolution.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/stablehlo/Op.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace heed::stablehlo {

namespace {

struct DotDims {
  Ints batch[2], contract[2];
};

/// Both operands in the type of the result, which no product or sum leaves.
void takeResultType(Op &o) {
  DType type = o.resultType();
  if (type == DType::Bool ||
      import::isFloat(o.in[0]->type) != import::isFloat(type) ||
      import::isFloat(o.in[1]->type) != import::isFloat(type))
    fail("unsupported: operands of " + import::name(o.in[0]->type) + " and " +
         import::name(o.in[1]->type) + ", a result of " + import::name(type));
  for (Tensor &t : o.in) {
    if (import::byteSize(type) < import::byteSize(t->type))
      fail("unsupported: a result of " + import::name(type) + " of " +
           import::name(t->type));
    t = o.e.cast(t, type);
  }
}

/// Σ x·y, as letters: a.. the batch, A.. the rows, k.. the sum, O.. the columns.
void dot(Op &o, const DotDims &dims) {
  o.requireOperands(2);
  const Shape sizes[2] = {o.in[0]->shape, o.in[1]->shape};
  std::string letters[2], out;
  for (int side : {0, 1}) {
    Ints all = dims.batch[side];
    all.append(dims.contract[side]);
    checkDims(all, sizes[side].size(),
              side ? "the right operand's dimensions"
                   : "the left operand's dimensions");
    letters[side].assign(sizes[side].size(), '\0');
  }
  char next = '!';
  auto pair = [&](const Ints(&lists)[2], StringRef what) {
    if (lists[0].size() != lists[1].size())
      fail("the numbers of " + what + " dimensions differ");
    for (auto [x, y] : llvm::zip(lists[0], lists[1])) {
      o.e.require(sizes[0][x], sizes[1][y], what + " dimensions");
      letters[0][x] = letters[1][y] = next;
      if (what == "batching")
        out += next;
      ++next;
    }
  };
  pair(dims.batch, "batching");
  pair(dims.contract, "contracting");
  for (std::string &side : letters)
    for (char &c : side)
      if (!c)
        out += c = next++;
  takeResultType(o);
  // A plain product by its name; contract() writes all others.
  bool plain =
      letters[0].size() == letters[1].size() && dims.contract[0].size() == 1 &&
      letters[0].size() >= 2 && letters[0].size() <= 3 &&
      out == letters[0].substr(0, letters[0].size() - 1) + letters[1].back() &&
      letters[0].back() == letters[1][letters[1].size() - 2];
  o.out.push_back(
      plain ? o.e.matmul(o.in[0], o.in[1])
            : o.e.contract(o.in[0], letters[0], o.in[1], letters[1], out));
}

void convertDot(Op &o) {
  o.requireOperands(2);
  DotDims dims;
  size_t x = o.in[0]->rank(), y = o.in[1]->rank();
  if (x < 1 || x > 2 || y < 1 || y > 2)
    fail("its operands have ranks " + Twine(x) + " and " + Twine(y));
  dims.contract[0] = {int64_t(x) - 1};
  dims.contract[1] = {0};
  dot(o, dims);
}

void convertDotGeneral(Op &o) {
  DictionaryAttr fields = o.fields("dot_dimension_numbers");
  auto list = [&](StringRef name) {
    Attribute a = fields.get(name);
    auto r = a ? intsOf(a) : Ints();
    if (!r)
      fail("'" + name + "' is no list of integers");
    return *r;
  };
  if (o.op->getAttr("algorithm"))
    fail("unsupported: attribute 'algorithm'");
  DotDims dims;
  dims.batch[0] = list("lhs_batching_dimensions");
  dims.batch[1] = list("rhs_batching_dimensions");
  dims.contract[0] = list("lhs_contracting_dimensions");
  dims.contract[1] = list("rhs_contracting_dimensions");
  dot(o, dims);
}

/// Where batch (or output features), features and the spatial dims are.
Ints layoutOf(DictionaryAttr fields, StringRef part, StringRef first,
              StringRef second, size_t rank) {
  auto list = dyn_cast_or_null<ArrayAttr>(fields.get(part));
  if (!list || list.size() != rank)
    fail("'dimension_numbers' does not fit the ranks");
  Ints at(rank, -1);
  for (auto [i, entry] : llvm::enumerate(list)) {
    int64_t to = -1;
    if (auto word = dyn_cast<StringAttr>(entry))
      to = word.getValue() == first ? 0 : word.getValue() == second ? 1 : -1;
    else if (auto number = dyn_cast<IntegerAttr>(entry))
      to = number.getInt() < 0 || number.getInt() > int64_t(rank) - 3
               ? -1
               : number.getInt() + 2;
    if (to < 0 || at[to] >= 0)
      fail("'dimension_numbers' is not understood");
    at[to] = i;
  }
  return at;
}

struct Window {
  Ints strides, dilations;
};

template <typename Named>
Tensor convolve(Emitter &e, const Tensor &x, const Tensor &w, Shape shape,
                const Window &win) {
  Value init = e.filled(x->type, shape, e.scalar(x->type, 0));
  auto op = Named::create(e.b, e.loc, TypeRange{init.getType()},
                          ValueRange{e.ir(x), e.ir(w)}, ValueRange{init},
                          e.b.getI64TensorAttr(win.strides),
                          e.b.getI64TensorAttr(win.dilations));
  return e.computed(op->getResult(0), x->type, shape);
}

/// Any rank, grouping and order of dims, by maps: loops n, g, f, o..., c, k...
/// over x[n, g, c, i...], w[g, f, c, k...].
Tensor convolveGeneric(Emitter &e, const Tensor &x, const Tensor &w,
                       Shape shape, const Window &win) {
  OpBuilder &b = e.b;
  size_t spatial = win.strides.size(), c = 3 + spatial, loops = c + 1 + spatial;
  auto d = [&](size_t i) { return b.getAffineDimExpr(i); };
  SmallVector<AffineExpr> xe = {d(0), d(1), d(c)}, we = {d(1), d(2), d(c)},
                          oe = {d(0), d(1), d(2)};
  for (size_t s = 0; s < spatial; ++s) {
    xe.push_back(d(3 + s) * win.strides[s] + d(c + 1 + s) * win.dilations[s]);
    we.push_back(d(c + 1 + s));
    oe.push_back(d(3 + s));
  }
  SmallVector<AffineMap> maps;
  for (auto &exprs : {xe, we, oe})
    maps.push_back(AffineMap::get(loops, 0, exprs, b.getContext()));
  SmallVector<utils::IteratorType> iterators(loops,
                                             utils::IteratorType::reduction);
  std::fill_n(iterators.begin(), c, utils::IteratorType::parallel);
  Value init = e.filled(x->type, shape, e.scalar(x->type, 0));
  auto op = linalg::GenericOp::create(
      b, e.loc, init.getType(), ValueRange{e.ir(x), e.ir(w)}, init, maps,
      iterators, [&](OpBuilder &at, Location l, ValueRange a) {
        Value p = arith::MulFOp::create(at, l, a[0], a[1]);
        Value sum = arith::AddFOp::create(at, l, a[2], p);
        linalg::YieldOp::create(at, l, sum);
      });
  return e.computed(op.getResult(0), x->type, shape);
}

Ints inverse(ArrayRef<int64_t> perm) {
  Ints r(perm.size());
  for (auto [i, p] : llvm::enumerate(perm))
    r[p] = i;
  return r;
}

size_t spatialRank(const Op &o) {
  size_t rank = o.in[0]->rank();
  if (rank < 3 || rank > 6 || o.in[1]->rank() != rank)
    fail("unsupported: operands of ranks " + Twine(rank) + " and " +
         Twine(o.in[1]->rank()));
  return rank - 2;
}

/// `padding`: low and high of each spatial dim.
void convolution(Op &o, ArrayRef<std::pair<Sym, Sym>> padding) {
  Emitter &e = o.e;
  size_t spatial = padding.size(), rank = spatial + 2;
  if (!import::isFloat(o.resultType()))
    fail("unsupported: a result of " + import::name(o.resultType()));
  DictionaryAttr numbers = o.fields("dimension_numbers");
  Ints xAt = layoutOf(numbers, "input", "b", "f", rank),
       wAt = layoutOf(numbers, "kernel", "o", "i", rank),
       yAt = layoutOf(numbers, "output", "b", "f", rank);
  int64_t groups = o.integer("feature_group_count", 1, 1);
  if (o.integer("batch_group_count", 1, 1) != 1)
    fail("unsupported: batch_group_count");
  Window win{o.intsOr("window_strides", spatial, 1),
             o.intsOr("rhs_dilation", spatial, 1)};
  Ints holes = o.intsOr("lhs_dilation", spatial, 1),
       reversed = o.intsOr("window_reversal", spatial, 0);
  for (const Ints &list : {win.strides, win.dilations, holes})
    for (int64_t i : list)
      if (i < 1 || i > 1 << 20)
        fail("a stride or dilation is " + Twine(i));
  takeResultType(o);

  Tensor x = o.in[0], w = o.in[1];
  Shape low(rank, Sym(0)), high(rank, Sym(0));
  Ints interior(rank, 0);
  for (auto [s, pad] : llvm::enumerate(padding)) {
    low[xAt[s + 2]] = pad.first;
    high[xAt[s + 2]] = pad.second;
    interior[xAt[s + 2]] = holes[s] - 1;
  }
  x = padTensor(e, x, e.scalar(x->type, 0), low, high, interior);
  if (llvm::is_contained(reversed, 1)) {
    Shape starts(rank, Sym(0));
    Ints steps(rank, 1);
    for (size_t s = 0; s < spatial; ++s)
      if (reversed[s]) {
        starts[wAt[s + 2]] = e.syms.max(w->shape[wAt[s + 2]] - Sym(1), 0);
        steps[wAt[s + 2]] = -1;
      }
    w = e.slice(w, starts, w->shape, steps);
  }
  const Shape xs = x->shape;
  auto kernel = import::staticShape(w->shape);
  auto features = xs[xAt[1]].constant();
  if (!kernel || !features)
    fail("unsupported: a kernel or features of dynamic sizes");
  Ints ws = *kernel;
  Shape out(rank, Sym(0));
  int64_t channels = *features, filters = ws[wAt[0]];
  if (channels % groups || filters % groups || channels / groups != ws[wAt[1]])
    fail("its features do not fit: " + Twine(channels) + " in " +
         Twine(groups) + " groups for a kernel of " + Twine(ws[wAt[1]]) +
         " to " + Twine(filters));
  out[0] = xs[xAt[0]];
  out[1] = filters;
  for (size_t s = 0; s < spatial; ++s) {
    int64_t k = ws[wAt[s + 2]];
    Sym room =
        e.canonical(xs[xAt[s + 2]] - Sym((k - 1) * win.dilations[s] + 1));
    if (auto known = room.constant(); k < 1 || (known && *known < 0))
      fail("unsupported: a kernel of size 0, or larger than its padded input");
    e.requireAtLeast(room, 0, "the room of a convolution's kernel");
    out[s + 2] = e.canonical(e.syms.floorDiv(room, win.strides[s]) + Sym(1));
  }
  Shape written(rank, Sym(0));
  for (size_t i = 0; i < rank; ++i)
    written[yAt[i]] = out[i];
  auto is = [](const Ints &at, std::initializer_list<int64_t> want) {
    return at == Ints(want);
  };
  Shape shape = written;
  // The layouts that linalg has a name for, as they are.
  Tensor y;
  if (groups == 1 && spatial == 1 && is(xAt, {0, 2, 1}) && yAt == xAt &&
      is(wAt, {2, 1, 0}))
    y = convolve<linalg::Conv1DNwcWcfOp>(e, x, w, shape, win);
  else if (groups == 1 && spatial == 2 && is(xAt, {0, 3, 1, 2}) && yAt == xAt &&
           is(wAt, {3, 2, 0, 1}))
    y = convolve<linalg::Conv2DNhwcHwcfOp>(e, x, w, shape, win);
  else if (groups == 1 && spatial == 3 && is(xAt, {0, 4, 1, 2, 3}) &&
           yAt == xAt && is(wAt, {4, 3, 0, 1, 2}))
    y = convolve<linalg::Conv3DNdhwcDhwcfOp>(e, x, w, shape, win);
  if (y) {
    o.out.push_back(y);
    return;
  }
  // All others as [n, c, ...] * [f, c, ...].
  x = e.transpose(x, xAt);
  w = e.transpose(w, wAt);
  shape = out;
  if (groups == 1 && spatial == 1) {
    y = convolve<linalg::Conv1DNcwFcwOp>(e, x, w, shape, win);
  } else if (groups == 1 && spatial == 2) {
    y = convolve<linalg::Conv2DNchwFchwOp>(e, x, w, shape, win);
  } else {
    auto grouped = [&](Shape shape, size_t dim, int64_t size) {
      shape[dim] = size / groups;
      shape.insert(shape.begin() + dim, groups);
      return shape;
    };
    y = convolveGeneric(e, e.reshape(x, grouped(x->shape, 1, channels)),
                        e.reshape(w, grouped(w->shape, 0, filters)),
                        grouped(out, 1, filters), win);
    y = e.reshape(y, shape);
  }
  o.out.push_back(e.transpose(y, inverse(yAt)));
}

void convertConvolution(Op &o) {
  o.requireOperands(2);
  convolution(o, o.pads(spatialRank(o)));
}

/// The same with its padding as an operand: [[low, high], ...].
void convertDynamicConvolution(Op &o) {
  o.requireOperands(3);
  size_t spatial = spatialRank(o);
  const Tensor pads = o.in.pop_back_val();
  if (!import::isInteger(pads->type))
    fail("its padding is " + import::name(pads->type));
  requireShape(o.e, pads->shape, {Sym(spatial), Sym(2)}, "its padding");
  auto list = o.e.someElements(pads);
  SmallVector<std::pair<Sym, Sym>> pairs;
  for (size_t s = 0; s < spatial; ++s)
    pairs.push_back({list[2 * s], list[2 * s + 1]});
  convolution(o, pairs);
}

} // namespace

ArrayRef<Entry> contractionOps() {
  static const Entry ops[] = {
      {"stablehlo.dot", convertDot},
      {"stablehlo.dot_general", convertDotGeneral},
      {"stablehlo.convolution", convertConvolution},
      {"stablehlo.dynamic_conv", convertDynamicConvolution},
  };
  return ops;
}

} // namespace heed::stablehlo
