// SPDX-License-Identifier: Apache-2.0
/// @file
/// Replay: folds a journal again without changing anything, up to any position, and derives decisions again.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <attune/core/error.hpp>
#include <attune/core/record.hpp>
#include <attune/core/vocabulary.hpp>
#include <attune/engine/engine.hpp>
#include <attune/engine/propensities.hpp>
#include <attune/rewards/collector.hpp>
#include <attune/store/journal.hpp>

namespace attune {

/// Where a replay reads from. Functions of one store; each may be called many times.
struct ReplaySource {
  /// The records at positions >= first, until the visitor returns false: see Journal::read.
  std::function<Result<void>(std::uint64_t first, const std::function<bool(ByteView)>& visit)> records;
  /// All checkpoints, oldest first. May be empty: everything is folded from the first record.
  std::function<Result<std::vector<CheckpointInfo>>()> checkpoints;
  /// One of them with its state, verified.
  std::function<Result<Checkpoint>(std::uint64_t number)> checkpoint;
  /// Texts beside the journal: "seed", "node", "config", "config_history", "config/<digest>".
  std::function<Result<std::optional<std::string>>(std::string_view key)> meta;
};
/// Of a journal that outlives it. Only its newest checkpoint has a state here.
[[nodiscard]] ReplaySource replay_source(Journal& journal);

struct ReplayOptions {
  /// Fold under this configuration instead of those that the journal was written under: what would another
  /// policy have learned? Arms are matched by slot, so it should list the same arms in the same order.
  std::string config;
  std::vector<std::pair<std::string, CreditFunction>> credit_functions;
  /// For probabilities that have to be found by draws.
  PropensityOptions propensities{};
};

/// One arm as it was when a decision was made.
struct DerivedArm {
  ArmIndex arm = kNoArm;
  std::string id;
  bool enabled = false;
  bool offered = false;      ///< among those that the caller offered (all, when none were named)
  double score = 0.0;        ///< what the policy maximises; NaN where it is drawn anew for each decision
  double probability = 0.0;  ///< of being chosen, see Derivation::method; NaN where a snapshot without closed
                             ///< form could have chosen it
};

/// A decision made again from state, context and number, and how it compares with its record.
struct Derivation {
  std::uint64_t position = 0;
  std::string point;
  std::string policy;
  std::uint64_t sequence = 0;
  std::uint64_t version = 0;         ///< of the policy that chose
  std::uint64_t state_position = 0;  ///< a position at which the policy had that version
  std::vector<double> dense;         ///< the context as it was encoded
  std::vector<std::uint32_t> sparse_index;
  std::vector<double> sparse_value;
  /// By slot, free slots left out; empty at points that choose no arms. Where several are shown, score and
  /// probability of one are NaN.
  std::vector<DerivedArm> arms;
  /// The draws are those of Rng(seed, stream, sequence): its first numbers.
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;
  std::array<std::uint64_t, 4> draws{};
  PropensityMethod method =
      PropensityMethod::closed_form;  ///< how the live policy's probabilities were found
  double probability_error = 0.0;     ///< see Propensities::error
  // The decision, derived:
  ArmIndex arm = kNoArm;
  std::string arm_id;
  double propensity = 0.0;
  double score = 0.0;
  Rung rung = Rung::policy;
  ChoiceReason reason = ChoiceReason::usual;
  bool greedy = true;
  std::vector<double> parameters;  ///< of a trial, or an action of numbers
  std::vector<std::string> shown;  ///< ids of several arms, in order
  /// Sentences about what differs from the record; empty: it is the same decision, bit for bit.
  std::vector<std::string> differences;

  [[nodiscard]] bool equal() const noexcept { return differences.empty(); }
};

/// A checkpoint compared with what folding the records gives.
struct CheckpointCheck {
  CheckpointInfo info;
  Sha256 replayed{};
  bool equal = false;
  std::string note;  ///< why it could not be compared or differs; empty: equal
};

/// An engine's state at a position of a journal that nobody writes to through this. One thread.
class Replay {
 public:
  /// At position 0, or behind what retention removed when the oldest checkpoint is there to start from.
  /// Errors: invalid_config, corrupt_state, io; unsupported_version.
  [[nodiscard]] static Result<Replay> open(ReplaySource source, ReplayOptions options = {});
  Replay(Replay&&) noexcept;
  Replay& operator=(Replay&&) noexcept;
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;
  ~Replay();

  /// Back to the beginning, or to a checkpoint. Errors: as open(); corrupt_state when it does not verify.
  [[nodiscard]] Result<void> restart();
  [[nodiscard]] Result<void> restart_at(std::uint64_t checkpoint_number);
  /// To the newest usable checkpoint whose position is at most `position`, else to the beginning. Checkpoints
  /// that cannot be used are passed over. With ReplayOptions::config: always to the beginning.
  [[nodiscard]] Result<void> restart_before(std::uint64_t position);

  /// What became of each record while it is folded: called with its bytes and, for outcomes, its fate.
  using Observer = std::function<void(ByteView record, std::optional<Fate> fate)>;
  /// Folds forward so that the state contains exactly the records up to `position`; stops at the end of the
  /// journal without an error. Errors: invalid_argument (it is behind already), corrupt_state, io.
  [[nodiscard]] Result<void> fold_to(std::uint64_t position, const Observer& observer = {});

  [[nodiscard]] std::uint64_t position() const noexcept;
  /// Canonical bytes of the state, as Engine::state(), and their SHA-256, as CheckpointInfo::digest (zero in
  /// a build without the store).
  [[nodiscard]] Bytes state() const;
  [[nodiscard]] Sha256 digest() const;
  [[nodiscard]] EngineMetrics metrics() const;
  /// The policy of a point at this position, in words and numbers. Errors: unknown_point.
  [[nodiscard]] Result<Description> describe(std::string_view point) const;

  /// Folds from where it is to each later checkpoint up to `last` and compares; the observer sees every
  /// check. Errors: those of reading; a checkpoint that differs is no error.
  [[nodiscard]] Result<void> check_checkpoints(std::uint64_t last,
                                               const std::function<void(const CheckpointCheck&)>& observer);

  /// Makes the decision at `position` again: goes to a state of the version that chose and derives it. Moves
  /// this replay. Errors: invalid_argument (no decision there, or the journal no longer has what led to it),
  /// corrupt_state, io.
  [[nodiscard]] Result<Derivation> derive(std::uint64_t position);
  /// Folds forward to `position` as fold_to() does, and on the way derives the decisions whose propensity was
  /// left open (NaN: Thompson sampling), each by the policy that made it: `observer` gets the record, the
  /// probability of its arm, and how it was found. Decisions that are no single arm are passed
  /// over; so are (NaN) those whose policy is more than 65,536 records older than they are, or older than
  /// where this began. Errors: those of fold_to(). Cost: that of folding and of propensities() a decision.
  using PropensityObserver =
      std::function<void(const DecisionRecord& decision, double propensity, const Derivation& derived)>;
  [[nodiscard]] Result<void> fill_propensities(std::uint64_t position, const PropensityObserver& observer);
  /// What the state as it is now would choose for a decision record (its context, offered arms, sequence),
  /// compared with it. Folds and moves nothing. Errors: invalid_argument (no decision, no such point).
  [[nodiscard]] Result<Derivation> derive_here(ByteView decision) const;

 private:
  struct Machine;
  explicit Replay(std::unique_ptr<Machine> machine) noexcept;
  std::unique_ptr<Machine> machine_;
};

}  // namespace attune
