// Resize.cpp - Resize and Upsample: nearest, linear and cubic.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/lib/import/Registry.h"
#include "tools/lib/import/ops/ResizeTable.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;

namespace heed::import {

namespace {

/// How one dim is resized: scale = out / in as ONNX rounds it.
struct Axis {
  Sym in, out;
  std::optional<double> scale; // given; else out / in at run time
};

/// Nearest with a whole factor: [d] -> [d, 1] -> [d, r] -> [d·r].
Tensor repeatEach(Emitter &e, const Tensor &x, ArrayRef<int64_t> factors) {
  Shape apart, wide, result;
  for (size_t d = 0; d < x->rank(); ++d) {
    apart.push_back(x->shape[d]);
    wide.push_back(x->shape[d]);
    if (factors[d] != 1) {
      apart.push_back(1);
      wide.push_back(factors[d]);
    }
    result.push_back(x->shape[d] * Sym(factors[d]));
  }
  return e.reshape(e.broadcast(e.reshape(x, apart), wide), result);
}

class Coordinates {
public:
  Coordinates(Node &n, std::string transform) : n(n), transform(transform) {}

  /// Values of the axis that the body needs, made before it.
  struct Parts {
    Value scale, inSize, outSize, last;
  };
  Parts prepare(const Axis &axis) {
    Emitter &e = n.e;
    OpBuilder &b = e.b;
    auto toFloat = [&](const Sym &s) -> Value {
      if (auto c = s.constant())
        return e.scalar(DType::F32, *c);
      Value i = arith::IndexCastOp::create(b, e.loc, b.getI64Type(), e.size(s));
      return arith::SIToFPOp::create(b, e.loc, b.getF32Type(), i);
    };
    Parts p;
    p.inSize = toFloat(axis.in);
    p.outSize = toFloat(axis.out);
    p.last = e.size(axis.in - Sym(1));
    if (axis.scale)
      p.scale = e.scalar(DType::F32, *axis.scale);
    else if (axis.in.isConstant() && axis.out.isConstant())
      p.scale = e.scalar(DType::F32, double(*axis.out.constant()) /
                                         double(*axis.in.constant()));
    else
      p.scale = arith::DivFOp::create(b, e.loc, p.outSize, p.inSize);
    return p;
  }

  /// Position in the input, a float, of output position `i`.
  Value source(OpBuilder &b, Location l, const Parts &p, Value i) {
    auto c = [&](double v) { return n.e.scalar(DType::F32, v); };
    Value o = arith::IndexCastOp::create(b, l, b.getI64Type(), i);
    Value x = arith::SIToFPOp::create(b, l, b.getF32Type(), o);
    auto div = [&](Value a, Value d) -> Value {
      return arith::DivFOp::create(b, l, a, d);
    };
    auto sub = [&](Value a, Value d) -> Value {
      return arith::SubFOp::create(b, l, a, d);
    };
    auto add = [&](Value a, Value d) -> Value {
      return arith::AddFOp::create(b, l, a, d);
    };
    if (transform == "asymmetric")
      return div(x, p.scale);
    Value isOne =
        arith::CmpFOp::create(b, l, arith::CmpFPredicate::OEQ, p.outSize, c(1));
    if (transform == "align_corners") {
      Value r = arith::MulFOp::create(
          b, l, x, div(sub(p.inSize, c(1)), sub(p.outSize, c(1))));
      return arith::SelectOp::create(b, l, isOne, c(0), r);
    }
    Value half = sub(div(add(x, c(0.5)), p.scale), c(0.5));
    if (transform == "pytorch_half_pixel")
      return arith::SelectOp::create(b, l, isOne, c(0), half);
    return half;
  }

