// SPDX-License-Identifier: Apache-2.0
#include "engine/client_keys.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include <attune/core/rng.hpp>
#include <attune/core/slates.hpp>

#include "core/hash.hpp"
#include "engine/shown_names.hpp"

namespace attune {
namespace {

constexpr unsigned kRungBits = 3;  // of the byte that holds rung and reason

std::uint32_t index_hash(std::uint64_t key) noexcept { return static_cast<std::uint32_t>(mix64(key)); }

}  // namespace

std::uint64_t context_digest(const Input& input) noexcept {
  std::uint64_t digest = hash64(std::as_bytes(input.dense));
  digest = hash64(std::as_bytes(input.sparse.index), digest);
  return hash64(std::as_bytes(input.sparse.value), digest);
}

std::uint32_t ClientKeys::find(std::uint64_t key) const noexcept {
  return index_.find(index_hash(key), [&](std::uint32_t entry) { return entries_[entry].key == key; });
}

/// The entry that add() takes next; it may be filled before.
std::uint32_t ClientKeys::spare() {
  if (free_ == kNone) {
    entries_.emplace_back();
    free_ = static_cast<std::uint32_t>(entries_.size() - 1);
  }
  return free_;
}

/// Where memory runs out, nothing is changed.
std::uint32_t ClientKeys::add(std::uint64_t key) {
  const std::uint32_t entry = spare();
  index_.insert(index_hash(key), entry);
  free_ = std::exchange(entries_[entry].newer, kNone);
  entries_[entry].key = key;
  entries_[entry].folded = false;
  entries_[entry].arm_in_state = true;
  entries_[entry].ticket = Ticket::none;
  return entry;
}

void ClientKeys::erase(std::uint32_t entry) noexcept {
  index_.erase(index_hash(entries_[entry].key), entry);
  entries_[entry].newer = std::exchange(free_, entry);
}

void ClientKeys::fill(Entry& entry, const DecisionRecord& record, std::string_view arm) {
  entry.digest = context_digest(record.input);
  entry.version = record.version;
  entry.sequence = record.sequence;
  entry.propensity = record.propensity;
  entry.id = record.header.id;
  entry.point = record.header.point;
  entry.arm = record.arm;
  entry.rung = record.rung;
  entry.reason = record.reason;
  entry.greedy = (record.header.flags & DecisionRecord::kGreedy) != 0;
  entry.arm_id.assign(arm);
  entry.parameters.assign(record.values.begin(), record.values.end());
}

ClientKeys::Recall ClientKeys::recall(std::uint64_t key, std::uint32_t point, std::uint64_t digest,
                                      Decision& out, std::uint32_t& point_used) noexcept {
  const std::scoped_lock lock(mutex_);
  const std::uint32_t at = find(key);
  if (at == kNone) {
    return Recall::unknown;
  }
  const Entry& entry = entries_[at];
  point_used = entry.point;
  if (entry.point != point || entry.digest != digest) {
    ++conflicts_;
    return entry.point != point ? Recall::other_point : Recall::other_context;
  }
  if (entry.arm != kNoArm && entry.arm_id.empty()) {
    return Recall::arm_gone;
  }
  try {
    if (entry.arm != kNoArm && !entry.parameters.empty()) {  // several arms
      split_shown(entry.arm_id, out.shown);
      out.parameters.clear();
    } else {
      out.parameters = entry.parameters;
      out.shown.clear();
    }
  } catch (const std::bad_alloc&) {
    return Recall::no_memory;  // before anything else of `out`
  }
  ++retried_;
  out.id = entry.id;
  out.arm.assign(std::string_view(entry.arm_id).substr(0, entry.arm_id.find('\n')));
  out.arm_index = entry.arm;
  out.propensity = entry.propensity;
  out.version = entry.version;
  out.sequence = entry.sequence;
  out.rung = entry.rung;
  out.reason = entry.reason;
  out.greedy = entry.greedy;
  out.ticket = entry.ticket;
  return Recall::found;
}

bool ClientKeys::note(const DecisionRecord& record, std::string_view arm) noexcept {
  const std::scoped_lock lock(mutex_);
  if (find(record.client_key) != kNone) {
    return true;
  }
  try {
    fill(entries_[spare()], record, arm);
    static_cast<void>(add(record.client_key));  // the entry that was filled
  } catch (const std::bad_alloc&) {
    return false;
  }
  return true;
}

void ClientKeys::settle(std::uint64_t key, Ticket ticket) noexcept {
  const std::scoped_lock lock(mutex_);
  const std::uint32_t at = find(key);
  if (at == kNone || entries_[at].folded) {
    return;
  }
  entries_[at].ticket = ticket;
  if (ticket == Ticket::none) {
    erase(at);
  }
}

void ClientKeys::fold(const DecisionRecord& record, std::string_view arm) {
  const std::scoped_lock lock(mutex_);
  std::uint32_t at = find(record.client_key);
  if (at != kNone && entries_[at].folded) {
    return;
  }
  if (at == kNone) {
    fill(entries_[spare()], record, arm);
    at = add(record.client_key);
  }
  entries_[at].arm_in_state = !arm.empty();
  link(at);
}

void ClientKeys::link(std::uint32_t at) {
  entries_[at].folded = true;
  entries_[at].newer = kNone;
  (newest_ == kNone ? oldest_ : entries_[newest_].newer) = at;
  newest_ = at;
  if (++folded_ > keep_) {
    const std::uint32_t gone = oldest_;
    oldest_ = entries_[gone].newer;
    newest_ = oldest_ == kNone ? kNone : newest_;
    erase(gone);
    --folded_;
    ++forgotten_;
  }
}

ClientKeyMetrics ClientKeys::metrics() const {
  const std::scoped_lock lock(mutex_);
  return {.remembered = folded_, .retried = retried_, .conflicts = conflicts_, .forgotten = forgotten_};
}

void ClientKeys::save(Writer& writer) const {
  const std::scoped_lock lock(mutex_);
  writer.u64(forgotten_);
  writer.u64(folded_);
  for (std::uint32_t at = oldest_; at != kNone; at = entries_[at].newer) {
    const Entry& entry = entries_[at];
    writer.u64(entry.key);
    writer.u64(entry.digest);
    writer.u64(entry.version);
    writer.u64(entry.sequence);
    writer.f64(entry.propensity);
    writer.raw(entry.id.bytes.data(), entry.id.bytes.size());
    writer.u32(entry.point);
    writer.u32(static_cast<std::uint32_t>(entry.arm));
    // One byte for both: the reason is 0 wherever older versions wrote the rung alone.
    writer.u8(static_cast<std::uint8_t>(static_cast<unsigned>(entry.rung) |
                                        static_cast<unsigned>(entry.reason) << kRungBits));
    writer.boolean(entry.greedy);
    writer.text(entry.arm_in_state ? std::string_view(entry.arm_id) : std::string_view());
    writer.numbers(entry.parameters);
  }
}

Result<void> ClientKeys::load(Reader& reader) {
  constexpr std::size_t kLongestId = kMaxSlate * (kMaxNameBytes + 1);  // several, see name_shown()
  const std::scoped_lock lock(mutex_);
  entries_.clear();
  index_ = {};
  folded_ = 0;
  free_ = oldest_ = newest_ = kNone;
  forgotten_ = reader.u64();
  const std::uint64_t count = reader.u64();
  for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
    const std::uint64_t key = reader.u64();
    if (!reader.ok()) {
      break;
    }
    if (key == 0 || find(key) != kNone) {
      return fail(Errc::corrupt_state, "the checkpoint's client keys repeat, or one is 0");
    }
    const std::uint32_t at = add(key);
    Entry& entry = entries_[at];
    entry.digest = reader.u64();
    entry.version = reader.u64();
    entry.sequence = reader.u64();
    entry.propensity = reader.f64();
    for (std::uint8_t& byte : entry.id.bytes) {
      byte = reader.u8();
    }
    entry.point = reader.u32();
    entry.arm = static_cast<ArmIndex>(reader.u32());
    const unsigned answered = reader.u8();
    const unsigned rung = answered & ((1U << kRungBits) - 1);
    const unsigned reason = answered >> kRungBits;
    entry.rung = static_cast<Rung>(rung);
    entry.reason = static_cast<ChoiceReason>(reason);
    entry.greedy = reader.boolean();
    entry.arm_id = reader.text(kLongestId);
    entry.parameters = reader.numbers<double>();
    if (rung >= kRungs || reason >= kChoiceReasons) {
      return fail(Errc::corrupt_state, "the checkpoint's client keys have an unknown rung or reason");
    }
    link(at);
  }
  return reader.ok() ? Result<void>{}
                     : fail(Errc::corrupt_state, "the checkpoint's client keys are cut short");
}

}  // namespace attune
