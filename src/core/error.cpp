// SPDX-License-Identifier: Apache-2.0
#include <attune/core/assert.hpp>
#include <attune/core/error.hpp>

#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

namespace attune {
namespace {

constexpr std::array<std::string_view, 21> kNames{"ok",
                                                  "invalid_config",
                                                  "unknown_arm",
                                                  "non_finite",
                                                  "dimension_mismatch",
                                                  "corrupt_state",
                                                  "unsupported_version",
                                                  "no_arm",
                                                  "unknown_point",
                                                  "unknown_decision",
                                                  "unknown_component",
                                                  "invalid_argument",
                                                  "queue_full",
                                                  "duplicate",
                                                  "late",
                                                  "unsupported",
                                                  "io",
                                                  "parse",
                                                  "full",
                                                  "conflict",
                                                  "not_durable"};

}  // namespace

std::string_view to_string(Errc code) noexcept {
  const auto index = static_cast<std::size_t>(code);
  return index < kNames.size() ? kNames[index] : std::string_view("unknown");
}

namespace detail {

void assertion_failed(const char* condition, const char* sentence, const char* file, int line) noexcept {
  static_cast<void>(std::fprintf(stderr, "attune: %s (%s) at %s:%d\n", sentence, condition, file, line));
  std::abort();
}

}  // namespace detail
}  // namespace attune
