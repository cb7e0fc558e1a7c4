// SPDX-License-Identifier: Apache-2.0
// The entry of one fuzzer; CMakeLists.txt says which target it is.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/targets.hpp"

#ifdef ATTUNE_FUZZ_TARGET
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  attune::fuzz::ATTUNE_FUZZ_TARGET({data, size});
  return 0;
}
#endif
