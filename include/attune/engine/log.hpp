// SPDX-License-Identifier: Apache-2.0
/// @file
/// Ready-made sinks for EngineOptions::log. The library itself is silent.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace attune {

/// Levels that EngineOptions::log is called with.
enum class LogLevel : std::uint8_t { debug = 0, info = 1, warn = 2, error = 3 };

/// Takes one line: level as in LogLevel, message.
using LogSink = std::function<void(int level, std::string_view message)>;

/// A sink that writes lines "time level message" to standard error, from `least` on, through spdlog.
/// Thread-safe.
[[nodiscard]] LogSink make_stderr_log(LogLevel least = LogLevel::warn);

}  // namespace attune
