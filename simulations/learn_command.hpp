// SPDX-License-Identifier: Apache-2.0
/// @file
/// `attune-sim learn`: runs one online learner over a file of labelled rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "simulations/commands.hpp"

namespace attune::sim {

struct LearnArguments {
  std::string learner = "auto_linear";
  std::vector<std::string> parameters;  ///< name=value
  std::string input;                    ///< LIBSVM's format, plain or gzip
  std::string to;                       ///< a second file to go on with; empty: none
  bool freeze = false;                  ///< the second file is predicted only
  std::string task = "auto";            ///< auto, binary, real
  std::string base = "auto";            ///< of indices: auto, 0, 1
  std::uint64_t features = 0;           ///< 0: as many as the files have
  std::string load;                     ///< a saved state to start with
  std::string save;                     ///< where the state goes at the end
  std::string predictions;              ///< a file for the predictions, one a line
  bool json = false;
  bool quiet = false;
};

/// Predicts each row, then learns it; prints mean losses, curve and speed. Documented in docs/simulation.md.
[[nodiscard]] Exit learn_command(const LearnArguments& arguments);

}  // namespace attune::sim
