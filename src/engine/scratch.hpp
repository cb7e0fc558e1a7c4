// SPDX-License-Identifier: Apache-2.0
/// @file
/// Scratch: the buffers of one calling thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <attune/core/vocabulary.hpp>

#include "engine/feature_spec.hpp"

namespace attune {

/// They grow to the largest decision point once.
struct Scratch {
  std::vector<double> dense;
  std::vector<std::uint32_t> index;
  std::vector<double> value;
  std::vector<double> action;
  std::vector<ArmIndex> offered;
  std::vector<double> values;  ///< of an action that is more than one arm
  std::vector<double> shares;  ///< of a policy's choice, by slot
  std::string names;           ///< of several arms that are shown, see name_shown()
  std::array<char, 192> reason{};
  std::size_t action_size = 0;

  void fit(const FeatureSpec& spec) {
    dense.resize(std::max(dense.size(), spec.dense_size()));
    index.resize(std::max(index.size(), spec.sparse_size()));
    value.resize(std::max(value.size(), spec.sparse_size()));
    reason[0] = '\0';
    action_size = 0;
  }
};

}  // namespace attune
