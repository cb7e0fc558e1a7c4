// SPDX-License-Identifier: Apache-2.0
// From named features to numbers, on the way of every decision: no allocation, no exception.
#include <algorithm>
#include <array>

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <limits>

#include "core/hash.hpp"
#include "engine/feature_spec.hpp"

namespace attune {
namespace {

/// Writes the parts of a sentence one after the other; what does not fit is cut. Always closed by a zero.
Errc explain(std::span<char> reason, Errc code, std::initializer_list<std::string_view> parts) noexcept {
  if (reason.empty()) {
    return code;
  }
  std::size_t at = 0;
  for (const std::string_view part : parts) {
    const std::size_t count = std::min(part.size(), reason.size() - 1 - at);
    std::memcpy(reason.data() + at, part.data(), count);
    at += count;
  }
  // A name cut inside a character would make the sentence invalid UTF-8.
  const bool cut = at + 1 == reason.size();
  while (cut && at > 0 && static_cast<unsigned char>(reason[at - 1]) >= 0x80) {
    --at;
  }
  reason[at] = '\0';
  return code;
}

/// A number as text in a buffer of its own.
class Digits {
 public:
  template <class Number>
  explicit Digits(Number number) noexcept {
    const char* end = std::to_chars(text_.data(), text_.data() + text_.size(), number).ptr;
    size_ = static_cast<std::size_t>(end - text_.data());
  }
  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }

 private:
  std::array<char, 32> text_{};
  std::size_t size_ = 0;
};

constexpr bool is_word_byte(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// The words of a text: runs of ASCII letters and digits and of bytes above 127, ASCII letters in lower case.
class Words {
 public:
  Words(std::string_view text, std::uint64_t seed) noexcept : rest_(text), seed_(seed) {}

  /// Hash of the next word; false at the end.
  bool next(std::uint64_t& hash) noexcept {
    const auto* start = std::find_if(rest_.begin(), rest_.end(), is_word_byte);
    const auto* end = std::find_if_not(start, rest_.end(), is_word_byte);
    if (start == end || count_ == FeatureSpec::kMaxWords) {
      return false;
    }
    std::array<char, FeatureSpec::kMaxWordBytes> word{};
    const std::size_t size = std::min(word.size(), static_cast<std::size_t>(end - start));
    std::transform(start, start + size, word.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    hash = hash64(std::string_view(word.data(), size), seed_);
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.begin()));
    ++count_;
    return true;
  }

 private:
  std::string_view rest_;
  std::uint64_t seed_;
  std::size_t count_ = 0;
};

std::uint64_t pair_hash(std::uint64_t first, std::uint64_t second, std::uint64_t seed) noexcept {
  const std::array<std::uint64_t, 2> both{first, second};
  return hash64(std::as_bytes(std::span(both)), seed);
}

/// Calls `visit(bucket)` for every word and every pair of neighbouring words.
template <class Visitor>
void for_each_gram(std::string_view text, const FeatureColumn& column, Visitor&& visit) noexcept {
  Words words(text, column.hash_seed);
  std::uint64_t previous = 0;
  std::uint64_t word = 0;
  for (bool first = true; words.next(word); first = false) {
    visit(static_cast<std::uint32_t>(word % column.width));
    if (!first) {
      visit(static_cast<std::uint32_t>(pair_hash(previous, word, column.hash_seed) % column.width));
    }
    previous = word;
  }
}

double scaled(const FeatureColumn& column, double x) noexcept {
  switch (column.scale) {
    case FeatureScale::none:
      break;
    case FeatureScale::log1p:
      return std::log1p(x);
    case FeatureScale::standard:
      return (x - column.shift) / column.spread;
    case FeatureScale::minmax:
      return std::clamp((x - column.shift) / column.spread, 0.0, 1.0);
  }
  return x;
}

std::uint32_t category_bucket(const FeatureColumn& column, std::string_view text) noexcept {
  if (column.values.empty()) {
    return static_cast<std::uint32_t>(hash64(text, column.hash_seed) % column.width);
  }
  const auto found =
      std::lower_bound(column.sorted.begin(), column.sorted.end(), text,
                       [&](std::uint32_t i, std::string_view t) { return column.values[i] < t; });
  const bool listed = found != column.sorted.end() && column.values[*found] == text;
  return listed ? *found : column.width - 1;
}

}  // namespace

