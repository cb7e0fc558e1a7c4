// SPDX-License-Identifier: Apache-2.0
#include "policies/bayes/parameter_space.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include <boost/random/sobol.hpp>

namespace attune::detail {
namespace {

constexpr double kExactIntegers = 9007199254740992.0;  // 2^53

double rescaled(const ParameterSpec& parameter, double value) noexcept {
  return parameter.scale == ParameterScale::log ? std::log(value) : value;
}

/// Inverse of to_unit before rounding, from the ends `low` and `high`.
double interpolate(const ParameterSpec& parameter, double low, double high, double unit) noexcept {
  const double from = rescaled(parameter, low);
  const double to = rescaled(parameter, high);
  const double value = from * (1.0 - unit) + to * unit;  // no overflow, as to - from may
  return parameter.scale == ParameterScale::log ? std::exp(value) : value;
}

double fit(const ParameterSpec& parameter, double value) noexcept {
  if (parameter.type == ParameterType::integer) {
    value = std::floor(value + 0.5);
  }
  return std::clamp(value, parameter.low, parameter.high);
}

}  // namespace

Result<void> check_parameters(std::span<const ParameterSpec> parameters) {
  if (parameters.empty() || parameters.size() > 64) {
    return fail(Errc::invalid_config,
                "parameters has " + std::to_string(parameters.size()) + " entries; allowed are 1 to 64");
  }
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const ParameterSpec& p = parameters[i];
    const std::string at = "parameters[" + std::to_string(i) + "]";
    if (Result<void> bounds = check_bounds(p); !bounds) {
      return fail(Errc::invalid_config, at + "." + bounds.error().message);
    }
    if (p.name.empty() || p.name.size() > 255) {
      return fail(Errc::invalid_config, at + ".name must have 1 to 255 bytes");
    }
    if (!names.insert(p.name).second) {
      return fail(Errc::invalid_config, at + ".name = \"" + p.name + "\" is given twice");
    }
    if (!(p.low < p.high)) {
      return fail(Errc::invalid_config,
                  at + ".low = " + number_text(p.low) + " is not below high = " + number_text(p.high));
    }
    if (p.scale == ParameterScale::log && p.low <= 0.0) {
      return fail(Errc::invalid_config,
                  at + ".low = " + number_text(p.low) + " is not positive, as scale log needs");
    }
    for (const double end : {p.low, p.high}) {
      if (p.type == ParameterType::integer && (end != std::floor(end) || std::abs(end) > kExactIntegers)) {
        return fail(Errc::invalid_config,
                    at + ": " + number_text(end) +
                        " is no bound of an integer parameter; whole numbers up to 2^53 are");
      }
    }
  }
  return {};
}

double to_unit(const ParameterSpec& parameter, double value) noexcept {
  const double low = rescaled(parameter, parameter.low);
  const double high = rescaled(parameter, parameter.high);
  const double at = rescaled(parameter, value);
  // Halves keep the differences finite for the widest boxes.
  return std::clamp((0.5 * at - 0.5 * low) / (0.5 * high - 0.5 * low), 0.0, 1.0);
}

double from_unit(const ParameterSpec& parameter, double unit) noexcept {
  if (unit <= 0.0 || unit >= 1.0) {  // exact at the ends, where exp(log(x)) need not be x
    return unit <= 0.0 ? parameter.low : parameter.high;
  }
  return fit(parameter, interpolate(parameter, parameter.low, parameter.high, unit));
}

double from_uniform(const ParameterSpec& parameter, double uniform) noexcept {
  if (parameter.type == ParameterType::real) {
    return from_unit(parameter, uniform);
  }
  return fit(parameter, interpolate(parameter, parameter.low - 0.5, parameter.high + 0.5, uniform));
}

std::vector<double> shifted_sobol(std::size_t count, std::size_t dimension, Rng& rng) {
  std::vector<std::uint64_t> shift(dimension);
  for (std::uint64_t& digits : shift) {
    digits = rng();
  }
  boost::random::sobol sequence(
      dimension);  // 64-bit entries, one coordinate a call; it starts after the zero point
  std::vector<double> points(count * dimension);
  for (std::size_t i = 0; i < points.size(); ++i) {
    const std::uint64_t digits = (i < dimension ? 0 : sequence()) ^ shift[i % dimension];
    points[i] = static_cast<double>(digits >> 11U) * 0x1.0p-53;
  }
  return points;
}

}  // namespace attune::detail
