// SPDX-License-Identifier: Apache-2.0
/// @file
/// What is fuzzed: every reader of bytes that others made. Each target takes any bytes, and aborts when a
/// promise is broken; libFuzzer and the sanitizers see the rest. The same functions replay the seed corpora
/// as plain tests.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace attune::fuzz {

using Input = std::span<const std::uint8_t>;

void config(Input input);    ///< JSON configuration: what is taken is read again to the same text
void state(Input input);     ///< an engine's state from a checkpoint: what is taken is saved and taken again
void record(Input input);    ///< one journal record: what is decoded is encoded to the same bytes
void protocol(Input input);  ///< lines of the pipe protocol: each gets one answer, one line of JSON
void store(Input input);     ///< a store file: refused, or readable to its end or to a damage that is named

struct Target {
  std::string_view name;
  void (*run)(Input);
};
inline constexpr std::array<Target, 5> kTargets{
    {{"config", config}, {"state", state}, {"record", record}, {"protocol", protocol}, {"store", store}}};

}  // namespace attune::fuzz