/// One call of encode() for a named context.
class FeatureSpec::Encoder {
 public:
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): match() sets what is read of given_
  Encoder(const FeatureSpec& spec, const ContextView& context, const Buffers& buffers) noexcept
      : spec_(spec), context_(context), buffers_(buffers) {}

  Errc run(Input& out) noexcept {
    if (Errc code = match(); code != Errc::ok) {
      return code;
    }
    if (!spec_.sparse_) {
      std::fill_n(buffers_.dense.begin(), spec_.dimension_, 0.0);
    }
    for (std::size_t i = 0; i < spec_.columns_.size(); ++i) {
      if (Errc code = encode_column(i); code != Errc::ok) {
        return code;
      }
    }
    if (spec_.intercept_) {
      put(static_cast<std::uint32_t>(spec_.dimension_ - 1), 1.0);
    }
    out = spec_.sparse_
              ? Input{.dense = {}, .sparse = {buffers_.index.first(used_), buffers_.value.first(used_)}}
              : Input{.dense = buffers_.dense.first(spec_.dimension_), .sparse = {}};
    return Errc::ok;
  }

 private:
  static constexpr std::uint16_t kMissing = std::numeric_limits<std::uint16_t>::max();

  /// Finds the given feature of each column.
  Errc match() noexcept {
    std::fill_n(given_.begin(), spec_.columns_.size(), kMissing);
    for (std::size_t i = 0; i < context_.named.size(); ++i) {
      const std::string_view name = context_.named[i].name;
      const std::size_t column = spec_.find(name, i);
      if (column == spec_.columns_.size()) {
        return explain(buffers_.reason, Errc::invalid_argument, {"feature \"", name, "\" is not declared"});
      }
      if (given_[column] != kMissing) {
        return explain(buffers_.reason, Errc::invalid_argument, {"feature \"", name, "\" is given twice"});
      }
      given_[column] = static_cast<std::uint16_t>(i);  // fits: no feature twice, at most kMaxFeatures
    }
    return Errc::ok;
  }

  Errc encode_column(std::size_t i) noexcept {
    const FeatureColumn& column = spec_.columns_[i];
    double number = column.default_number;
    std::string_view text = column.default_text;
    if (given_[i] != kMissing) {
      const NamedFeature& feature = context_.named[given_[i]];
      const bool wants_text = column.type == FeatureType::category || column.type == FeatureType::text;
      if (feature.is_text != wants_text) {
        return explain(
            buffers_.reason, Errc::invalid_argument,
            {"feature \"", column.name, "\" is a ", feature.is_text ? "text" : "number",
             "; it is declared as ", kEnumNames<FeatureType>[static_cast<std::size_t>(column.type)]});
      }
      number = feature.number;
      text = feature.text;
    } else if (!column.has_default) {
      return explain(buffers_.reason, Errc::invalid_argument,
                     {"feature \"", column.name, "\" is missing and has no default"});
    }
    switch (column.type) {
      case FeatureType::number:
        return encode_number(column, number);
      case FeatureType::boolean:
        return encode_boolean(column, number);
      case FeatureType::category:
        put(column.offset + category_bucket(column, text), 1.0);
        break;
      case FeatureType::text:
        spec_.sparse_ ? put_grams_sparse(column, text) : put_grams_dense(column, text);
        break;
    }
    return Errc::ok;
  }

  Errc encode_number(const FeatureColumn& column, double number) noexcept {
    if (!std::isfinite(number)) {
      return explain(buffers_.reason, Errc::non_finite, {"feature \"", column.name, "\" is NaN or infinite"});
    }
    if (column.scale == FeatureScale::log1p && !(number > -1.0)) {
      return explain(
          buffers_.reason, Errc::invalid_argument,
          {"feature \"", column.name, "\" = ", Digits(number).view(), " is not above -1, as log1p needs"});
    }
    const double value = scaled(column, number);
    if (!std::isfinite(value)) {
      return explain(
          buffers_.reason, Errc::non_finite,
          {"feature \"", column.name, "\" = ", Digits(number).view(), " is infinite after scaling"});
    }
    put(column.offset, value);
    return Errc::ok;
  }

  Errc encode_boolean(const FeatureColumn& column, double number) noexcept {
    if (number != 0.0 && number != 1.0) {
      return explain(
          buffers_.reason, Errc::invalid_argument,
          {"feature \"", column.name, "\" = ", Digits(number).view(), " is neither true nor false"});
    }
    put(column.offset, number);
    return Errc::ok;
  }

  /// Zeros are left out of sparse vectors. Columns come in rising order, so the indices do.
  void put(std::uint32_t index, double value) noexcept {
    if (!spec_.sparse_) {
      buffers_.dense[index] = value;
    } else if (value != 0.0) {
      buffers_.index[used_] = index;
      buffers_.value[used_] = value;
      ++used_;
    }
  }

  void put_grams_dense(const FeatureColumn& column, std::string_view text) noexcept {
    const std::span<double> counts = buffers_.dense.subspan(column.offset, column.width);
    for_each_gram(text, column, [&](std::uint32_t bucket) { counts[bucket] += 1.0; });
    normalise(counts);
  }

  void put_grams_sparse(const FeatureColumn& column, std::string_view text) noexcept {
    const std::size_t start = used_;
    std::size_t end = start;
    for_each_gram(text, column,
                  [&](std::uint32_t bucket) { buffers_.index[end++] = column.offset + bucket; });
    std::sort(buffers_.index.begin() + static_cast<std::ptrdiff_t>(start),
              buffers_.index.begin() + static_cast<std::ptrdiff_t>(end));
    for (std::size_t i = start; i < end; ++i) {
      if (used_ > start && buffers_.index[used_ - 1] == buffers_.index[i]) {
        buffers_.value[used_ - 1] += 1.0;
      } else {
        buffers_.index[used_] = buffers_.index[i];
        buffers_.value[used_] = 1.0;
        ++used_;
      }
    }
    normalise(buffers_.value.subspan(start, used_ - start));
  }

  /// Length 1. The squares are whole numbers, so their sum is exact in any order.
  static void normalise(std::span<double> counts) noexcept {
    double squares = 0.0;
    for (const double count : counts) {
      squares += count * count;
    }
    if (squares > 0.0) {
      const double length = std::sqrt(squares);
      for (double& count : counts) {
        count /= length;
      }
    }
  }

  const FeatureSpec& spec_;
  const ContextView& context_;
  const Buffers& buffers_;
  std::size_t used_ = 0;
  std::array<std::uint16_t, kMaxFeatures> given_;
};

