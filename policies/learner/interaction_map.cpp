// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/interaction_map.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>

namespace attune {
namespace {

constexpr unsigned kPositionBits = 11;  // of a position below kMost
static_assert(InteractionMap::kMost <= std::size_t{1} << kPositionBits);

/// The finalizer of MurmurHash3 (Appleby, public domain): every bit of the input changes half of the output.
[[nodiscard]] constexpr std::uint64_t mixed(std::uint64_t key) noexcept {
  key ^= key >> 33U;
  key *= 0xFF51AFD7ED558CCDULL;
  key ^= key >> 33U;
  key *= 0xC4CEB9FE1A85EC53ULL;
  key ^= key >> 33U;
  return key;
}

// The key of a feature is salted, so that it is that of a product by chance only.
[[nodiscard]] constexpr std::uint64_t hash_of(std::uint32_t i) noexcept {
  return mixed((std::uint64_t{i} << 32U) ^ 0x9E3779B97F4A7C15ULL);
}
[[nodiscard]] constexpr std::uint64_t hash_of(std::uint32_t i, std::uint32_t j) noexcept {
  return mixed((std::uint64_t{i} << 32U) | j);
}

/// Sums and products of what is finite, kept finite.
[[nodiscard]] double bounded(double value) noexcept {
  constexpr double kMax = std::numeric_limits<double>::max();
  return std::clamp(value, -kMax, kMax);
}

}  // namespace

InteractionMap::InteractionMap(InteractionOptions options, const Shape& shape)
    : options_(std::move(options)), features_(shape.features), sparse_(shape.sparse) {
  for (const double first : options_.groups) {
    groups_.push_back(static_cast<std::uint32_t>(first));
  }
}

Result<InteractionMap> InteractionMap::make(const InteractionOptions& options, const Shape& shape) {
  if (Result<void> verdict = check_bounds(options); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  const auto& groups = options.groups;
  if (std::ranges::adjacent_find(groups, std::greater_equal<>()) != groups.end() ||
      std::ranges::any_of(groups, [](double first) { return first != std::floor(first); })) {
    return fail(Errc::invalid_config, "groups must be whole numbers that ascend");
  }
  if (!shape.sparse && shape.features > options.most) {
    return fail(Errc::invalid_config, "features = " + std::to_string(shape.features) + " is above most = " +
                                          std::to_string(options.most) + ", for dense contexts");
  }
  return InteractionMap(options, shape);
}

std::uint32_t InteractionMap::place(std::uint32_t i) const noexcept {
  return static_cast<std::uint32_t>(hash_of(i) & (places() - 1));
}

std::uint32_t InteractionMap::place(std::uint32_t i, std::uint32_t j) const noexcept {
  return static_cast<std::uint32_t>(hash_of(i, j) & (places() - 1));
}

std::uint32_t InteractionMap::group(std::uint32_t feature) const noexcept {
  return static_cast<std::uint32_t>(std::ranges::upper_bound(groups_, feature) - groups_.begin());
}

void InteractionMap::put(Expanded& out, std::uint64_t hash, double value) const noexcept {
  const std::uint64_t where = hash & (places() - 1);
  out.key_[out.size_] = (where << kPositionBits) | out.size_;
  out.raw_[out.size_] = options_.signs && (hash >> 63U) != 0 ? -value : value;
  ++out.size_;
}

/// The entries that are not zero, with their indices in `index_` for the products. False: too many.
bool InteractionMap::put_features(const Input& input, Expanded& out) const noexcept {
  const std::size_t entries = sparse_ ? input.sparse.index.size() : input.dense.size();
  for (std::size_t k = 0; k < entries; ++k) {
    const double value = sparse_ ? input.sparse.value[k] : input.dense[k];
    if (value == 0.0) {
      continue;
    }
    if (out.size_ == options_.most) {
      return false;
    }
    const std::uint32_t index = sparse_ ? input.sparse.index[k] : static_cast<std::uint32_t>(k);
    out.index_[out.size_] = index;
    out.value_[out.size_] = value;
    put(out, hash_of(index), value);
  }
  return true;
}

void InteractionMap::put_products(std::size_t features, Expanded& out) const noexcept {
  const bool across = options_.pairs == PairKind::across;
  for (std::size_t a = 0; a < features; ++a) {
    const std::uint32_t i = out.index_[a];
    for (std::size_t b = options_.squares ? a : a + 1; b < features; ++b) {
      const std::uint32_t j = out.index_[b];
      if (across && a != b && group(i) == group(j)) {
        continue;
      }
      if (out.size_ == options_.most) {
        return;
      }
      put(out, hash_of(i, j), bounded(out.value_[a] * out.value_[b]));
    }
  }
}

/// By place, and within one in the order of the example, so that sums are the same everywhere.
void InteractionMap::sort_and_add(Expanded& out) noexcept {
  const std::size_t size = out.size_;
  std::ranges::sort(std::span(out.key_).first(size));
  out.size_ = 0;
  for (std::size_t k = 0; k < size; ++k) {
    const auto where = static_cast<std::uint32_t>(out.key_[k] >> kPositionBits);
    const double value = out.raw_[out.key_[k] & ((1U << kPositionBits) - 1)];
    if (out.size_ > 0 && out.index_[out.size_ - 1] == where) {
      out.value_[out.size_ - 1] = bounded(out.value_[out.size_ - 1] + value);
    } else {
      out.index_[out.size_] = where;
      out.value_[out.size_++] = value;
    }
  }
}

Errc InteractionMap::expand(const Input& input, Expanded& out) const noexcept {
  out.size_ = 0;
  if (const Errc verdict = check_input(input, features_, sparse_); verdict != Errc::ok) {
    return verdict;
  }
  if (!put_features(input, out)) {
    return Errc::dimension_mismatch;
  }
  if (options_.pairs != PairKind::none) {
    put_products(out.size_, out);
  }
  sort_and_add(out);
  return Errc::ok;
}

}  // namespace attune
