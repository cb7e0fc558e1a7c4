// SPDX-License-Identifier: Apache-2.0
/// @file
/// Flushing a folder, so that the name of a file in it is on the disk too; why a call failed.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

namespace attune::detail {

/// Why the last call of the system failed, in its words.
[[nodiscard]] inline std::string reason() { return std::generic_category().message(errno); }

/// Flushes the folder that a file lies in. 0, or the errno of a refusal; a file system that cannot flush
/// folders (EINVAL) has refused nothing.
[[nodiscard]] inline int sync_folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const int descriptor = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) {
    return errno;
  }
  const int refused = ::fsync(descriptor) == 0 || errno == EINVAL ? 0 : errno;
  ::close(descriptor);
  return refused;
}

}  // namespace attune::detail