Errc FeatureSpec::encode(const ContextView& context, const Buffers& buffers, Input& out) const noexcept {
  const bool dense = !context.dense.empty();
  const bool sparse = !context.sparse.index.empty() || !context.sparse.value.empty();
  const bool named = !context.named.empty();
  const auto wrong_form = [&](std::string_view takes) {
    return explain(buffers.reason, Errc::dimension_mismatch, {"this point takes ", takes, " as its context"});
  };
  switch (kind_) {
    case Kind::none:
      if (dense || sparse || named) {
        return wrong_form("nothing");
      }
      out = Input{};
      return Errc::ok;
    case Kind::dense:
    case Kind::sparse:
      if (named || (sparse_ ? dense : sparse)) {
        return wrong_form(sparse_ ? "sparse features (index and value)" : "an array of numbers");
      }
      return pass(context, buffers, out);
    case Kind::named:
      if (dense || sparse) {
        return wrong_form("named features");
      }
      break;
  }
  if (buffers.dense.size() < dense_size() || buffers.index.size() < sparse_entries_ ||
      buffers.value.size() < sparse_entries_) {
    return explain(buffers.reason, Errc::invalid_argument, {"the buffers to encode into are too small"});
  }
  return Encoder(*this, context, buffers).run(out);
}

Errc FeatureSpec::pass(const ContextView& context, const Buffers& buffers, Input& out) const noexcept {
  const Input input{.dense = context.dense, .sparse = context.sparse};
  const Errc code = check_input(input, dimension_, sparse_);
  if (code == Errc::ok) {
    out = input;
    return Errc::ok;
  }
  if (code == Errc::non_finite) {
    return explain(buffers.reason, code, {"the context has a number that is NaN or infinite"});
  }
  const Digits wanted(dimension_);
  if (!sparse_) {
    const Digits found(context.dense.size());
    return explain(buffers.reason, code,
                   {"the context has ", found.view(), " numbers; this point takes ", wanted.view()});
  }
  return explain(
      buffers.reason, code,
      {"sparse features need as many indices as values, the indices strictly increasing and below ",
       wanted.view()});
}

}  // namespace attune
