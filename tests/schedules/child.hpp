// SPDX-License-Identifier: Apache-2.0
/// @file
/// in_child(): runs a schedule in a process of its own, as threads that wait for ever cannot be taken back.
#pragma once

#include <functional>
#include <string>

namespace attune::test {

struct ChildEnd {
  std::string text;     ///< what the body returned
  std::string trouble;  ///< why it did not: stuck, or how the process ended; empty: it did
};

/// `body` gets what a Scheduler wants to be told with when it is stuck.
[[nodiscard]] ChildEnd in_child(
    const std::function<std::string(const std::function<void(const std::string&)>& stuck)>& body);

}  // namespace attune::test
