// SPDX-License-Identifier: Apache-2.0
#include "engine/arm_table.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <utility>

#include <attune/core/arm_set.hpp>

#include "core/hash.hpp"
#include "core/utf8.hpp"

namespace attune {
namespace {

constexpr std::uint32_t kFormat = 1;

bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == '\x7F'; }

/// C1 controls, U+0080 to U+009F: C2 80 to C2 9F.
bool has_wide_control(std::string_view text) noexcept {
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    if (text[i] == '\xC2' && static_cast<unsigned char>(text[i + 1]) < 0xA0) {
      return true;
    }
  }
  return false;
}

Result<void> check_features(std::string_view id, Features features, std::size_t dimension) {
  if (features.size() != dimension) {
    return fail(Errc::dimension_mismatch,
                "arm \"" + std::string(id) + "\" has " + std::to_string(features.size()) +
                    " features; arms of this point have " + std::to_string(dimension));
  }
  if (!all_finite(features)) {
    return fail(Errc::non_finite, "arm \"" + std::string(id) + "\" has a feature that is NaN or infinite");
  }
  return {};
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t length = detail::utf8_length(text);
    if (length == 0) {
      return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

std::string broken_name_rule(std::string_view name) {
  if (name.empty()) {
    return "must not be empty";
  }
  if (name.size() > kMaxNameBytes) {
    return "has " + std::to_string(name.size()) + " bytes; at most " + std::to_string(kMaxNameBytes) +
           " are allowed";
  }
  if (!is_utf8(name)) {
    return "must be UTF-8";
  }
  if (std::any_of(name.begin(), name.end(), is_control) || has_wide_control(name)) {
    return "must not contain control characters";
  }
  return {};
}

Result<void> check_arm_id(std::string_view id) {
  const std::string rule = broken_name_rule(id);
  return rule.empty() ? Result<void>() : fail(Errc::invalid_argument, "the id of an arm " + rule);
}

std::size_t ArmTable::Hash::operator()(std::string_view text) const noexcept {
  return static_cast<std::size_t>(hash64(text));
}

Result<ArmIndex> ArmTable::add(std::string_view id, Features features, bool enabled) {
  if (Result<void> verdict = check_arm_id(id); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (Result<void> verdict = check_features(id, features, dimension_); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (find(id) != kNoArm) {
    return fail(Errc::duplicate, "arm \"" + std::string(id) + "\" exists already");
  }
  if (free_.empty() && slots_.size() >= ArmSet::kMaxArms) {
    return fail(Errc::full,
                "there are " + std::to_string(slots_.size()) + " arms already, the most that fit");
  }
  const std::size_t slot = take_slot();
  Slot& taken = slots_[slot];
  taken.id = id;
  taken.enabled = enabled;
  taken.selections = 0;
  ++taken.incarnation;
  std::copy(features.begin(), features.end(), rows_.begin() + static_cast<std::ptrdiff_t>(slot * dimension_));
  by_id_.emplace(id, static_cast<std::uint32_t>(slot));
  enabled_count_ += enabled ? 1 : 0;
  return to_arm(slot);
}

std::size_t ArmTable::take_slot() {
  if (!free_.empty()) {
    std::pop_heap(free_.begin(), free_.end(), std::greater<>());
    const std::size_t slot = free_.back();
    free_.pop_back();
    return slot;
  }
  slots_.emplace_back();
  rows_.resize(slots_.size() * dimension_);
  free_.reserve(slots_.capacity());
  return slots_.size() - 1;
}

Errc ArmTable::set_enabled(ArmIndex arm, bool on) noexcept {
  if (!contains(arm)) {
    return Errc::unknown_arm;
  }
  Slot& slot = slots_[to_index(arm)];
  if (slot.enabled != on) {
    slot.enabled = on;
    enabled_count_ = on ? enabled_count_ + 1 : enabled_count_ - 1;
  }
  return Errc::ok;
}

Errc ArmTable::remove(ArmIndex arm) noexcept {
  if (!contains(arm)) {
    return Errc::unknown_arm;
  }
  static_cast<void>(set_enabled(arm, false));  // the arm exists: cannot fail
  Slot& slot = slots_[to_index(arm)];
  by_id_.erase(by_id_.find(slot.id));
  slot.id.clear();
  slot.selections = 0;
  const std::size_t row = to_index(arm) * dimension_;
  std::fill_n(rows_.begin() + static_cast<std::ptrdiff_t>(row), dimension_, 0.0);
  free_.push_back(static_cast<std::uint32_t>(arm));
  std::push_heap(free_.begin(), free_.end(), std::greater<>());
  return Errc::ok;
}

ArmIndex ArmTable::find(std::string_view id) const noexcept {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? kNoArm : to_arm(found->second);
}

bool ArmTable::operator==(const ArmTable& other) const noexcept {
  return dimension_ == other.dimension_ && slots_ == other.slots_ && rows_ == other.rows_;
}

void ArmTable::save(Writer& writer) const {
  writer.u32(kFormat);
  writer.u64(dimension_);
  writer.u64(slots_.size());
  for (const Slot& slot : slots_) {
    writer.text(slot.id);
    writer.u32(slot.incarnation);
    writer.boolean(slot.enabled);
    writer.u64(slot.selections);
  }
  writer.numbers(rows_);
}

Result<void> ArmTable::load(Reader& reader) {
  constexpr std::size_t kLeastSlotBytes = 8 + 4 + 1 + 8;
  if (const std::uint32_t format = reader.u32(); reader.ok() && format != kFormat) {
    return fail(Errc::unsupported_version, "arm table: format " + std::to_string(format) + " is not known");
  }
  const std::uint64_t dimension = reader.u64();
  if (reader.ok() && dimension != dimension_) {
    return fail(Errc::dimension_mismatch, "arm table: the stored arms have " + std::to_string(dimension) +
                                              " features, the configured ones " + std::to_string(dimension_));
  }
  const std::uint64_t count = reader.u64();
  if (!reader.ok() || count > ArmSet::kMaxArms || count > reader.left() / kLeastSlotBytes) {
    return fail(Errc::corrupt_state, "arm table: cut or its number of slots is impossible");
  }
  ArmTable loaded(dimension_);
  loaded.slots_.resize(static_cast<std::size_t>(count));
  loaded.free_.reserve(loaded.slots_.capacity());
  for (std::uint32_t i = 0; i < count; ++i) {
    Slot& slot = loaded.slots_[i];
    slot.id = reader.text(kMaxNameBytes);
    slot.incarnation = reader.u32();
    slot.enabled = reader.boolean();
    slot.selections = reader.u64();
    const bool free = slot.id.empty();
    const bool sound = free ? !slot.enabled && slot.selections == 0
                            : check_arm_id(slot.id).has_value() && loaded.by_id_.emplace(slot.id, i).second;
    if (!reader.ok() || !sound || slot.incarnation == 0) {
      return fail(Errc::corrupt_state, "arm table: slot " + std::to_string(i) + " is damaged");
    }
    if (free) {
      loaded.free_.push_back(i);  // ascending: a heap already
    }
    loaded.enabled_count_ += slot.enabled ? 1 : 0;
  }
  const std::size_t numbers = loaded.slots_.size() * dimension_;
  const bool enough =
      reader.left() / sizeof(double) > numbers || numbers == 0;  // before anything is allocated
  loaded.rows_ = enough ? reader.exactly<double>(numbers) : std::vector<double>();
  if (!enough || !reader.ok() || !all_finite(loaded.rows_)) {
    return fail(Errc::corrupt_state, "arm table: the arms' features are cut or not finite");
  }
  for (const std::uint32_t slot : loaded.free_) {
    const Features row = loaded.features().row(to_arm(slot));
    if (std::any_of(row.begin(), row.end(), [](double x) { return x != 0.0; })) {
      return fail(Errc::corrupt_state, "arm table: free slot " + std::to_string(slot) + " has features");
    }
  }
  *this = std::move(loaded);
  return {};
}

}  // namespace attune
