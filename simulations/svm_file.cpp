// SPDX-License-Identifier: Apache-2.0
#include "simulations/svm_file.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <memory>
#include <numeric>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

#include <zlib.h>

#include "simulations/decimal.hpp"

namespace attune::sim {
namespace {

struct CloseSvmGzip {
  void operator()(gzFile file) const noexcept { gzclose_r(file); }
};
using SvmGzip = std::unique_ptr<std::remove_pointer_t<gzFile>, CloseSvmGzip>;

/// Text for a message: one line, not too long.
std::string quoted_word(std::string_view word) {
  std::string text;
  for (const char c : word.substr(0, 40)) {
    text += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  }
  return "\"" + text + (word.size() > 40 ? "...\"" : "\"");
}

/// A finite number, whole; a leading + is allowed.
std::optional<double> svm_number(const char* at, const char* end) noexcept {
  if (const std::optional<double> value = short_decimal(at, end)) {
    return value;
  }
  if (at != end && *at == '+' && end - at > 1 && at[1] != '-') {
    ++at;
  }
  double value = 0.0;
  const auto [stop, error] = std::from_chars(at, end, value);
  if (stop != end || error == std::errc::invalid_argument || at == end) {
    return std::nullopt;
  }
  if (error == std::errc::result_out_of_range) {
    // Too small is 0, too large is no number of a row.
    value = std::strtod(std::string(at, end).c_str(), nullptr);
  }
  return std::isfinite(value) ? std::optional<double>(value) : std::nullopt;
}

bool blank(char c) noexcept { return c == ' ' || c == '\t'; }

}  // namespace

class SvmFile::Builder {
 public:
  Builder(std::string path, const SvmLimits& limits) : path_(std::move(path)), limits_(limits) {}

  /// A line without its end.
  Result<void> line(const char* at, const char* end) {
    ++line_;
    if (static_cast<std::size_t>(end - at) > limits_.line) {
      return wrong(Errc::full, "is longer than " + std::to_string(limits_.line) + " bytes");
    }
    if (end != at && end[-1] == '\r') {
      --end;
    }
    if (const void* hash = std::memchr(at, '#', static_cast<std::size_t>(end - at)); hash != nullptr) {
      comment_ = true;
      end = static_cast<const char*>(hash);
    } else {
      comment_ = false;
    }
    const char* word = nullptr;
    const auto next = [&] {
      while (at != end && blank(*at)) {
        ++at;
      }
      word = at;
      while (at != end && !blank(*at)) {
        ++at;
      }
      return word != at;
    };
    if (!next()) {
      return comment_ ? Result<void>{} : wrong(Errc::parse, "is empty; a label is expected");
    }
    const std::optional<double> label = svm_number(word, at);
    if (!label) {
      return wrong(Errc::parse, "the label " + quoted_word({word, at}) + " is not a finite number");
    }
    const std::size_t from = file_.index_.size();
    bool sorted = true;
    bool first = true;
    while (next()) {
      const std::string_view text(word, static_cast<std::size_t>(at - word));
      if (first && text.starts_with("qid:")) {
        first = false;
        if (!svm_number(word + 4, at)) {
          return wrong(Errc::parse, quoted_word(text) + " has no number after qid:");
        }
        continue;
      }
      first = false;
      std::uint32_t index = 0;
      const auto [colon, error] = std::from_chars(word, at, index);
      if (error == std::errc::result_out_of_range ||
          (error == std::errc{} && index > limits_.largest_index)) {
        return wrong(Errc::full, "the index of " + quoted_word(text) + " is above " +
                                     std::to_string(limits_.largest_index));
      }
      if (error != std::errc{} || colon == at || *colon != ':') {
        return wrong(Errc::parse, quoted_word(text) + " is not of the form index:value");
      }
      const std::optional<double> value = svm_number(colon + 1, at);
      if (!value) {
        return wrong(Errc::parse, "the value of " + quoted_word(text) + " is not a finite number");
      }
      sorted = sorted && (file_.index_.size() == from || file_.index_.back() < index);
      file_.index_.push_back(index);
      file_.values_.push_back(*value);
    }
    if (!sorted) {
      if (const std::optional<std::uint32_t> twice = sort_from(from)) {
        return wrong(Errc::parse, "index " + std::to_string(*twice) + " stands twice");
      }
    }
    if (file_.index_.size() > from) {
      least_ = std::min(least_, file_.index_[from]);
      file_.largest_ = std::max(file_.largest_, file_.index_.back());
    }
    file_.labels_.push_back(*label);
    file_.ends_.push_back(file_.index_.size());
    if (file_.labels_.size() > limits_.rows || file_.index_.size() > limits_.entries) {
      return wrong(Errc::full, "is beyond " + std::to_string(limits_.rows) + " rows or " +
                                   std::to_string(limits_.entries) + " entries");
    }
    return {};
  }

