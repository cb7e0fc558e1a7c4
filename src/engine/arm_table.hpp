// SPDX-License-Identifier: Apache-2.0
/// @file
/// ArmTable: the stable external ids of a decision point's arms and the slots they live in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <attune/core/error.hpp>
#include <attune/core/serial.hpp>
#include <attune/core/vocabulary.hpp>

namespace attune {

inline constexpr std::size_t kMaxNameBytes = 255;

/// The rule that a name or id breaks, as the rest of a sentence ("must not be empty"); empty when it breaks
/// none.
[[nodiscard]] std::string broken_name_rule(std::string_view name);

/// An arm's id: 1 to 255 bytes of UTF-8 without control characters.
/// Errors: invalid_argument, saying which rule is broken.
[[nodiscard]] Result<void> check_arm_id(std::string_view id);

/// True when `text` is well-formed UTF-8 (no surrogates, nothing overlong).
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// External ids, enabled flags, features and selection counts of arms, by slot.
///
/// A slot is what policies know (ArmIndex). A removed arm frees its slot; the next added arm takes the lowest
/// free one and raises the slot's incarnation, so that a late outcome of the old arm can be told from one of
/// the new. A copyable value; the same operations in the same order give equal tables, equal in their bytes
/// too.
///
/// Threads: const members from many threads.
/// Cost: find() O(1) and without allocation; add() O(1) amortised plus the lowest free slot, O(log free).
class ArmTable {
 public:
  ArmTable() = default;
  explicit ArmTable(std::size_t action_features) : dimension_(action_features) {}

  /// Errors: invalid_argument (id, non-finite features), dimension_mismatch, duplicate, full. Unchanged on
  /// error.
  [[nodiscard]] Result<ArmIndex> add(std::string_view id, Features features = {}, bool enabled = true);
  /// Errors: unknown_arm.
  Errc set_enabled(ArmIndex arm, bool on) noexcept;
  /// Frees the slot. Errors: unknown_arm.
  Errc remove(ArmIndex arm) noexcept;
  /// Counts one selection; does nothing for a free slot.
  void note_selection(ArmIndex arm) noexcept {
    if (contains(arm)) {
      ++slots_[to_index(arm)].selections;
    }
  }

  /// The slot of an id, or kNoArm.
  [[nodiscard]] ArmIndex find(std::string_view id) const noexcept;
  /// The id in a slot; empty for a free one.
  [[nodiscard]] std::string_view id(ArmIndex arm) const noexcept {
    return to_index(arm) < slots_.size() ? std::string_view(slots_[to_index(arm)].id) : std::string_view();
  }
  [[nodiscard]] bool contains(ArmIndex arm) const noexcept { return !id(arm).empty(); }
  [[nodiscard]] bool enabled(ArmIndex arm) const noexcept {
    return contains(arm) && slots_[to_index(arm)].enabled;
  }
  /// How often the slot was given to an arm: 1 for its first. 0: no such slot.
  [[nodiscard]] std::uint32_t incarnation(ArmIndex arm) const noexcept {
    return to_index(arm) < slots_.size() ? slots_[to_index(arm)].incarnation : 0;
  }
  /// The same as records say it, in 16 bits; 0, every 65,536th time too: not said.
  [[nodiscard]] std::uint16_t generation(ArmIndex arm) const noexcept {
    return static_cast<std::uint16_t>(incarnation(arm));
  }
  /// Whether the arm that a decision chose is the one in its slot. Deciders are ahead of the fold: it may
  /// have gone, and another come, between the choice and its record.
  [[nodiscard]] bool holds(ArmIndex arm, std::uint16_t chosen) const noexcept {
    if (to_index(arm) >= slots_.size()) {
      return false;
    }
    const Slot& slot = slots_[to_index(arm)];
    return !slot.id.empty() && (chosen == 0 || chosen == static_cast<std::uint16_t>(slot.incarnation));
  }
  /// Of the arm that is in the slot now.
  [[nodiscard]] std::uint64_t selections(ArmIndex arm) const noexcept {
    return to_index(arm) < slots_.size() ? slots_[to_index(arm)].selections : 0;
  }
  /// Features of all slots, row-major slots x action_features; rows of free slots are zero.
  [[nodiscard]] ActionFeatures features() const noexcept { return {.rows = rows_, .dimension = dimension_}; }
  [[nodiscard]] Features features(ArmIndex arm) const noexcept {
    return contains(arm) ? features().row(arm) : Features{};
  }

  [[nodiscard]] std::size_t slot_count() const noexcept { return slots_.size(); }  ///< also free ones
  [[nodiscard]] std::size_t arm_count() const noexcept { return slots_.size() - free_.size(); }
  [[nodiscard]] std::size_t enabled_count() const noexcept { return enabled_count_; }
  [[nodiscard]] std::size_t action_features() const noexcept { return dimension_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state, dimension_mismatch (other action_features); unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);

  [[nodiscard]] bool operator==(const ArmTable& other) const noexcept;

 private:
  struct Slot {
    std::string id;  ///< empty: free
    std::uint32_t incarnation = 0;
    bool enabled = false;
    std::uint64_t selections = 0;

    bool operator==(const Slot&) const = default;
  };

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept;
  };
  using Index = std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>>;

  [[nodiscard]] std::size_t take_slot();

  std::size_t dimension_ = 0;
  std::size_t enabled_count_ = 0;
  std::vector<Slot> slots_;
  std::vector<double> rows_;
  std::vector<std::uint32_t>
      free_;     ///< min-heap of free slots; room for all slots is kept, so that remove() has it
  Index by_id_;  ///< looked up only: its order reaches nothing
};

}  // namespace attune
