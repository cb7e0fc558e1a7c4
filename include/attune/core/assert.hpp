// SPDX-License-Identifier: Apache-2.0
/// @file
/// ATTUNE_ASSERT: a broken invariant is a bug of attune, never of its input; it stays on in release builds.
#pragma once

namespace attune::detail {

/// Writes one line to stderr and aborts. The only place where the library ends the process.
[[noreturn]] void assertion_failed(const char* condition, const char* sentence, const char* file,
                                   int line) noexcept;

}  // namespace attune::detail

/// Stops the process when `condition` is false: going on would learn from, or write, wrong state.
// NOLINTNEXTLINE(cppcoreguidelines-macro-usage): needs the text and place of its argument.
#define ATTUNE_ASSERT(condition, sentence) \
  (static_cast<bool>(condition)            \
       ? static_cast<void>(0)              \
       : ::attune::detail::assertion_failed(#condition, sentence, __FILE__, __LINE__))
