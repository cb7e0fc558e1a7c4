// SPDX-License-Identifier: Apache-2.0
/// @file
/// How attune reports that something is wrong: Errc on hot paths, Result on cold ones.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace attune {

/// Closed list of failures. The values are part of the C ABI and of the pipe protocol: append only, never
/// renumber, never rename.
enum class Errc : std::int32_t {
  ok = 0,
  invalid_config = 1,       ///< a configuration value breaks a rule; the message names its path
  unknown_arm = 2,          ///< no such arm, or the arm was removed
  non_finite = 3,           ///< NaN or infinity where a finite number is needed
  dimension_mismatch = 4,   ///< a vector has another length than declared
  corrupt_state = 5,        ///< bytes are damaged, cut, or break an invariant
  unsupported_version = 6,  ///< written by a version this one cannot read
  no_arm = 7,               ///< nothing can be chosen: no arm exists, or none offered is enabled
  unknown_point = 8,        ///< no decision point of that name
  unknown_decision = 9,     ///< no pending decision of that id
  unknown_component = 10,   ///< the reward specification has no component of that name
  invalid_argument = 11,    ///< any other argument outside its documented range
  queue_full = 12,          ///< a bounded queue is full and its rule is to shed
  duplicate = 13,           ///< already seen; nothing was changed
  late = 14,                ///< came after its join window; handled by the lateness rule
  unsupported = 15,         ///< this policy or build cannot do that
  io = 16,                  ///< the store could not be read or written
  parse = 17,               ///< text is not what the format allows
  full = 18,                ///< a configured bound on memory is reached
  conflict = 19,            ///< the same idempotency key came with another value
  not_durable = 20,         ///< taken and queued, but not known to be on disk; asking again is safe
};

/// The name of a code, as documented and as the pipe protocol sends it: `Errc::unknown_arm` is "unknown_arm".
[[nodiscard]] std::string_view to_string(Errc code) noexcept;

/// A failure on a cold path: the code for programs, the sentence for people.
struct Error {
  Errc code = Errc::ok;
  std::string message;
};

/// Cold paths return Result. Hot paths return Errc, which cannot allocate.
template <class T>
using Result = tl::expected<T, Error>;

/// Shorthand for the failing side of a Result: `return fail(Errc::io, "sentence")`.
[[nodiscard]] inline tl::unexpected<Error> fail(Errc code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

}  // namespace attune
