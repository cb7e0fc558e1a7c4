// SPDX-License-Identifier: Apache-2.0
/// @file
/// SourceCap: no source gets more than its share of what is learned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <attune/core/concepts.hpp>

namespace attune {

/// Options of SourceCap.
struct SourceCapConfig {
  double share = 0.1;
  std::uint32_t window = 1000;
  double floor = 100.0;
  std::uint64_t seed = 1;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("share", self.share, Bounds{1e-4, 0.99}, "of the window's weight that one source may have");
    visit("window", self.window, Bounds{1, 1e6}, "newest admitted records that count");
    visit("floor", self.floor, Bounds{0.0, 1e9}, "the window's weight is taken for no less than this");
    visit("seed", self.seed, Bounds{0, 9e15}, "of the table's hash; keep it from the sources");
  }
  bool operator==(const SourceCapConfig&) const = default;
};

/// How much of what was offered was let in.
struct SourceCapCount {
  std::uint64_t admitted = 0;  ///< whole
  std::uint64_t reduced = 0;   ///< in part
  std::uint64_t refused = 0;   ///< not at all
  std::uint64_t invalid = 0;   ///< a weight that is NaN, negative or above kMaxWeight

  bool operator==(const SourceCapCount&) const = default;
};

/// Says how much of a record's weight may be learned, by who sends it.
///
/// Over the newest `window` admitted records, with t their weight and s that of the record's source, as much
/// is admitted as keeps s <= share max(t, floor), the record included. What is refused does not enter the
/// window, so that a flood pushes nobody out; a source that has its share waits until others were admitted.
/// `floor` lets the first ones in: a lone source gets share floor.
///
/// A source is a 64-bit key, a hash of an account, a tenant, an address. Weights are kept in units of 2^-20,
/// exactly. Cost: O(1) expected; 48 to 80 bytes a record of the window, allocated in `make`. Limits: who can
/// make sources gets many shares; make them cost something.
class SourceCap {
 public:
  using Config = SourceCapConfig;

  static constexpr std::string_view kName = "source_cap";
  static constexpr std::uint32_t kStateVersion = 1;
  static constexpr double kMaxWeight = 1e6;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<SourceCap> make(const Config& config);

  /// The weight that may be learned, in [0, weight]; 0 of an invalid one.
  [[nodiscard]] double admit(std::uint64_t source, double weight = 1.0) noexcept;
  /// Of the window, that of one source.
  [[nodiscard]] double weight(std::uint64_t source) const noexcept;
  /// Of the window.
  [[nodiscard]] double total() const noexcept;
  void reset() noexcept;
  [[nodiscard]] const SourceCapCount& count() const noexcept { return count_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const SourceCap& other) const noexcept;

 private:
  struct Record {
    std::uint64_t source = 0;
    std::uint64_t units = 0;
  };
  struct Slot {
    std::uint64_t source = 0;
    std::uint64_t units = 0;  // 0: free
  };

  explicit SourceCap(const Config& config);
  [[nodiscard]] std::size_t home(std::uint64_t source) const noexcept;
  [[nodiscard]] std::size_t find(std::uint64_t source) const noexcept;
  void add(std::uint64_t source, std::uint64_t units) noexcept;
  void take(std::uint64_t source, std::uint64_t units) noexcept;
  [[nodiscard]] const Record& record(std::size_t age) const noexcept;

  Config config_;
  SourceCapCount count_;
  std::vector<Record> ring_;  // the oldest at next_ when full, else at 0
  std::vector<Slot> table_;   // open addressing, at most half full
  std::size_t held_ = 0;
  std::size_t next_ = 0;
  std::uint64_t total_ = 0;
};

}  // namespace attune