  static bool isKnown(StringRef t) {
    return t == "asymmetric" || t == "align_corners" || t == "half_pixel" ||
           t == "pytorch_half_pixel";
  }

private:
  Node &n;
  std::string transform;
};

Value toIndex(OpBuilder &b, Location l, Value f) {
  Value i = arith::FPToSIOp::create(b, l, b.getI64Type(), f);
  return arith::IndexCastOp::create(b, l, b.getIndexType(), i);
}

Value clamped(OpBuilder &b, Location l, Value i, Value zero, Value last) {
  i = arith::MinSIOp::create(b, l, i, last);
  return arith::MaxSIOp::create(b, l, i, zero);
}

Value nearest(Node &n, OpBuilder &b, Location l, Value x, StringRef mode) {
  auto c = [&](double v) { return n.e.scalar(DType::F32, v); };
  if (mode == "floor")
    return math::FloorOp::create(b, l, x);
  if (mode == "ceil")
    return math::CeilOp::create(b, l, x);
  if (mode == "round_prefer_ceil")
    return math::FloorOp::create(b, l, arith::AddFOp::create(b, l, x, c(0.5)));
  return math::CeilOp::create(b, l, arith::SubFOp::create(b, l, x, c(0.5)));
}

void emitResize(Node &n, ArrayRef<Axis> axes, const std::string &mode,
                const std::string &transform, const std::string &rounding) {
  Emitter &e = n.e;
  const Tensor &x = n.floatInput(0);
  Shape shape;
  SmallVector<bool> moves;
  SmallVector<int64_t> factors;
  bool whole = mode == "nearest";
  for (const Axis &a : axes) {
    shape.push_back(a.out);
    bool same = e.same(a.in, a.out) && (!a.scale || *a.scale == 1);
    moves.push_back(!same);
    auto q = a.out.exactQuotient(a.in);
    auto factor = q ? q->constant() : std::nullopt;
    whole &= factor && *factor >= 1 && (!a.scale || *a.scale == *factor);
    factors.push_back(factor ? *factor : 1);
  }
  // Where every position reads floor(o / r).
  bool isFloor = (transform == "asymmetric" && rounding == "floor") ||
                 (transform != "align_corners" && transform != "asymmetric" &&
                  StringRef(rounding).starts_with("round"));
  if (whole && isFloor)
    return n.set(repeatEach(e, x, factors));

  Coordinates coordinates(n, transform);
  SmallVector<Coordinates::Parts> parts(axes.size());
  SmallVector<size_t> resized;
  for (size_t d = 0; d < axes.size(); ++d)
    if (moves[d]) {
      e.requireAtLeast(axes[d].in, 1, "resized dimension");
      parts[d] = coordinates.prepare(axes[d]);
      resized.push_back(d);
    }
  if (resized.empty())
    return n.set(x);
  if (resized.size() > 4)
    fail("more than four resized dims are not supported");
  Value source = e.ir(x), zero = e.scalarInt(e.b.getIndexType(), 0),
        one = e.scalarInt(e.b.getIndexType(), 1);
  bool isNearest = mode == "nearest";
  n.set(e.generate(
      x->type, shape, [&](OpBuilder &b, Location l, ValueRange i) -> Value {
        SmallVector<Value> at(i.begin(), i.end()), upper(at), weight(at.size());
        for (size_t d : resized) {
          Value f = coordinates.source(b, l, parts[d], i[d]);
          if (isNearest) {
            at[d] = clamped(b, l, toIndex(b, l, nearest(n, b, l, f, rounding)),
                            zero, parts[d].last);
            continue;
          }
          Value low = math::FloorOp::create(b, l, f);
          Value w = arith::SubFOp::create(b, l, f, low);
          weight[d] =
              x->type == DType::F32 ? w
              : x->type == DType::F64
                  ? arith::ExtFOp::create(b, l, b.getF64Type(), w).getResult()
                  : arith::TruncFOp::create(b, l,
                                            irType(x->type, b.getContext()), w)
                        .getResult();
          Value base = toIndex(b, l, low);
          at[d] = clamped(b, l, base, zero, parts[d].last);
          upper[d] = clamped(b, l, arith::AddIOp::create(b, l, base, one), zero,
                             parts[d].last);
        }
        if (isNearest)
          return tensor::ExtractOp::create(b, l, source, at);
        // Corners in order of their bits, then halved dim by dim:
        // low + w·(high − low).
        SmallVector<Value> corners;
        for (size_t k = 0; k < size_t(1) << resized.size(); ++k) {
          SmallVector<Value> from(at);
          for (auto [bit, d] : llvm::enumerate(resized))
            if (k >> bit & 1)
              from[d] = upper[d];
          corners.push_back(tensor::ExtractOp::create(b, l, source, from));
        }
        for (size_t bit = resized.size(); bit-- > 0;) {
          size_t half = size_t(1) << bit;
          for (size_t k = 0; k < half; ++k) {
            Value rise =
                arith::SubFOp::create(b, l, corners[k + half], corners[k]);
            Value part =
                arith::MulFOp::create(b, l, weight[resized[bit]], rise);
            corners[k] = arith::AddFOp::create(b, l, corners[k], part);
          }
        }
        return corners[0];
      }));
}

/// Weights by position, dim by dim: what `emitResize` has no formula for.
void emitByTable(Node &n, ArrayRef<Axis> axes, const ResizeRule &rule) {
  Emitter &e = n.e;
  Tensor t = n.floatInput(0);
  for (auto [d, a] : llvm::enumerate(axes)) {
    if (e.same(a.in, a.out) && (!a.scale || *a.scale == 1))
      continue;
    auto in = e.canonical(a.in).constant(), out = e.canonical(a.out).constant();
    if (!in || !out) {
      if (rule.antialias)
        fail("antialiased resizing of a dimension that is only known at run "
             "time is not supported");
      t = resizeByFormula(e, t, d, a.out, a.scale, rule);
      continue;
    }
    if (*in < 1)
      fail("a resized dimension is empty");
    t = resizeByTable(e, t, d, *out,
                      a.scale ? *a.scale : double(*out) / double(*in), rule);
  }
  n.set(t);
}

/// One scale for all resized dims, so that none is larger (or smaller) than was
/// asked for.
void keepAspectRatio(MutableArrayRef<Axis> axes, ArrayRef<int64_t> which,
                     StringRef policy) {
  bool notLarger = policy == "not_larger";
  if (!notLarger && policy != "not_smaller")
    fail("attribute 'keep_aspect_ratio_policy' is " + quoted(policy));
  std::optional<double> scale;
  for (int64_t a : which) {
    auto in = axes[a].in.constant(), out = axes[a].out.constant();
    if (!in || !out || *in < 1)
      fail("attribute 'keep_aspect_ratio_policy' needs known sizes");
    double s = double(*out) / double(*in);
    scale = !scale ? s : notLarger ? std::min(*scale, s) : std::max(*scale, s);
  }
  for (int64_t a : which) {
    axes[a].scale = scale;
    axes[a].out =
        static_cast<int64_t>(std::floor(*scale * *axes[a].in.constant() + 0.5));
  }
}

void importResize(Node &n) {
  Emitter &e = n.e;
  const Tensor &x = n.input(0);
  std::string mode = n.stringAttr("mode", "nearest"),
              transform =
                  n.stringAttr("coordinate_transformation_mode", "half_pixel"),
              rounding = n.stringAttr("nearest_mode", "round_prefer_floor");
  size_t scalesAt = 2, sizesAt = 3;
  if (n.op() == "Upsample" || n.opset < 11) {
    transform = "asymmetric";
    rounding = "floor";
    scalesAt = 1;
    sizesAt = 4; // absent
  }
  if (mode == "bilinear" || mode == "trilinear")
    mode = "linear";
  if (mode != "nearest" && mode != "linear" && mode != "cubic")
    fail("attribute 'mode' is " + quoted(mode));
  ResizeRule rule;
  rule.transform = transform;
  rule.cubic = mode == "cubic";
  rule.antialias = n.intAttr("antialias", 0) && mode != "nearest";
  rule.excludeOutside = n.intAttr("exclude_outside", 0) && mode != "nearest";
  rule.cubicA = n.floatAttr("cubic_coeff_a", -0.75);
  bool byTable = rule.cubic || rule.antialias || rule.excludeOutside ||
                 (transform == "half_pixel_symmetric" && mode != "nearest");
  if (!Coordinates::isKnown(transform) &&
      !(byTable && transform == "half_pixel_symmetric"))
    fail("attribute 'coordinate_transformation_mode' is " + quoted(transform));
  auto emit = [&](ArrayRef<Axis> axes) {
    if (byTable)
      emitByTable(n, axes, rule);
    else
      emitResize(n, axes, mode, transform, rounding);
  };

  SmallVector<int64_t> which;
  if (auto given = n.intsAttr("axes"))
    for (int64_t a : *given)
      which.push_back(Node::normalisedAxis(a, x->rank()));
  else
    for (size_t d = 0; d < x->rank(); ++d)
      which.push_back(d);
  SmallVector<Axis> axes;
  for (const Sym &s : x->shape)
    axes.push_back({e.canonical(s), e.canonical(s), std::nullopt});
  auto isGiven = [&](size_t i) {
    return n.has(i) &&
           !(n.input(i)->rank() == 1 && n.input(i)->shape[0] == Sym(0));
  };
  if (n.op() == "Upsample" && n.opset < 9) {
    auto scales = n.floatsAttr("scales");
    if (!scales || scales->size() != x->rank())
      fail("attribute 'scales' is missing");
    for (size_t d = 0; d < x->rank(); ++d)
      axes[d].scale = (*scales)[d];
  } else if (isGiven(sizesAt)) {
    std::vector<Sym> sizes = e.someElements(n.input(sizesAt));
    if (sizes.size() != which.size())
      fail("it has " + Twine(sizes.size()) + " sizes for " +
           Twine(which.size()) + " axes");
    for (auto [i, a] : llvm::enumerate(which)) {
      e.requireAtLeast(sizes[i], 0, "size");
      axes[a].out = e.canonical(sizes[i]);
    }
    std::string policy = n.stringAttr("keep_aspect_ratio_policy", "stretch");
    if (policy != "stretch")
      keepAspectRatio(axes, which, policy);
    return emit(axes);
  } else if (isGiven(scalesAt)) {
    auto scales = n.input(scalesAt)->constant;
    if (!scales || scales->count() != int64_t(which.size()) ||
        !isFloat(scales->type()))
      fail("scales that are only known at run time, or too few of them");
    for (auto [i, a] : llvm::enumerate(which))
      axes[a].scale = scales->asDouble(scales->isSplat() ? 0 : i);
  } else {
    fail("it has neither scales nor sizes");
  }
  for (Axis &a : axes) {
    if (!a.scale)
      continue;
    double s = *a.scale;
    if (!(s > 0 && s < 65536))
      fail("a scale is " + Twine(std::to_string(s)));
    if (s == std::floor(s)) {
      a.out = a.in * Sym(int64_t(s));
    } else if (auto c = a.in.constant()) {
      a.out = static_cast<int64_t>(std::floor(*c * s));
    } else { // floor(in·p / 2^k) is exact for the scales of float32
      int exponent;
      double mantissa = std::frexp(s, &exponent);
      int64_t p = static_cast<int64_t>(std::ldexp(mantissa, 24));
      int k = 24 - exponent;
      if (k < 0 || k > 40)
        fail("a scale is " + Twine(std::to_string(s)));
      a.out = e.syms.floorDiv(a.in * Sym(p), int64_t(1) << k);
    }
  }
  emit(axes);
}

} // namespace

llvm::ArrayRef<OpEntry> resizeOps() {
  static const OpEntry ops[] = {
      {"Resize", 10, 1, 4, importResize},
      {"Upsample", 7, 1, 2, importResize},
  };
  return ops;
}

} // namespace heed::import
