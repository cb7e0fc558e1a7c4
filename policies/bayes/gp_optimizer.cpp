// SPDX-License-Identifier: Apache-2.0
#include <attune/policies/gp_optimizer.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "policies/bayes/gaussian_process.hpp"
#include "policies/bayes/parameter_space.hpp"
#include "policies/bayes/proposal.hpp"

namespace attune {
namespace {

/// Values brought to mean 0 and variance 1, with what it takes to go back.
struct Standardised {
  std::vector<double> values;
  double mean = 0.0;
  double deviation = 1.0;
};

Standardised standardise(std::vector<double> values) {
  // Divided by the largest first: sums of values near the end of the range must not overflow.
  double largest = 0.0;
  for (const double value : values) {
    largest = std::max(largest, std::abs(value));
  }
  const double scale = largest > 0.0 ? largest : 1.0;
  const auto count = static_cast<double>(values.size());
  double mean = 0.0;
  for (const double value : values) {
    mean += value / scale / count;
  }
  double variance = 0.0;
  for (const double value : values) {
    variance += (value / scale - mean) * (value / scale - mean) / count;
  }
  // Equal up to rounding: nothing to scale.
  const double deviation = variance > 1e-26 ? std::sqrt(variance) : 1.0;
  for (double& value : values) {
    value = (value / scale - mean) / deviation;
  }
  return {std::move(values), mean * scale, deviation * scale};
}

/// Appends a setting in the unit box.
void append_unit(std::span<const ParameterSpec> parameters, std::span<const double> setting,
                 std::vector<double>& points) {
  for (std::size_t k = 0; k < setting.size(); ++k) {
    points.push_back(detail::to_unit(parameters[k], setting[k]));
  }
}

/// What the process is built from: the chosen trials in the unit box, their values standardised.
struct ModelData {
  detail::GpData data;
  double mean = 0.0;
  double deviation = 1.0;
};

ModelData model_data(std::span<const ParameterSpec> parameters, std::span<const double> settings,
                     std::span<const double> values, std::span<const std::size_t> chosen) {
  detail::GpData data{.dimension = parameters.size(), .points = {}, .values = {}};
  for (const std::size_t trial : chosen) {
    append_unit(parameters, settings.subspan(trial * parameters.size(), parameters.size()), data.points);
    data.values.push_back(values[trial]);
  }
  Standardised standard = standardise(std::move(data.values));
  data.values = std::move(standard.values);
  return {std::move(data), standard.mean, standard.deviation};
}

/// Order of trials: largest value first, then the older one.
auto by_value(std::span<const double> values) noexcept {
  return [values](std::size_t a, std::size_t b) {
    return values[a] != values[b] ? values[a] > values[b] : a < b;
  };
}

/// Random starts of a fit that is not a decision's.
Rng fixed_rng() noexcept { return Rng(0, name_stream(GpOptimizer::kName)); }

Error corrupt(const char* what) { return {Errc::corrupt_state, std::string("gp_optimizer: ") + what}; }

}  // namespace

static_assert(check_optimizer<GpOptimizer>());

Result<GpOptimizer> GpOptimizer::make(const Config& config) {
  if (Result<void> verdict = check_bounds(config); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  if (Result<void> verdict = detail::check_parameters(config.parameters); !verdict) {
    return tl::unexpected(std::move(verdict).error());
  }
  return GpOptimizer(config);
}

std::vector<std::size_t> GpOptimizer::model_trials() const {
  std::vector<std::size_t> chosen(values_.size());
  std::iota(chosen.begin(), chosen.end(), std::size_t{0});
  if (chosen.size() > config_.model_points) {
    const auto best = static_cast<std::ptrdiff_t>(config_.model_points / 2);
    const auto latest = static_cast<std::ptrdiff_t>(config_.model_points) - best;
    const auto old_end = chosen.end() - latest;
    std::ranges::sort(chosen.begin(), old_end, by_value(values_));
    chosen.erase(chosen.begin() + best, old_end);
    std::ranges::sort(chosen);
  }
  return chosen;
}

Result<std::vector<double>> GpOptimizer::ask(Rng& rng) const {
  std::vector<double> taken;
  for (const Trials* const trials : {&finished_, &pending_}) {
    for (std::size_t i = 0; i < trials->ids.size(); ++i) {
      append_unit(config_.parameters, setting(*trials, i), taken);
    }
  }
  detail::ProposalTask task{.parameters = config_.parameters,
                            .taken = taken,
                            .finished = nullptr,
                            .pending = {},
                            .candidates = config_.candidates,
                            .local_searches = config_.local_searches};
  std::vector<double> unit;
  if (!has_model()) {
    unit = detail::propose_design(task, rng);
  } else {
    const detail::GpData data =
        model_data(config_.parameters, finished_.settings, values_, model_trials()).data;
    const std::size_t pending_used = std::min<std::size_t>(pending(), config_.model_points / 2);
    task.finished = &data;
    task.pending = std::span(taken).last(pending_used * dimension());
    const detail::GpParameters kernel =
        detail::fit_parameters(data, {.noise_floor = config_.noise_floor}, rng);
    unit = detail::propose_improvement(task, kernel, rng);
  }
  for (std::size_t k = 0; k < unit.size(); ++k) {
    unit[k] = detail::from_unit(config_.parameters[k], unit[k]);
  }
  return unit;
}

Errc GpOptimizer::check_setting(std::span<const double> setting) const noexcept {
  if (setting.size() != dimension()) {
    return Errc::dimension_mismatch;
  }
  if (!all_finite(setting)) {
    return Errc::non_finite;
  }
  for (std::size_t k = 0; k < setting.size(); ++k) {
    const ParameterSpec& parameter = config_.parameters[k];
    const bool whole = parameter.type == ParameterType::real || setting[k] == std::floor(setting[k]);
    if (setting[k] < parameter.low || setting[k] > parameter.high || !whole) {
      return Errc::invalid_argument;
    }
  }
  return Errc::ok;
}

Errc GpOptimizer::begin(const Trial& trial) {
  if (const Errc wrong = check_setting(trial.values); wrong != Errc::ok) {
    return wrong;
  }
  if (std::ranges::find(pending_.ids, trial.id) != pending_.ids.end() ||
      std::ranges::find(finished_.ids, trial.id) != finished_.ids.end()) {
    return Errc::duplicate;
  }
  if (finished() + pending() >= config_.max_trials) {
    return Errc::full;
  }
  pending_.ids.push_back(trial.id);
  pending_.settings.insert(pending_.settings.end(), trial.values.begin(), trial.values.end());
  return Errc::ok;
}

Errc GpOptimizer::tell(std::uint64_t id, double value) {
  const auto found = std::ranges::find(pending_.ids, id);
  if (found == pending_.ids.end()) {
    return Errc::unknown_decision;
  }
  if (!std::isfinite(value)) {
    return Errc::non_finite;
  }
  const std::span<const double> told =
      setting(pending_, static_cast<std::size_t>(found - pending_.ids.begin()));
  finished_.settings.insert(finished_.settings.end(), told.begin(), told.end());
  finished_.ids.push_back(id);
  values_.push_back(value);
  return forget(id);
}

Errc GpOptimizer::forget(std::uint64_t id) {
  const auto found = std::ranges::find(pending_.ids, id);
  if (found == pending_.ids.end()) {
    return Errc::unknown_decision;
  }
  const auto first =
      pending_.settings.begin() + (found - pending_.ids.begin()) * static_cast<std::ptrdiff_t>(dimension());
  pending_.settings.erase(first, first + static_cast<std::ptrdiff_t>(dimension()));
  pending_.ids.erase(found);
  return Errc::ok;
}

std::size_t GpOptimizer::best_finished() const {
  if (!has_model()) {
    return static_cast<std::size_t>(std::ranges::max_element(values_) - values_.begin());
  }
  const std::vector<std::size_t> chosen = model_trials();
  const detail::GpData data = model_data(config_.parameters, finished_.settings, values_, chosen).data;
  Rng rng = fixed_rng();
  const detail::GaussianProcess process(
      data, detail::fit_parameters(data, {.noise_floor = config_.noise_floor}, rng));
  std::size_t best = 0;
  for (std::size_t i = 1; i < chosen.size(); ++i) {
    if (process.mean_at(i) > process.mean_at(best)) {
      best = i;
    }
  }
  return chosen[best];
}

Trial GpOptimizer::best() const {
  if (values_.empty()) {
    return {};
  }
  const std::size_t best = best_finished();
  const std::span<const double> values = setting(finished_, best);
  return {.id = finished_.ids[best], .values = std::vector<double>(values.begin(), values.end())};
}

std::vector<std::string> GpOptimizer::parameter_names() const {
  std::vector<std::string> names;
  names.reserve(config_.parameters.size());
  for (const ParameterSpec& parameter : config_.parameters) {
    names.push_back(parameter.name);
  }
  return names;
}

void GpOptimizer::save(Writer& writer) const {
  writer.u32(static_cast<std::uint32_t>(dimension()));
  writer.numbers(finished_.ids);
  writer.numbers(finished_.settings);
  writer.numbers(values_);
  writer.numbers(pending_.ids);
  writer.numbers(pending_.settings);
}

Result<void> GpOptimizer::load(Reader& reader) {
  const std::uint32_t stored = reader.u32();
  if (reader.ok() && stored != dimension()) {
    return fail(Errc::dimension_mismatch, "gp_optimizer is configured for " + std::to_string(dimension()) +
                                              " parameters, the stored state has " + std::to_string(stored));
  }
  Trials finished;
  Trials pending;
  finished.ids = reader.numbers<std::uint64_t>();
  finished.settings = reader.numbers<double>();
  std::vector<double> values = reader.numbers<double>();
  pending.ids = reader.numbers<std::uint64_t>();
  pending.settings = reader.numbers<double>();
  if (!reader.ok() || !reader.at_end() || finished.settings.size() != finished.ids.size() * dimension() ||
      values.size() != finished.ids.size() || pending.settings.size() != pending.ids.size() * dimension()) {
    return tl::unexpected(corrupt("the state is cut or its parts do not fit together"));
  }
  std::vector<std::uint64_t> ids = finished.ids;
  ids.insert(ids.end(), pending.ids.begin(), pending.ids.end());
  std::ranges::sort(ids);
  if (std::ranges::adjacent_find(ids) != ids.end()) {
    return tl::unexpected(corrupt("two trials have the same id"));
  }
  for (const Trials* const trials : {&finished, &pending}) {
    for (std::size_t i = 0; i < trials->ids.size(); ++i) {
      if (check_setting(setting(*trials, i)) != Errc::ok) {
        return tl::unexpected(corrupt("a trial lies outside the configured parameters"));
      }
    }
  }
  if (!all_finite(values)) {
    return tl::unexpected(corrupt("a value is not finite"));
  }
  finished_ = std::move(finished);
  values_ = std::move(values);
  pending_ = std::move(pending);
  return {};
}

Description GpOptimizer::describe() const {
  Description out;
  out.summary = "Gaussian-process optimizer of " + std::to_string(dimension()) + " parameters, " +
                std::to_string(finished()) + " trials finished, " + std::to_string(pending()) + " pending";
  out.values = {{"parameters", static_cast<double>(dimension())},
                {"finished", static_cast<double>(finished())},
                {"pending", static_cast<double>(pending())},
                {"initial_design", static_cast<double>(design_size())}};
  out.columns = parameter_names();
  out.columns.emplace_back("value");
  constexpr std::size_t kRows = 10;
  std::vector<std::size_t> order(values_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, by_value(values_));
  for (std::size_t i = 0; i < std::min(kRows, order.size()); ++i) {
    const std::span<const double> values = setting(finished_, order[i]);
    out.rows.emplace_back(values.begin(), values.end()).push_back(values_[order[i]]);
  }
  if (has_model()) {
    const ModelData model = model_data(config_.parameters, finished_.settings, values_, model_trials());
    Rng rng = fixed_rng();
    const detail::GpParameters kernel =
        detail::fit_parameters(model.data, {.noise_floor = config_.noise_floor}, rng);
    out.values.emplace_back("noise_deviation", std::exp(0.5 * kernel.log_noise) * model.deviation);
    out.values.emplace_back("signal_deviation", std::exp(0.5 * kernel.log_signal) * model.deviation);
    for (std::size_t k = 0; k < dimension(); ++k) {
      out.values.emplace_back("length." + config_.parameters[k].name, std::exp(kernel.log_length[k]));
    }
  }
  return out;
}

}  // namespace attune
