// SPDX-License-Identifier: Apache-2.0
/// @file
/// Records: what the journal holds. The state of an engine is the fold of its records, in order of position.
///
/// The layout is fixed, little-endian, 8-byte aligned and documented in docs/format/record.md, so that a
/// program in any language can read it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <attune/core/clock.hpp>
#include <attune/core/serial.hpp>
#include <attune/core/uuid.hpp>
#include <attune/core/vocabulary.hpp>

namespace attune {

enum class RecordKind : std::uint16_t { decision = 1, outcome = 2, event = 3 };

/// What answered a decision. From the top of the ladder down: policy, snapshot, allocation, fallback,
/// uniform.
enum class Rung : std::uint8_t {
  policy = 0,      ///< the live policy
  snapshot = 1,    ///< an earlier good state of it
  fallback = 2,    ///< the configured fallback arm; a tuner's best known parameters
  uniform = 3,     ///< no fallback configured: any enabled arm, uniformly
  allocation = 4,  ///< the configured static shares
};
inline constexpr std::size_t kRungs = 5;
/// "policy", "snapshot", "fallback", "uniform", "static".
[[nodiscard]] std::string_view to_string(Rung rung) noexcept;

/// Why that rung answered, or what overruled the policy's own choice.
enum class ChoiceReason : std::uint8_t {
  usual = 0,            ///< the policy chose
  killed = 1,           ///< the kill switch is on
  policy_failed = 2,    ///< the live policy could not choose, or its score was not a number
  policy_tripped = 3,   ///< a guard of the whole point has judged the live policy
  no_sound_arm = 4,     ///< guards have taken out every arm that could be chosen
  trial = 5,            ///< forced: the arm has had too few trials
  probation = 6,        ///< forced: what a guard has taken out is tested again
  exploration_cap = 7,  ///< the greedy arm: enough was explored for now
  baseline = 8,         ///< the baseline arm: what was earned does not pay for exploring yet
  drift = 9,            ///< drawn uniformly: a drift watch asked for more exploration
  unfamiliar = 10,      ///< the context is not like those that were learned from
  share_floor = 11,     ///< forced: each arm has its share of the decisions
};
inline constexpr std::size_t kChoiceReasons = 12;
[[nodiscard]] std::string_view to_string(ChoiceReason reason) noexcept;

/// What an event record says.
enum class EventKind : std::uint16_t {
  tick = 1,           ///< time passed; joins whose window ended are closed
  arm_added = 2,      ///< text: the arm's id; numbers: its features; aux: prior weight; value: prior mean
  arm_enabled = 3,    ///< text: the arm's id
  arm_disabled = 4,   ///< text: the arm's id
  arm_removed = 5,    ///< text: the arm's id
  episode_ended = 6,  ///< number: hash of the episode
  killed = 7,         ///< kill switch; number: 1 on, 0 off; text: who, a newline, why
  frozen = 8,         ///< change freeze; likewise
};

/// First 48 bytes of every record.
struct RecordHeader {
  std::uint32_t size = 0;  ///< of the whole record in bytes, a multiple of 8
  RecordKind kind{};
  std::uint16_t flags = 0;
  std::uint64_t position = 0;  ///< 1, 2, 3, ... in the journal; 0 before it is assigned
  Nanos time = 0;
  std::uint32_t point = 0;     ///< number of the decision point in the configuration
  std::uint32_t checksum = 0;  ///< CRC32C of the record with this field zero
  Uuid id{};                   ///< the decision that this is, or that it is about; nil for events
};
static_assert(sizeof(RecordHeader) == 48);

/// A decision as it was made. Spans point into the encoded bytes when read.
struct DecisionRecord {
  static constexpr std::uint16_t kGreedy = 1;   ///< header flag
  static constexpr std::uint16_t kSubject = 2;  ///< header flag: `subject` follows; set by encode()