  SvmFile finish() {
    file_.least_ = file_.index_.empty() ? 0 : least_;
    return std::move(file_);
  }

 private:
  [[nodiscard]] Result<void> wrong(Errc code, const std::string& what) const {
    return fail(code, path_ + " line " + std::to_string(line_) + ": " + what);
  }

  /// Brings the last row into order; an index that it has twice.
  std::optional<std::uint32_t> sort_from(std::size_t from) {
    std::vector<std::pair<std::uint32_t, double>> row;
    for (std::size_t k = from; k < file_.index_.size(); ++k) {
      row.emplace_back(file_.index_[k], file_.values_[k]);
    }
    std::ranges::sort(row, {}, &std::pair<std::uint32_t, double>::first);
    for (std::size_t k = 0; k < row.size(); ++k) {
      if (k > 0 && row[k].first == row[k - 1].first) {
        return row[k].first;
      }
      file_.index_[from + k] = row[k].first;
      file_.values_[from + k] = row[k].second;
    }
    return std::nullopt;
  }

  std::string path_;
  SvmLimits limits_;
  SvmFile file_;
  std::uint32_t least_ = 0xFFFFFFFFU;
  std::uint64_t line_ = 0;
  bool comment_ = false;
};

Result<SvmFile> SvmFile::read(const std::string& path, const SvmLimits& limits) {
  std::error_code ignored;
  const SvmGzip file(std::filesystem::is_directory(path, ignored) ? nullptr : gzopen(path.c_str(), "rb"));
  if (file == nullptr) {
    return fail(Errc::io, path + " cannot be read: there is no such file, or it is no file");
  }
  gzbuffer(file.get(), 1U << 18U);
  Builder builder(path, limits);
  std::vector<char> block(std::size_t{1} << 20U);
  std::size_t kept = 0;  // bytes of a line that has not ended yet
  for (;;) {
    const int size = gzread(file.get(), block.data() + kept, static_cast<unsigned>(block.size() - kept));
    if (size < 0) {
      int code = 0;
      return fail(Errc::io, path + " could not be read to its end: " + gzerror(file.get(), &code));
    }
    const char* at = block.data();
    const char* const end = block.data() + kept + static_cast<std::size_t>(size);
    while (const void* feed = std::memchr(at, '\n', static_cast<std::size_t>(end - at))) {
      const char* stop = static_cast<const char*>(feed);
      if (Result<void> good = builder.line(at, stop); !good) {
        return tl::unexpected(std::move(good).error());
      }
      at = stop + 1;
    }
    kept = static_cast<std::size_t>(end - at);
    if (size == 0) {
      int code = 0;
      gzerror(file.get(), &code);
      if (code == Z_BUF_ERROR) {
        return fail(Errc::io, path + " ends in the middle of its compressed data");
      }
      if (kept > 0) {
        if (Result<void> good = builder.line(at, end); !good) {
          return tl::unexpected(std::move(good).error());
        }
      }
      return builder.finish();
    }
    std::memmove(block.data(), at, kept);
    if (kept == block.size()) {
      if (kept > limits.line) {
        return tl::unexpected(std::move(builder.line(block.data(), block.data() + kept)).error());
      }
      block.resize(2 * block.size());
    }
  }
}

void SvmFile::shift(std::uint32_t by) noexcept {
  for (std::uint32_t& index : index_) {
    index -= by;
  }
  least_ -= by;
  largest_ -= by;
}

void SvmFile::relabel(const std::function<double(double)>& to) {
  for (double& label : labels_) {
    label = to(label);
  }
}

}  // namespace attune::sim
