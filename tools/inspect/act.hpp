// SPDX-License-Identifier: Apache-2.0
/// @file
/// Changing a store: what will be done is said, permission is asked for, then it is done and said.
#pragma once

#include <string>
#include <utility>

#include <attune/store/admin.hpp>

#include "tools/inspect/options.hpp"

namespace attune::tools {

/// What was done, for people and for programs.
struct Done {
  std::string text;
  std::string json;  ///< one line
  bool sound = true;
};

/// Asks for permission for what `plan` says ("remove ..."). Errors: invalid_argument, when it is not given.
[[nodiscard]] Result<void> permitted(const Options& options, const Surroundings& around,
                                     const std::string& plan);
/// Who acts, and when.
[[nodiscard]] Act act_of(const Options& options, const Surroundings& around);
/// Takes the store for writing. Errors: invalid_argument, when it is not there or another process has it.
[[nodiscard]] Result<StoreAdmin> take_store(const Options& options, const Surroundings& around);

[[nodiscard]] Answer answer_of(const Options& options, Done done);

/// Permission, the store, the act, its report.
template <class Report, class Perform, class Tell>
[[nodiscard]] Result<Answer> carry_out(const Options& options, const Surroundings& around,
                                       const std::string& plan, Perform&& perform, Tell&& tell) {
  Result<StoreAdmin> admin = take_store(options, around);
  if (!admin) {
    return tl::unexpected(std::move(admin).error());
  }
  if (Result<void> asked = permitted(options, around, plan); !asked) {
    return tl::unexpected(std::move(asked).error());
  }
  const Result<Report> report = perform(*admin, act_of(options, around));
  return report.map([&](const Report& found) { return answer_of(options, tell(found)); });
}

}  // namespace attune::tools
