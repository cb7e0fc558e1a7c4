// SPDX-License-Identifier: Apache-2.0
/// @file
/// GpOptimizer: finds good parameter settings in few evaluations, by a Gaussian process and expected
/// improvement.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <attune/core/concepts.hpp>

namespace attune {

enum class ParameterType : std::uint8_t { real, integer };
template <>
inline constexpr std::array<std::string_view, 2> kEnumNames<ParameterType>{"real", "integer"};

/// On a log scale, equal ratios are equal steps: for learning rates, sizes, time-outs.
enum class ParameterScale : std::uint8_t { linear, log };
template <>
inline constexpr std::array<std::string_view, 2> kEnumNames<ParameterScale>{"linear", "log"};

/// One parameter to be tuned, from `low` to `high`, both included.
struct ParameterSpec {
  std::string name{};
  ParameterType type = ParameterType::real;
  double low = 0.0;
  double high = 1.0;
  ParameterScale scale = ParameterScale::linear;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("name", self.name, Bounds{}, "name of the parameter, of its own among the parameters");
    visit("type", self.type, Bounds{}, "real or integer");
    visit("low", self.low, Bounds{-1e300, 1e300},
          "smallest value; whole for integer, positive for scale log");
    visit("high", self.high, Bounds{-1e300, 1e300}, "largest value; above low");
    visit("scale", self.scale, Bounds{}, "linear, or log: equal ratios are equal steps");
  }
  bool operator==(const ParameterSpec&) const = default;
};

/// Options of GpOptimizer.
struct GpOptimizerConfig {
  std::vector<ParameterSpec> parameters{};  ///< at least one must be given
  std::uint32_t initial_design = 0;
  std::uint32_t candidates = 512;
  std::uint32_t local_searches = 6;
  std::uint32_t model_points = 400;
  std::uint32_t max_trials = 100'000;
  double noise_floor = 1e-6;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("initial_design", self.initial_design, Bounds{0, 10'000},
          "trials spread over the box before the model is used; 0: 5 + 2 per parameter");
    visit("candidates", self.candidates, Bounds{16, 100'000},
          "points at which expected improvement is compared");
    visit("local_searches", self.local_searches, Bounds{1, 100},
          "of the best candidates, how many are refined");
    visit("model_points", self.model_points, Bounds{10, 5'000},
          "trials that the model is built from: when there are more, the best and the latest");
    visit("max_trials", self.max_trials, Bounds{1, 10'000'000},
          "trials kept, finished and pending; then it is full");
    visit("noise_floor", self.noise_floor, Bounds{1e-10, 1},
          "least variance of the noise, relative to that of the values");
  }
  template <class Self, class Visitor>
  static constexpr void lists(Self& self, Visitor&& visit) {
    visit("parameters", self.parameters, Bounds{1, 64}, "what is tuned, in this order");
  }
};

/// Proposes the setting of largest expected improvement under a Gaussian process (Matern 5/2, one length
/// scale per parameter, inferred noise) fitted to all finished trials, after an initial design spread over
/// the box. Larger values are better.
///
/// - The acquisition is log EI, which stays useful where EI underflows, relative to the best *posterior
/// mean*, so that
///   one lucky noisy value does not stop the search.
/// - Kernel parameters are those of the largest posterior density, found again at each ask
/// (gaussian_process.hpp
///   has the priors). The state is the trials alone: ask() does all the work, tell() none.
/// - The acquisition is compared on a randomly shifted Sobol set and around the best points, then refined by
/// local
///   search from the best candidates and from the best observed points; integers stay integers throughout.
/// - A pending trial counts as if it had given its posterior mean, so that proposals keep away from it.
/// - No setting is proposed twice while another is left.
///
/// Source: Jones, Schonlau, Welch (1998), "Efficient Global Optimization of Expensive Black-Box Functions",
/// J. Global Optimization 13; Ament et al. (2023), "Unexpected Improvements to Expected Improvement for
/// Bayesian Optimization", NeurIPS; pending trials: Ginsbourger, Le Riche, Carraro (2010), "Kriging Is
/// Well-Suited to Parallelize Optimization", the kriging believer.
///
/// Errors: begin: dimension_mismatch, non_finite, invalid_argument (outside the box, fraction for an
/// integer), duplicate (the id is known), full. tell: unknown_decision (never begun, finished or forgotten),
/// non_finite (the trial stays pending). forget: unknown_decision. Cost: ask: the cube of the number of
/// trials in the model; docs/algorithms/gp_optimizer.md has times. The others: a search among the trials.
/// Memory: the trials. Limits: no categorical or conditional parameters; hundreds of trials, not thousands;
/// above 20 parameters little is gained over random search.
class GpOptimizer {
 public:
  using Config = GpOptimizerConfig;

  static constexpr std::string_view kName = "gp_optimizer";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field.
  [[nodiscard]] static Result<GpOptimizer> make(const Config& config);

  /// A setting to try: one value per parameter, in the user's units.
  [[nodiscard]] Result<std::vector<double>> ask(Rng& rng) const;
  [[nodiscard]] Errc begin(const Trial& trial);
  [[nodiscard]] Errc tell(std::uint64_t id, double value);
  [[nodiscard]] Errc forget(std::uint64_t id);

  [[nodiscard]] std::size_t dimension() const noexcept { return config_.parameters.size(); }
  [[nodiscard]] std::size_t pending() const noexcept { return pending_.ids.size(); }
  [[nodiscard]] std::size_t finished() const noexcept { return finished_.ids.size(); }
  /// The finished trial of the best posterior mean, or of the best value while the initial design lasts; a
  /// Trial without values when none is finished. Cost: as ask.
  [[nodiscard]] Trial best() const;
  [[nodiscard]] std::vector<std::string> parameter_names() const;

  void save(Writer& writer) const;
  /// Errors: dimension_mismatch (another number of parameters), corrupt_state (also: a trial outside the
  /// box); unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  /// Rows: the ten best trials; values: the model's parameters too, once there is one. Cost: as ask.
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const GpOptimizer& other) const {
    return finished_ == other.finished_ && pending_ == other.pending_ && values_ == other.values_;
  }

 private:
  struct Trials {
    std::vector<std::uint64_t> ids;
    std::vector<double> settings;  // trials x dimension, in the user's units

    bool operator==(const Trials&) const = default;
  };

  explicit GpOptimizer(Config config) : config_(std::move(config)) {}
  [[nodiscard]] std::size_t design_size() const noexcept {
    return config_.initial_design > 0 ? config_.initial_design : 5 + 2 * dimension();
  }
  /// With half of the design answered and the rest under way, the model is a better guide than more
  /// spreading.
  [[nodiscard]] bool has_model() const noexcept {
    return finished() + pending() >= design_size() && finished() >= (design_size() + 1) / 2;
  }
  [[nodiscard]] std::span<const double> setting(const Trials& trials, std::size_t index) const noexcept {
    return std::span(trials.settings).subspan(index * dimension(), dimension());
  }
  [[nodiscard]] Errc check_setting(std::span<const double> setting) const noexcept;
  [[nodiscard]] std::vector<std::size_t> model_trials() const;
  [[nodiscard]] std::size_t best_finished() const;

  Config config_;
  Trials finished_;
  std::vector<double> values_;  // of the finished trials
  Trials pending_;
};

}  // namespace attune
