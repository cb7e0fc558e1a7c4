// SPDX-License-Identifier: Apache-2.0
#include "simulations/progress.hpp"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace attune::sim {
namespace {

constexpr std::size_t kBarWidth = 24;

bool wants_colour() {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return (no_colour == nullptr || *no_colour == '\0') && terminal != nullptr &&
         std::string_view(terminal) != "dumb";
}

}  // namespace

ProgressLine::ProgressLine(std::string label, std::size_t total)
    : ProgressLine(std::move(label), total, isatty(STDERR_FILENO) == 1) {}

ProgressLine::ProgressLine(std::string label, std::size_t total, bool shown)
    : label_(std::move(label)), total_(total), shown_(shown && total > 0), colour_(wants_colour()) {}

ProgressLine::~ProgressLine() {
  if (drawn_) {
    std::fprintf(stderr, "\r%*s\r", 100, "");
  }
}

void ProgressLine::advance(std::size_t by) {
  const std::scoped_lock lock(mutex_);
  done_ += by;
  if (!shown_) {
    return;
  }
  const Clock::time_point now = Clock::now();
  if (now - last_ < std::chrono::milliseconds(100) && done_ < total_) {
    return;
  }
  last_ = now;
  drawn_ = true;
  const std::string text = line(label_, done_, total_, now - start_);
  std::fprintf(stderr, colour_ ? "\r\x1b[36m%-99s\x1b[0m" : "\r%-99s", text.c_str());
  std::fflush(stderr);
}

std::string ProgressLine::line(const std::string& label, std::size_t done, std::size_t total,
                               std::chrono::duration<double> elapsed) {
  const double share = total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 0.0;
  const auto filled = static_cast<std::size_t>(share * static_cast<double>(kBarWidth));
  std::string text = "[" + std::string(filled, '#') + std::string(kBarWidth - filled, '.') + "] ";
  text += std::to_string(done) + "/" + std::to_string(total) + " " + label;
  if (done > 0 && done < total) {
    const double left = elapsed.count() * (1.0 - share) / share;
    text += ", " + std::to_string(std::lround(left)) + " s left";
  }
  return text;
}

}  // namespace attune::sim
