// SPDX-License-Identifier: Apache-2.0
#include "simulations/commands.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace attune::sim {

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void complain(std::string_view sentence) {
  std::string line = "attune-sim: ";
  for (const char c : sentence) {
    line += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  }
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
}

Exit refuse(const Error& error) {
  complain(error.message);
  return Exit::input;
}

std::vector<std::string> scenario_folders() {
  namespace fs = std::filesystem;
  std::vector<std::string> folders;
  std::error_code ignored;
  if (const char* named = std::getenv("ATTUNE_SCENARIOS"); named != nullptr && *named != '\0') {
    folders.emplace_back(named);
  }
  folders.push_back((fs::current_path(ignored) / "examples/scenarios").string());
  for (fs::path up = fs::read_symlink("/proc/self/exe", ignored).parent_path();
       up.has_relative_path() && up != up.root_path(); up = up.parent_path()) {
    folders.push_back((up / "examples/scenarios").string());
    folders.push_back((up / "share/attune/scenarios").string());
  }
  return folders;
}

}  // namespace attune::sim
