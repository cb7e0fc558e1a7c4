// SPDX-License-Identifier: Apache-2.0
/// @file
/// AutoBandit: the policy for those who do not want to choose one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <attune/core/arm_set.hpp>
#include <attune/core/concepts.hpp>
#include <attune/policies/context_scaling.hpp>
#include <attune/policies/reward_model.hpp>

namespace attune {

/// Options of AutoBandit. None needs to be touched.
struct AutoBanditConfig {
  double alpha = 1.0;
  double sharpness = 0.05;
  std::uint32_t centres = 128;
  std::uint32_t replay = 256;
  double memory_mb = 64.0;

  template <class Self, class Visitor>
  static constexpr void fields(Self& self, Visitor&& visit) {
    visit("alpha", self.alpha, Bounds{0, 1e6},
          "width of the confidence bound, in deviations of the rewards from their predictions");
    visit("sharpness", self.sharpness, Bounds{0, 10},
          "how soon the model that predicts best decides alone: exponent for each reward");
    visit("centres", self.centres, Bounds{0, RewardModel::kMaxCentres},
          "contexts that the non-linear model compares with; fewer where memory is short");
    visit("replay", self.replay, Bounds{4, 65536},
          "first rewards that are kept, to learn them again when the scale of the context is known better");
    visit("memory_mb", self.memory_mb, Bounds{1, 65536},
          "what the models of the first arms may take, in MiB");
  }
  bool operator==(const AutoBanditConfig&) const = default;
};

/// Learns several models of the rewards side by side, from every reward, and decides by those that predict
/// best. With a context x, scaled by ContextScaling to z:
///
///     score(a) = sum over models c of  w_c (m_c(a, z) + alpha s sqrt(v_c(a, z)))
///     w_c ~ exp(-sharpness n (L_c - L) / L)
///
/// m_c and v_c are mean and variance of model c (see RewardModel: linear, products, centres; and one mean an
/// arm, without the context), n the rewards so far, and L_c the squared error of its predictions, each made
/// before its reward was learned, averaged over the rewards of an arm and then over arms. L is the least
/// L_c, s^2 the least error over all rewards. Arms are not favoured in the average for being chosen often. As
/// every model learns from every reward whichever model chose, trying one costs nothing.
///
/// Without a context: Thompson sampling, from Beta(1 + successes, 1 + failures) while every reward has been 0
/// or 1, else as ThompsonGaussian with the mean and the variance of all rewards so far as prior.
///
/// Source: own. Exponential weights on progressive losses are those of Vovk (1990), "Aggregating strategies",
/// COLT; that small exploration with good regressions wins on such data is what Bietti, Agarwal, Langford
/// (2021), "A Contextual Bandit Bake-off", JMLR 22(133), found. There is no regret bound.
///
/// Rewards: finite, at most 1e75 in magnitude, in any unit; weights likewise. `greedy`: no arm that could be
/// chosen has a larger mean. `propensity`: with a context 1, or 1/k in a tie of k; without one NaN, computed
/// later, or 1 where a single arm could be chosen. Warm start: pseudo-rewards wherever the context is.
/// The first `replay` rewards are kept: after 4, 6, 9, 13, ... of them the scale of the context is taken
/// anew and they are learned again. Later the scale stays; a feature that never varied until then still
/// counts from when it does.
///
/// Cost, with F the lengths of phi of the models: select sum F^2/2 multiply-adds an arm and 16 KiB of stack,
/// update sum 2 F^2, and up to `replay` times that when rewards are learned again; none allocates. Memory:
/// memory_mb at most for the first arms (many arms: fewer centres and products, and contexts folded into
/// fewer numbers by signed hashing), the kept contexts beside that. Limits: dense contexts; with a context,
/// late rewards make it repeat its choice in the same context.
class AutoBandit {
 public:
  using Config = AutoBanditConfig;

  static constexpr std::string_view kName = "auto";
  static constexpr std::uint32_t kStateVersion = 1;

  /// Errors: invalid_config, naming the field; unsupported for sparse contexts.
  [[nodiscard]] static Result<AutoBandit> make(const Config& config, const Shape& shape);

  [[nodiscard]] Choice select(const Context& context, Rng& rng) const noexcept;
  /// Errors: unknown_arm, dimension_mismatch, non_finite (also for what is too large), invalid_argument
  /// (weight < 0).
  [[nodiscard]] Errc update(const Feedback& feedback) noexcept;

