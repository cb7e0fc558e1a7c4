// SPDX-License-Identifier: Apache-2.0
/// @file
/// Decisions and outcomes found by conditions, with what belongs to them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <attune/core/record.hpp>
#include <attune/engine/propensities.hpp>

#include "tools/inspect/store_reader.hpp"

namespace attune::tools {

struct FoundOutcome {
  std::uint64_t position = 0;
  Nanos time = 0;
  Uuid decision{};
  std::uint64_t key = 0;  ///< hash; 0: the default
  bool terminal = false;
  bool truncated = false;
  std::vector<std::pair<std::string, double>> components;
};

struct FoundDecision {
  std::uint64_t position = 0;
  Nanos time = 0;
  std::uint32_t point = 0;
  std::uint64_t sequence = 0;
  Uuid id{};
  std::optional<std::uint32_t> slot;
  std::string arm;  ///< empty: unknown
  double propensity = 0.0;
  std::optional<PropensityMethod> method;  ///< how it was found afterwards; none: as recorded
  double propensity_error = 0.0;           ///< where it was found afterwards
  double score = 0.0;
  std::uint64_t version = 0;
  std::uint64_t episode = 0;     ///< hash; 0: none
  std::uint64_t client_key = 0;  ///< hash; 0: none
  Rung rung = Rung::policy;
  ChoiceReason reason = ChoiceReason::usual;
  bool greedy = true;
  std::vector<double> dense;
  std::vector<std::uint32_t> sparse_index;
  std::vector<double> sparse_value;
  std::vector<double> action_features;
  std::vector<double> parameters;
  std::vector<std::uint32_t> shown;  ///< slots of several arms, in order
  std::vector<std::uint32_t> offered;
  std::vector<FoundOutcome> outcomes;
};

/// An outcome with its decision, where that is in the journal.
struct JoinedOutcome {
  FoundOutcome outcome;
  std::uint32_t point = 0;
  std::optional<FoundDecision> decision;
};

/// The newest decisions that fit the options, oldest first, each with all its outcomes. Errors: those of the
/// reader.
[[nodiscard]] Result<std::vector<FoundDecision>> find_decisions(StoreReader& reader, const Options& options);
/// The newest outcomes that fit the options, oldest first.
[[nodiscard]] Result<std::vector<JoinedOutcome>> find_outcomes(StoreReader& reader, const Options& options);
/// The decision of an id with its outcomes. Errors: unknown_decision.
[[nodiscard]] Result<FoundDecision> find_decision(StoreReader& reader, const Uuid& id);

}  // namespace attune::tools
