// SPDX-License-Identifier: Apache-2.0
#include "simulations/data_folder.hpp"

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace attune::sim {

namespace fs = std::filesystem;

DataFolder DataFolder::from_environment() {
  DataFolder folder;
  const char* named = std::getenv("ATTUNE_DATA");
  if (named != nullptr && *named != '\0') {
    folder.candidates_.emplace_back(named);
    folder.named_ = true;
    return folder;
  }
  std::error_code ignored;
  const fs::path here = fs::current_path(ignored);
  folder.candidates_.push_back((here / "../shared/data").lexically_normal().string());
  // The program lies in <tree>/build/<preset>/simulations, or wherever the build folder was put below the
  // tree.
  for (fs::path up = fs::read_symlink("/proc/self/exe", ignored).parent_path();
       up.has_relative_path() && up != up.root_path(); up = up.parent_path()) {
    folder.candidates_.push_back((up / "../shared/data").lexically_normal().string());
  }
  return folder;
}

Result<std::string> DataFolder::find(std::string_view relative) const {
  std::error_code ignored;
  for (const std::string& candidate : candidates_) {
    const fs::path path = fs::path(candidate) / relative;
    if (fs::exists(path, ignored)) {
      return path.string();
    }
  }
  const std::string name(relative);
  if (named_) {
    return fail(Errc::io, "ATTUNE_DATA = " + candidates_.front() + " has no " + name);
  }
  return fail(Errc::io, name + " is not in " + candidates_.front() +
                            "; set ATTUNE_DATA to the folder with the recorded data sets");
}

}  // namespace attune::sim
