// SPDX-License-Identifier: Apache-2.0
// An LLM gateway that picks a model per request by quality, cost and latency, and keeps what it learned in a
// file.
#include <attune/attune.hpp>

#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

namespace {

constexpr std::string_view kConfig = R"({
  "points": {"model": {
    "policy": {"type": "lin_ucb", "alpha": 0.3},
    "arms": ["mixtral-8x7b", "llama-3-70b"],
    "context": {"version": 1, "intercept": true, "features": [
      {"name": "prompt_chars", "type": "number", "scale": "log1p"},
      {"name": "task", "type": "category", "values": ["chat", "code"]}]},
    "reward": {"join_window_s": 600, "silence": "discard", "components": {
      "quality":   {"weight": 1.0},
      "cost_usd":  {"weight": -20.0},
      "latency_s": {"weight": -0.01, "required": false, "default": 1.0}}}}}})";

attune::Result<attune::Engine> open(const std::string& path) {
  attune::Result<std::unique_ptr<attune::Journal>> journal =
      attune::open_sqlite_journal(path, attune::OpenMode::read_write);
  if (!journal) {
    return tl::unexpected(std::move(journal).error());
  }
  attune::EngineOptions options;
  options.journal = std::move(*journal);
  return attune::Engine::open(kConfig, std::move(options));
}

}  // namespace

int main() {
  for (int restart = 0; restart < 2; ++restart) {
    attune::Result<attune::Engine> engine = open("gateway.db");
    if (!engine) {
      std::fprintf(stderr, "%s\n", engine.error().message.c_str());
      return 1;
    }
    for (const std::string& note : engine->recovery_notes()) {
      std::printf("%s\n", note.c_str());
    }
    const attune::PointId model = engine->point("model").value();
    attune::Decision decision;
    for (int request = 0; request < 200; ++request) {
      const bool code = request % 2 == 0;
      const std::array<attune::NamedFeature, 2> features{
          attune::NamedFeature{.name = "prompt_chars", .number = 100.0 + request},
          attune::NamedFeature{.name = "task", .text = code ? "code" : "chat", .is_text = true}};
      if (engine->decide(model, {.named = features}, {}, decision) != attune::Errc::ok) {
        return 1;
      }
      // The dear model is better at code; both chat well.
      const bool dear = decision.arm == "llama-3-70b";
      const std::array<attune::Component, 2> came_back{
          attune::Component{.name = "quality", .value = code && !dear ? 0.4 : 0.9},
          attune::Component{.name = "cost_usd", .value = dear ? 0.008 : 0.001}};
      if (engine->outcome(decision.id, came_back) != attune::Errc::ok || !engine->pump()) {
        return 1;
      }
    }
    if (!engine->checkpoint()) {
      return 1;
    }
    const attune::PointMetrics metrics = engine->metrics().points.at(0);
    std::printf("%llu decisions so far, %llu rewards learned\n",
                static_cast<unsigned long long>(metrics.decisions),
                static_cast<unsigned long long>(metrics.rewards.learned));
  }
  return 0;
}
