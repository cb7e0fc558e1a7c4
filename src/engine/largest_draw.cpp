// SPDX-License-Identifier: Apache-2.0
#include "engine/largest_draw.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <vector>

#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/extreme_value.hpp>
#include <boost/math/distributions/gamma.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/policies/policy.hpp>
#include <boost/math/quadrature/gauss_kronrod.hpp>

namespace attune {
namespace {

namespace policies = boost::math::policies;
/// What cannot be computed is infinite or NaN, and found by that.
using Quiet = policies::policy<
    policies::domain_error<policies::ignore_error>, policies::pole_error<policies::ignore_error>,
    policies::overflow_error<policies::ignore_error>, policies::evaluation_error<policies::ignore_error>,
    policies::indeterminate_result_error<policies::ignore_error>>;

constexpr double kLeftOut = 1e-12;
constexpr double kTolerance = 1e-7;                  // of all probabilities together
constexpr double kLargestError = 1e-6;               // with more there is no value
constexpr std::size_t kMostEvaluations = 3'000'000;  // of a law at a point

/// Calls visit with the standard distribution of the law; x of the law is location + scale * standard x, but
/// for beta, which has the unit interval.
template <class Visitor>
double with(const ScoreLaw& law, Visitor&& visit) {
  switch (law.kind) {
    case ScoreLaw::Kind::normal:
      return visit(boost::math::normal_distribution<double, Quiet>(0.0, 1.0), law.location, law.scale);
    case ScoreLaw::Kind::student_t:
      return visit(boost::math::students_t_distribution<double, Quiet>(law.shape), law.location, law.scale);
    case ScoreLaw::Kind::beta:
      return visit(boost::math::beta_distribution<double, Quiet>(law.location, law.scale), 0.0, 1.0);
    case ScoreLaw::Kind::gamma:
      return visit(boost::math::gamma_distribution<double, Quiet>(law.shape, 1.0), 0.0, law.scale);
    case ScoreLaw::Kind::gumbel:
      return visit(boost::math::extreme_value_distribution<double, Quiet>(0.0, 1.0), law.location, law.scale);
    case ScoreLaw::Kind::fixed:
    case ScoreLaw::Kind::unknown:
      break;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

/// The standard x, kept within the support: a density outside would be an error to Boost.
double standard(const ScoreLaw& law, double x, double location, double scale) noexcept {
  const double z = (x - location) / scale;
  const bool bounded = law.kind == ScoreLaw::Kind::beta;
  const bool positive = bounded || law.kind == ScoreLaw::Kind::gamma;
  return std::clamp(z, positive ? 0.0 : -std::numeric_limits<double>::max(),
                    bounded ? 1.0 : std::numeric_limits<double>::max());
}

double cdf(const ScoreLaw& law, double x) {
  return with(law, [&](const auto& d, double location, double scale) {
    return boost::math::cdf(d, standard(law, x, location, scale));
  });
}
double density(const ScoreLaw& law, double x) {
  return with(law, [&](const auto& d, double location, double scale) {
    return boost::math::pdf(d, standard(law, x, location, scale)) / scale;
  });
}
/// x with P(draw > x) = upper.
double from_above(const ScoreLaw& law, double upper) {
  return with(law, [&](const auto& d, double location, double scale) {
    return location + scale * boost::math::quantile(boost::math::complement(d, upper));
  });
}
double from_below(const ScoreLaw& law, double lower) {
  return with(law, [&](const auto& d, double location, double scale) {
    return location + scale * boost::math::quantile(d, lower);
  });
}

/// Adds up what the panels give to each of the laws.
class Integral {
 public:
  Integral(std::span<const ScoreLaw> laws, std::span<double> out)
      : laws_(laws), out_(out), below_(laws.size()), kronrod_(laws.size()), gauss_(laws.size()) {}

  /// One panel, halved until it yields. False: it does not.
  bool add(double from, double to, double tolerance) {
    struct Panel {
      double from;
      double to;
    };
    std::vector<Panel> open{{from, to}};
    while (!open.empty()) {
      const Panel panel = open.back();
      open.pop_back();
      const double apart = rule(panel.from, panel.to);
      const double middle = panel.from + 0.5 * (panel.to - panel.from);
      // The 15 points are far better than the 7 that they are compared with.
      const double error = std::min(apart, std::pow(200.0 * apart, 1.5));
      const bool fine = error <= tolerance || !(middle > panel.from && middle < panel.to);
      evaluated_ += 15 * laws_.size();
      if (std::isnan(apart) || evaluated_ > kMostEvaluations) {
        return false;
      }
      if (!fine) {
        open.push_back({middle, panel.to});
        open.push_back({panel.from, middle});
        continue;
      }
      error_ += error;
      for (std::size_t i = 0; i < out_.size(); ++i) {
        out_[i] += kronrod_[i];
      }
    }
    return true;
  }
  [[nodiscard]] double error() const noexcept { return error_; }

 private:
  /// Both rules over [from, to]; how far they are apart, summed over the laws.
  double rule(double from, double to) {
    using Kronrod = boost::math::quadrature::gauss_kronrod<double, 15>;
    using Gauss = boost::math::quadrature::gauss<double, 7>;
    std::ranges::fill(kronrod_, 0.0);
    std::ranges::fill(gauss_, 0.0);
    const double half = 0.5 * (to - from);
    const double middle = from + half;
    for (std::size_t k = 0; k < Kronrod::abscissa().size(); ++k) {
      // Every second point of the 15, from the middle on, is one of the 7.
      const double in_gauss = k % 2 == 0 ? Gauss::weights()[k / 2] : 0.0;
      const double away = half * Kronrod::abscissa()[k];
      point(middle + away, half * Kronrod::weights()[k], half * in_gauss);
      if (k > 0) {
        point(middle - away, half * Kronrod::weights()[k], half * in_gauss);
      }
    }
    double apart = 0.0;
    for (std::size_t i = 0; i < out_.size(); ++i) {
      apart += std::abs(kronrod_[i] - gauss_[i]);
    }
    return apart;
  }

  void point(double x, double weight, double in_gauss) {
    double all_below = 1.0;
    for (std::size_t j = 0; j < laws_.size(); ++j) {
      below_[j] = cdf(laws_[j], x);
      all_below *= below_[j];
    }
    for (std::size_t i = 0; i < laws_.size() && all_below > 0.0; ++i) {
      const double value = density(laws_[i], x) * (all_below / below_[i]);
      kronrod_[i] += weight * value;
      gauss_[i] += in_gauss * value;
    }
  }

  std::span<const ScoreLaw> laws_;
  std::span<double> out_;
  std::vector<double> below_;
  std::vector<double> kronrod_;
  std::vector<double> gauss_;
  double error_ = 0.0;
  std::size_t evaluated_ = 0;
};

/// Where panels begin and end: quantiles of the laws between `low` and `high`, at which they are cut to the
/// scale of each law.
std::optional<std::vector<double>> cuts_between(std::span<const ScoreLaw> laws, double low, double high) {
  std::vector<double> cuts{low, high};
  for (const ScoreLaw& law : laws) {
    for (const double cut :
         {from_below(law, 1e-4), from_below(law, 0.1), from_above(law, 0.1), from_above(law, 1e-4)}) {
      if (std::isnan(cut)) {
        return std::nullopt;
      }
      if (cut > low && cut < high) {
        cuts.push_back(cut);
      }
    }
  }
  std::ranges::sort(cuts);
  return cuts;
}

/// Those that are before all others share alike.
double share_first(std::span<const ScoreLaw> laws, std::span<double> out) {
  const auto first = [](const ScoreLaw& law) {
    return law.kind == ScoreLaw::Kind::fixed && law.location == std::numeric_limits<double>::infinity();
  };
  const auto of = static_cast<double>(std::ranges::count_if(laws, first));
  for (std::size_t i = 0; i < laws.size(); ++i) {
    out[i] = first(laws[i]) ? 1.0 / of : 0.0;
  }
  return 0.0;
}

}  // namespace

std::optional<double> largest_draw_probabilities(std::span<const ScoreLaw> laws, std::span<double> out) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  std::ranges::fill(out, 0.0);
  double best_fixed = -kInfinity;
  double low = -kInfinity;
  for (const ScoreLaw& law : laws) {
    if (law.kind == ScoreLaw::Kind::unknown) {
      return std::nullopt;
    }
    const bool fixed = law.kind == ScoreLaw::Kind::fixed;
    best_fixed = fixed ? std::max(best_fixed, law.location) : best_fixed;
    const double lowest = fixed ? law.location : from_below(law, kLeftOut);
    if (std::isnan(lowest) || (!fixed && !std::isfinite(lowest))) {
      return std::nullopt;
    }
    low = std::max(low, lowest);
  }
  if (best_fixed == kInfinity) {
    return share_first(laws, out);
  }
  // Who can win: no draw is the largest below `low`, but with a probability that is left out.
  std::vector<ScoreLaw> contenders;
  std::vector<std::size_t> of;
  double high = low;
  double ties = 0.0;
  double none_above = 1.0;  // of the draws above the best fixed score
  for (std::size_t i = 0; i < laws.size(); ++i) {
    if (laws[i].kind == ScoreLaw::Kind::fixed) {
      ties += laws[i].location == best_fixed ? 1.0 : 0.0;
      continue;
    }
    const double highest = from_above(laws[i], kLeftOut);
    if (!std::isfinite(highest)) {
      return std::nullopt;
    }
    if (highest > low) {
      contenders.push_back(laws[i]);
      of.push_back(i);
      high = std::max(high, highest);
      none_above *= ties > 0.0 || best_fixed > -kInfinity ? cdf(laws[i], best_fixed) : 1.0;
    }
  }
  for (std::size_t i = 0; i < laws.size() && ties > 0.0; ++i) {
    if (laws[i].kind == ScoreLaw::Kind::fixed && laws[i].location == best_fixed) {
      out[i] = none_above / ties;
    }
  }
  if (contenders.empty()) {
    return 0.0;
  }
  const std::optional<std::vector<double>> cuts = cuts_between(contenders, low, high);
  if (!cuts) {
    return std::nullopt;
  }
  std::vector<double> shares(contenders.size(), 0.0);
  Integral integral(contenders, shares);
  const double tolerance = kTolerance / static_cast<double>(cuts->size());
  bool yields = true;
  for (std::size_t i = 0; i + 1 < cuts->size() && yields; ++i) {
    yields = (*cuts)[i] >= (*cuts)[i + 1] || integral.add((*cuts)[i], (*cuts)[i + 1], tolerance);
  }
  const double taken = none_above * (ties > 0.0 ? 1.0 : 0.0);
  const double error = integral.error() + std::abs(std::reduce(shares.begin(), shares.end(), taken) - 1.0);
  if (!yields || !(error <= kLargestError)) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < of.size(); ++i) {
    out[of[i]] = shares[i];
  }
  return error;
}

}  // namespace attune
