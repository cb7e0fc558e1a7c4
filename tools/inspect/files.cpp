// SPDX-License-Identifier: Apache-2.0
#include "tools/inspect/files.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <system_error>

namespace attune::tools {

Result<void> write_new_file(const std::string& path, std::string_view text) {
  struct Closer {
    void operator()(std::FILE* file) const noexcept { static_cast<void>(std::fclose(file)); }
  };
  std::unique_ptr<std::FILE, Closer> file(std::fopen(path.c_str(), "wxe"));
  if (file == nullptr) {
    return fail(Errc::invalid_argument, errno == EEXIST
                                            ? "'" + path + "' exists already; nothing is overwritten"
                                            : "'" + path + "' cannot be written: " + std::strerror(errno));
  }
  if (std::fwrite(text.data(), 1, text.size(), file.get()) != text.size() || std::fflush(file.get()) != 0) {
    return fail(Errc::invalid_argument, "'" + path + "' cannot be written: " + std::strerror(errno));
  }
  return {};
}

Result<void> make_folder(const std::string& path) {
  std::error_code code;
  std::filesystem::create_directories(path, code);
  if (code || !std::filesystem::is_directory(path, code)) {
    return fail(Errc::invalid_argument, "'" + path + "' is no folder and cannot be made one" +
                                            (code ? ": " + code.message() : std::string()));
  }
  return {};
}

Result<std::string> read_text_file(const std::string& path) {
  constexpr std::uintmax_t kMost = 16U << 20U;
  std::error_code code;
  if (!std::filesystem::is_regular_file(path, code)) {
    return fail(Errc::invalid_argument, "there is no file '" + path + "'");
  }
  if (std::filesystem::file_size(path, code) > kMost || code) {
    return fail(Errc::invalid_argument, "'" + path + "' is larger than 16 MiB, or cannot be read");
  }
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return file.bad() ? fail(Errc::invalid_argument, "'" + path + "' cannot be read")
                    : Result<std::string>(text);
}

}  // namespace attune::tools
