// SPDX-License-Identifier: Apache-2.0
// A stranger's program: includes public headers, calls compiled code, checks one published number.
#include <cstdio>

#include <attune/core/error.hpp>
#include <attune/core/rng.hpp>

int main() {
  // Random123's known-answer test for Philox4x32-10 with counter and key zero.
  const auto block = attune::philox4x32_10({0, 0, 0, 0}, {0, 0});
  if (block[0] != 0x6627E8D5U || block[3] != 0x9B00DBD8U) {
    std::puts("philox4x32_10 does not give the published block");
    return 1;
  }
  const attune::Result<int> refused = attune::fail(attune::Errc::unknown_arm, "there is no such arm");
  if (refused.has_value() || attune::to_string(refused.error().code) != "unknown_arm") {
    std::puts("an error does not arrive as it was made");
    return 1;
  }
  std::puts("attune is linked and runs");
  return 0;
}
