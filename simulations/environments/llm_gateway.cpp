// SPDX-License-Identifier: Apache-2.0
#include "simulations/environments/llm_gateway.hpp"

#include <array>
#include <cmath>
#include <numbers>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <attune/core/sampling.hpp>

#include "simulations/json_reader.hpp"
#include "simulations/world_rng.hpp"

namespace attune::sim {
namespace {

struct PublishedModel {
  std::string_view name;
  double pass_rate;     ///< solved by the second try
  double usd_per_case;  ///< total cost / 225 cases
  double seconds_per_case;
};

/// Aider polyglot leaderboard, Apache-2.0: see the header. Rows by their date in the leaderboard.
constexpr std::array<PublishedModel, 8> kModels{{
    {"gpt-4.1-nano", 0.089, 0.4281 / 225, 12.0},
    {"gpt-4.1-mini", 0.324, 1.9918 / 225, 19.5},
    // NOLINTNEXTLINE(modernize-use-std-numbers): a figure of the table
    {"claude-sonnet-4", 0.564, 15.8155 / 225, 29.8},
    {"gemini-2.5-pro", 0.791, 45.5961 / 225, 175.2},
    {"o3", 0.769, 13.7517 / 225, 101.7},
    {"kimi-k2", 0.591, 1.2357 / 225, 67.6},
    {"gpt-5-low", 0.813, 10.3713 / 225, 62.4},
    {"deepseek-v3.2-chat", 0.702, 0.8756 / 225, 104.0},
}};
constexpr std::array<std::string_view, 6> kLanguages{"cpp", "go", "java", "javascript", "python", "rust"};

constexpr double kLengthSpread = 0.6;   ///< deviation of the log of a task's length
constexpr double kLatencySpread = 0.4;  ///< deviation of the log of a call's latency around its mean

constexpr std::size_t kGatewayComponents = 3;

struct GatewayOptions {
  double spread_language = 0.35;
  double spread_difficulty = 1.0;
  double view_noise = 0.5;
};

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

/// Draws z and gives exp(spread z - spread^2 / 2), whose mean is 1.
double log_normal_factor(double z, double spread) { return std::exp(spread * z - 0.5 * spread * spread); }

class GatewayWorld final : public World {
 public:
  GatewayWorld(const GatewayOptions& options, std::uint64_t seed) : options_(options), seed_(seed) {
    for (std::size_t model = 0; model < kModels.size(); ++model) {
      auto& row = offset_.at(model);
      Rng rng = world_rng(seed, "gateway.language", model);
      for (double& shift : row) {
        shift = options.spread_language * sample_normal(rng);
      }
      // Some models lose more than others when a task is hard: that is what makes the context worth looking
      // at.
      slope_.at(model) = options.spread_difficulty * (0.5 + rng.uniform());
      const double beta = calibrate(row, slope_.at(model), kModels.at(model).pass_rate);
      for (double& shift : row) {
        shift += beta;
      }
    }
  }

  void step(std::uint64_t t, Step& out) const override {
    Rng rng = world_rng(seed_, "gateway.task", t);
    out.category = rng.below(kLanguages.size());
    const double ease = sample_normal(rng);
    const double seen = ease + options_.view_noise * sample_normal(rng);
    const double length = sample_normal(rng);
    out.context.assign(3 + kLanguages.size(), 0.0);
    out.context[0] = 1.0;
    out.context[1 + out.category] = 1.0;
    out.context[1 + kLanguages.size()] = seen;
    out.context[2 + kLanguages.size()] = kLengthSpread * length;
    out.outcome.resize(kModels.size() * kGatewayComponents);
    out.expected.resize(kModels.size() * kGatewayComponents);
    for (std::size_t model = 0; model < kModels.size(); ++model) {
      Rng call = world_rng(seed_, "gateway.call", t * kModels.size() + model);
      const PublishedModel& published = kModels.at(model);
      const double solved = normal_cdf(offset_.at(model).at(out.category) + slope_.at(model) * ease);
      const double cost = published.usd_per_case * log_normal_factor(length, kLengthSpread);
      double* expected = &out.expected[model * kGatewayComponents];
      double* outcome = &out.outcome[model * kGatewayComponents];
      expected[0] = solved;
      expected[1] = cost;
      expected[2] = published.seconds_per_case;
      outcome[0] = call.uniform() < solved ? 1.0 : 0.0;
      outcome[1] = cost;
      outcome[2] = published.seconds_per_case * log_normal_factor(sample_normal(call), kLatencySpread);
    }
  }

 private:
  /// The beta for which the mean over languages of E_h Phi(beta + shift + d h) = Phi((beta + shift) / sqrt(1
  /// + d^2)) is the published rate. The mean grows with beta: bisection to the last bit that matters.
  [[nodiscard]] static double calibrate(const std::array<double, kLanguages.size()>& shifts, double slope,
                                        double rate) {
    const double widen = std::sqrt(1.0 + slope * slope);
    double low = -50.0;
    double high = 50.0;
    for (int i = 0; i < 100; ++i) {
      const double middle = 0.5 * (low + high);
      double mean = 0.0;
      for (const double shift : shifts) {
        mean += normal_cdf((middle + shift) / widen) / static_cast<double>(shifts.size());
      }
      (mean < rate ? low : high) = middle;
    }
    return 0.5 * (low + high);
  }

  const GatewayOptions& options_;
  std::uint64_t seed_;
  std::array<double, kModels.size()> slope_{};
  std::array<std::array<double, kLanguages.size()>, kModels.size()> offset_{};
};

class LlmGateway final : public Environment {
 public:
  explicit LlmGateway(const GatewayOptions& options) : options_(options) {
    info_.type = "llm_gateway";
    info_.components = {"quality", "cost", "latency"};
    info_.features = {"bias"};
    for (const PublishedModel& model : kModels) {
      info_.arms.emplace_back(model.name);
    }
    for (const std::string_view language : kLanguages) {
      info_.categories.emplace_back(language);
      info_.features.push_back("language=" + std::string(language));
    }
    info_.features.insert(info_.features.end(), {"ease", "length"});
    info_.note =
        "simulated; pass rate, price and latency of eight models from the Aider polyglot leaderboard "
        "(Apache-2.0)";
  }

  [[nodiscard]] const EnvironmentInfo& info() const noexcept override { return info_; }
  [[nodiscard]] std::unique_ptr<World> start(std::uint64_t seed, std::uint64_t /*horizon*/) const override {
    return std::make_unique<GatewayWorld>(options_, seed);
  }

 private:
  GatewayOptions options_;
  EnvironmentInfo info_;
};

}  // namespace

Result<std::unique_ptr<Environment>> make_llm_gateway(const nlohmann::json& options,
                                                      const FileRoots& /*roots*/) {
  JsonReader reader(options, "environment");
  (void)reader.text("type");
  GatewayOptions parsed;
  parsed.spread_language = reader.number("spread_language", Bounds{0, 5}, parsed.spread_language);
  parsed.spread_difficulty = reader.number("spread_difficulty", Bounds{0, 5}, parsed.spread_difficulty);
  parsed.view_noise = reader.number("view_noise", Bounds{0, 100}, parsed.view_noise);
  if (Result<void> good = reader.finish(); !good) {
    return tl::unexpected(std::move(good).error());
  }
  return std::make_unique<LlmGateway>(parsed);
}

}  // namespace attune::sim
