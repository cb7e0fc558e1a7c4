// SPDX-License-Identifier: Apache-2.0
/// @file
/// MemoryFolder: a folder for a store that is made anew thousands of times. In memory where there is such a
/// place: the system calls are real, the flushes do not wait for a disk.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

namespace attune::test {

class MemoryFolder {
 public:
  MemoryFolder() {
    const std::filesystem::path memory = "/dev/shm";
    const std::filesystem::path root =
        std::filesystem::exists(memory) ? memory : std::filesystem::temp_directory_path();
    std::string pattern = (root / "attune-faults-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~MemoryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  MemoryFolder(const MemoryFolder&) = delete;
  MemoryFolder& operator=(const MemoryFolder&) = delete;
  MemoryFolder(MemoryFolder&&) = delete;
  MemoryFolder& operator=(MemoryFolder&&) = delete;

  /// Path of a store that is not there, nor anything of an earlier one.
  [[nodiscard]] std::string fresh() const {
    for (const std::filesystem::directory_entry& entry : std::filesystem::directory_iterator(path_)) {
      std::filesystem::remove_all(entry.path());
    }
    return (path_ / "store.db").string();
  }

 private:
  std::filesystem::path path_;
};

}  // namespace attune::test
