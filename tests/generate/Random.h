// Random.h - the same choices for the same seed on every machine.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TESTS_GENERATE_RANDOM_H
#define HEED_TESTS_GENERATE_RANDOM_H

#include <cstdint>
#include <initializer_list>
#include <utility>

namespace heed::generate {

/// SplitMix64; std's distributions differ between libraries.
class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}

  uint64_t next() {
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /// 0 … n − 1.
  int64_t below(int64_t n) {
    return static_cast<int64_t>(next() % uint64_t(n));
  }
  bool coin() { return below(2) == 0; }
  bool oneIn(int64_t n) { return below(n) == 0; }
  /// −1 … 1.
  double unit() { return double(next() >> 11) / (1ull << 52) - 1.0; }
  template <typename T> T pick(std::initializer_list<T> choices) {
    return choices.begin()[below(static_cast<int64_t>(choices.size()))];
  }
  template <typename Range> void shuffle(Range &range) {
    for (size_t i = range.size(); i > 1; --i)
      std::swap(range[i - 1], range[size_t(below(int64_t(i)))]);
  }

private:
  uint64_t state;
};

} // namespace heed::generate

#endif // HEED_TESTS_GENERATE_RANDOM_H