  RecordHeader header{};
  std::uint64_t sequence = 0;  ///< number of this decision at its point: keys its random draws
  std::uint64_t version = 0;   ///< version of the policy that chose
  double propensity = 0.0;     ///< NaN: deferred
  double score = 0.0;
  std::uint64_t episode = 0;     ///< hash of the episode's name; 0: none
  std::uint64_t client_key = 0;  ///< hash of the caller's key; 0: none
  std::uint64_t subject = 0;     ///< hash of the person or thing it is about; 0: none
  ArmIndex arm = kNoArm;
  /// Which of the arms that had this slot one after another it was, from 1, in 16 bits; 0: not said.
  std::uint16_t arm_generation = 0;
  Rung rung = Rung::policy;
  ChoiceReason reason = ChoiceReason::usual;
  Input input{};
  std::span<const ArmIndex> offered{};
  std::span<const double> values{};           ///< parameters, for optimizer points
  std::span<const double> action_features{};  ///< of the chosen arm, where arms have features
};

/// One named number that came back for a decision.
struct Component {
  std::string_view name;
  double value = 0.0;
};

/// What came back for a decision. At most kMaxComponents components, names of at most 255 bytes.
struct OutcomeRecord {
  static constexpr std::uint16_t kTerminal = 1;   ///< header flag: the episode ended with this decision
  static constexpr std::uint16_t kTruncated = 2;  ///< header flag: the episode was cut off after it
  static constexpr std::uint16_t kSource = 4;     ///< header flag: `source` follows; set by encode()
  static constexpr std::size_t kMaxComponents = 16;

  RecordHeader header{};
  std::uint64_t key = 0;     ///< hash of the idempotency key; 0: the default, decision id + component names
  std::uint64_t source = 0;  ///< hash of who says so; 0: not said
  std::uint32_t component_count = 0;
  std::array<Component, kMaxComponents> components{};
  Input next{};  ///< the state after a truncated episode, where known

  [[nodiscard]] std::span<const Component> all() const noexcept {
    return std::span(components).first(component_count);
  }
};

/// Anything else that changes state.
struct EventRecord {
  RecordHeader header{};
  EventKind kind{};
  std::uint64_t number = 0;
  double value = 0.0;
  double aux = 0.0;
  std::string_view text;
  std::span<const double> numbers{};
};

/// The number that stands for a caller's text in a record (episode, client key, idempotency key, source,
/// subject): XXH64, seed 0; never 0, which stands for none and for the empty text.
[[nodiscard]] std::uint64_t text_key(std::string_view text) noexcept;

/// Size of the encoded record in bytes.
[[nodiscard]] std::size_t encoded_size(const DecisionRecord& record) noexcept;
[[nodiscard]] std::size_t encoded_size(const OutcomeRecord& record) noexcept;
[[nodiscard]] std::size_t encoded_size(const EventRecord& record) noexcept;

/// Writes a record into `out`, which has encoded_size() bytes and is 8-byte aligned. No allocation.
void encode(const DecisionRecord& record, std::span<std::byte> out) noexcept;
void encode(const OutcomeRecord& record, std::span<std::byte> out) noexcept;
void encode(const EventRecord& record, std::span<std::byte> out) noexcept;

/// Reads the header of an encoded record. Errors: corrupt_state when the size does not fit.
[[nodiscard]] Errc read_header(ByteView bytes, RecordHeader& out) noexcept;

/// Read a record of the given kind; spans in the result point into `bytes`, which must be 8-byte aligned and
/// outlive it. Errors: corrupt_state; the result is then unspecified.
[[nodiscard]] Errc decode(ByteView bytes, DecisionRecord& out) noexcept;
[[nodiscard]] Errc decode(ByteView bytes, OutcomeRecord& out) noexcept;
[[nodiscard]] Errc decode(ByteView bytes, EventRecord& out) noexcept;

/// Sets position and checksum of an encoded record.
void finish_record(std::span<std::byte> bytes, std::uint64_t position) noexcept;
/// True when the stored checksum matches.
[[nodiscard]] bool verify_record(ByteView bytes) noexcept;

}  // namespace attune
