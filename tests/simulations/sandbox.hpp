// SPDX-License-Identifier: Apache-2.0
/// @file
/// Folders, files and programs for the simulation tests.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "simulations/environment_factory.hpp"
#include "simulations/scenario.hpp"

namespace attune::test {

/// A folder of its own that goes away with the object.
class Sandbox {
 public:
  Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;
  Sandbox(Sandbox&&) = delete;
  Sandbox& operator=(Sandbox&&) = delete;
  ~Sandbox();

  [[nodiscard]] std::string path(std::string_view name) const;
  /// Writes a file, plain or gzip by its name, and gives its path.
  std::string write(std::string_view name, std::string_view content) const;
  /// Environments look for files here.
  [[nodiscard]] sim::FileRoots roots() const;

 private:
  std::filesystem::path folder_;
};

/// What a program printed and how it ended.
struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};
/// Runs attune-sim with these words and `input` as its standard input. Needs the program to be built.
[[nodiscard]] Outcome run_program(const std::vector<std::string>& words,
                                  const std::vector<std::string>& environment = {},
                                  std::string_view input = {});
/// That it refused its input: exit code 2, nothing on stdout, and one line with the program's name on stderr
/// that says `expected`.
void expect_refused(const Outcome& outcome, std::string_view expected);
/// What it printed, as JSON; fails the test when it ended with an error or said something on stderr.
[[nodiscard]] nlohmann::json answer_of(const Outcome& outcome);

/// A scenario from JSON text; fails the test when it is refused.
[[nodiscard]] sim::Scenario scenario_of(std::string_view text,
                                        const sim::FileRoots& roots = sim::FileRoots{});
/// The sentence with which a scenario is refused; empty when it is not.
[[nodiscard]] std::string refusal(std::string_view text);
/// An environment from JSON text; fails the test when it is refused.
[[nodiscard]] std::unique_ptr<sim::Environment> environment_of(
    std::string_view text, const sim::FileRoots& roots = sim::FileRoots{});

/// The folder with the recorded data sets, or empty when this machine has none.
[[nodiscard]] std::string shared_data();
[[nodiscard]] std::string read_file(const std::string& path);

}  // namespace attune::test
