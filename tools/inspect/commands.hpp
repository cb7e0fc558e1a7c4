// SPDX-License-Identifier: Apache-2.0
/// @file
/// The commands of attune-inspect: each reads a store and gives an Answer. Errors: those of StoreReader, and
/// invalid_argument where an option does not fit the store.
#pragma once

#include "tools/inspect/options.hpp"

namespace attune::tools {

[[nodiscard]] Result<Answer> run_summary(const Options& options, const Surroundings& around);
[[nodiscard]] Result<Answer> run_points(const Options& options, const Surroundings& around);
[[nodiscard]] Result<Answer> run_arms(const Options& options, const Surroundings& around);
[[nodiscard]] Result<Answer> run_decisions(const Options& options, const Surroundings& around);
[[nodiscard]] Result<Answer> run_outcomes(const Options& options, const Surroundings& around);
[[nodiscard]] Result<Answer> run_checkpoints(const Options& options, const Surroundings& around);
[[nodiscard]] Result<Answer> run_guards(const Options& options, const Surroundings& around);
[[nodiscard]] Result<Answer> run_doctor(const Options& options, const Surroundings& around);
[[nodiscard]] Result<Answer> run_verify(const Options& options, const Surroundings& around);
[[nodiscard]] Result<Answer> run_show(const Options& options, const Surroundings& around);
[[nodiscard]] Result<Answer> run_diff(const Options& options, const Surroundings& around);
[[nodiscard]] Result<Answer> run_explain(const Options& options, const Surroundings& around);
[[nodiscard]] Result<Answer> run_replay(const Options& options, const Surroundings& around);
[[nodiscard]] Result<Answer> run_plot(const Options& options, const Surroundings& around);
[[nodiscard]] Result<Answer> run_export(const Options& options, const Surroundings& around);
[[nodiscard]] Result<Answer> run_import(const Options& options, const Surroundings& around);
[[nodiscard]] Result<Answer> run_audit(const Options& options, const Surroundings& around);
[[nodiscard]] Result<Answer> run_rollback(const Options& options, const Surroundings& around);
[[nodiscard]] Result<Answer> run_compact(const Options& options, const Surroundings& around);
[[nodiscard]] Result<Answer> run_erase(const Options& options, const Surroundings& around);
[[nodiscard]] Result<Answer> run_repair(const Options& options, const Surroundings& around);
[[nodiscard]] Result<Answer> run_help(const Options& options, const Surroundings& around);

/// Runs the command that the options name.
[[nodiscard]] Result<Answer> run_command(const Options& options, const Surroundings& around);

}  // namespace attune::tools
