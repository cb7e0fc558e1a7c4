// SPDX-License-Identifier: Apache-2.0
#include "tests/simulations/sandbox.hpp"

#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>

#include <gtest/gtest.h>

#include "simulations/json_reader.hpp"

namespace attune::test {

namespace fs = std::filesystem;

Sandbox::Sandbox() {
  std::string name = (fs::temp_directory_path() / "attune-sim-XXXXXX").string();
  folder_ = mkdtemp(name.data());
}

Sandbox::~Sandbox() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::string Sandbox::path(std::string_view name) const { return (folder_ / name).string(); }

std::string Sandbox::write(std::string_view name, std::string_view content) const {
  const std::string target = path(name);
  fs::create_directories(fs::path(target).parent_path());
  if (name.ends_with(".gz")) {
    gzFile file = gzopen(target.c_str(), "wb");
    EXPECT_EQ(gzwrite(file, content.data(), static_cast<unsigned>(content.size())),
              static_cast<int>(content.size()));
    gzclose(file);
  } else {
    std::ofstream(target, std::ios::binary)
        .write(content.data(), static_cast<std::streamsize>(content.size()));
  }
  return target;
}

sim::FileRoots Sandbox::roots() const { return {sim::DataFolder(folder_.string()), folder_.string()}; }

Outcome run_program(const std::vector<std::string>& words, const std::vector<std::string>& environment,
                    std::string_view input) {
  const Sandbox box;
  const std::string in = box.write("in", input);
  const std::string out = box.path("out");
  const std::string err = box.path("err");
  std::string command;
  for (const std::string& setting : environment) {
    command += setting + " ";
  }
  command += std::string("'") + ATTUNE_TEST_BINARY_DIR + "/simulations/attune-sim'";
  for (const std::string& word : words) {
    command += " '" + word + "'";
  }
  const int status = std::system((command + " >" + out + " 2>" + err + " <" + in).c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(out), read_file(err)};
}

void expect_refused(const Outcome& outcome, std::string_view expected) {
  EXPECT_EQ(outcome.code, 2) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  EXPECT_TRUE(outcome.err.starts_with("attune-sim: ")) << outcome.err;
  EXPECT_NE(outcome.err.find(expected), std::string::npos) << outcome.err;
}

nlohmann::json answer_of(const Outcome& outcome) {
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  return nlohmann::json::parse(outcome.out, nullptr, false);
}

sim::Scenario scenario_of(std::string_view text, const sim::FileRoots& roots) {
  const Result<nlohmann::json> document = sim::parse_json(text, "test");
  EXPECT_TRUE(document) << document.error().message;
  Result<sim::Scenario> scenario = sim::make_scenario(*document, roots);
  EXPECT_TRUE(scenario) << scenario.error().message;
  return std::move(*scenario);
}

std::string refusal(std::string_view text) {
  const Result<nlohmann::json> document = sim::parse_json(text, "test");
  if (!document) {
    return document.error().message;
  }
  const Result<sim::Scenario> scenario = sim::make_scenario(*document, sim::FileRoots{});
  return scenario ? "" : scenario.error().message;
}

std::unique_ptr<sim::Environment> environment_of(std::string_view text, const sim::FileRoots& roots) {
  Result<std::unique_ptr<sim::Environment>> made = sim::make_environment(nlohmann::json::parse(text), roots);
  EXPECT_TRUE(made) << made.error().message;
  return std::move(*made);
}

std::string shared_data() {
  const char* named = std::getenv("ATTUNE_DATA");
  const fs::path folder =
      named != nullptr ? fs::path(named) : fs::path(ATTUNE_TEST_SOURCE_DIR) / "../shared/data";
  std::error_code ignored;
  return fs::exists(folder / "llmrouter-uiuc/outcomes.csv.gz", ignored) ? folder.lexically_normal().string()
                                                                        : "";
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace attune::test