  [[nodiscard]] std::size_t arm_count() const noexcept { return arms_.count(); }
  [[nodiscard]] bool enabled(ArmIndex arm) const noexcept { return arms_.enabled(arm); }
  /// Errors: full.
  [[nodiscard]] Result<ArmIndex> add_arm();
  Errc set_enabled(ArmIndex arm, bool on) noexcept { return arms_.set_enabled(arm, on); }
  /// Errors: unknown_arm.
  Errc reset_arm(ArmIndex arm) noexcept;
  /// See Forgets. All arms by 0: the scale of the context too. Errors: unknown_arm, invalid_argument.
  Errc forget(ArmIndex arm, double keep) noexcept;
  /// Errors: unknown_arm, non_finite (also for what is too large), invalid_argument.
  [[nodiscard]] Result<void> warm_start(ArmIndex arm, const ArmPrior& prior);
  /// See Expects: the weighted mean of the models.
  [[nodiscard]] double expectation(ArmIndex arm, const Input& input, Features action) const noexcept;
  [[nodiscard]] std::uint64_t updates() const noexcept { return updates_; }

  /// The models, in the order of weights(); without a context none.
  [[nodiscard]] std::span<const RewardModel> models() const noexcept { return models_; }
  /// w_c of the means, then of the models. Sums to 1.
  [[nodiscard]] std::span<const double> weights() const noexcept { return weights_; }

  void save(Writer& writer) const;
  /// Errors: corrupt_state; unchanged on error.
  [[nodiscard]] Result<void> load(Reader& reader);
  [[nodiscard]] Description describe() const;
  [[nodiscard]] bool operator==(const AutoBandit& other) const noexcept;

 private:
  static constexpr std::uint64_t kFirstReplay = 4;
  static constexpr std::size_t kMaxModels = 3;

  /// Weighted mean and sum of squared deviations.
  struct Moments {
    double weight = 0.0;
    double mean = 0.0;
    double squares = 0.0;
    void add(double value, double value_weight) noexcept;
    [[nodiscard]] bool sound() const noexcept;
    bool operator==(const Moments&) const = default;
  };
  /// How many numbers the models see, and how many centres.
  struct Sizes {
    std::size_t inputs = 0;
    std::size_t centres = 0;
    bool products = false;
    bool operator==(const Sizes&) const = default;
  };
  /// A reward that is kept; its context is in contexts_.
  struct Kept {
    std::uint32_t arm = 0;
    double reward = 0.0;
    double weight = 0.0;
    bool operator==(const Kept&) const = default;
  };
  struct Mean {
    double mean = 0.0;
    double variance = 0.0;
  };
  struct Mapped;

  AutoBandit(const Config& config, const Shape& shape);
  [[nodiscard]] static Sizes affordable(const Config& config, const Shape& shape);
  [[nodiscard]] Result<void> build(const Sizes& sizes);

  void scale(Features context, std::span<double> z) const noexcept;
  [[nodiscard]] Mean mean_of(std::size_t arm) const noexcept;
  [[nodiscard]] Choice select_without_context(const Context& context, Rng& rng) const noexcept;
  void map(Features context, Mapped& mapped) const noexcept;
  void score(const Mapped& mapped, std::span<const std::uint32_t> which, double* mean,
             double* bonus) const noexcept;
  void learn_again() noexcept;
  void weigh() noexcept;
  void keep(Features context, const Kept& kept) noexcept;
  void save_kept(Writer& writer) const;
  [[nodiscard]] bool load_sizes(Reader& reader);
  [[nodiscard]] bool load_arms(Reader& reader);
  [[nodiscard]] bool load_kept(Reader& reader);

  Config config_;
  std::size_t features_;
  ArmSet arms_;
  Sizes sizes_;
  ContextScaling scaling_;
  std::vector<RewardModel> models_;
  std::vector<Moments> rewards_;  // of each arm, with its prior
  std::vector<Moments> priors_;   // of each arm: weight and mean alone
  std::vector<double> errors_;    // of the means, as RewardModel::error
  std::vector<double> counts_;    // weight of the rewards of an arm whose errors were counted
  Moments all_;                   // rewards of all arms
  bool binary_ = true;            // every reward has been 0 or 1
  double base_ = 0.0;             // what models predict is reward - base
  std::vector<Kept> kept_;        // room for `replay`
  std::vector<double> contexts_;  // of kept_, likewise
  std::uint64_t kept_count_ = 0;
  std::uint64_t next_ = kFirstReplay;  // number of kept rewards at which they are learned again
  std::uint64_t updates_ = 0;
  // Derived from the above.
  std::vector<double> weights_;
  double deviation_ = 1.0;  // s
  // Scratch of one reward.
  std::vector<double> z_;
};

}  // namespace attune
