// SPDX-License-Identifier: Apache-2.0
#include <attune/engine/log.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <utility>

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace attune {
namespace {

constexpr std::array<spdlog::level::level_enum, 4> kLevels{spdlog::level::debug, spdlog::level::info,
                                                           spdlog::level::warn, spdlog::level::err};

[[nodiscard]] spdlog::level::level_enum level_of(int level) noexcept {
  return kLevels[static_cast<std::size_t>(std::clamp(level, 0, 3))];
}

}  // namespace

LogSink make_stderr_log(LogLevel least) {
  // A logger of its own, not spdlog's registry: two engines in one process must not share or replace it.
  auto logger = std::make_shared<spdlog::logger>("attune", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_level(level_of(static_cast<int>(least)));
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%fZ %l %v", spdlog::pattern_time_type::utc);
  return [logger = std::move(logger)](int level, std::string_view message) {
    logger->log(level_of(level), spdlog::string_view_t(message.data(), message.size()));
  };
}

}  // namespace attune
