// SPDX-License-Identifier: Apache-2.0
#include <attune/engine/registry.hpp>

#include <algorithm>
#include <iterator>

#include <nlohmann/json.hpp>

#include "engine/config_fields.hpp"
#include "engine/registry_builtin.hpp"

namespace attune {
namespace {

const Registry& builtin_registry() {
  static const Registry kRegistry;
  return kRegistry;
}

/// Whether the function that makes a family makes this. What decision points run is made by one function.
bool makes(Family family, const detail::RegistryEntry& entry) noexcept {
  switch (family) {
    case Family::learner:
      return entry.learner != nullptr;
    case Family::slate:
      return entry.slate != nullptr;
    case Family::dueling:
      return entry.dueling != nullptr;
    case Family::continuous:
      return entry.continuous != nullptr;
    default:
      return entry.policy != nullptr;
  }
}

/// One function makes both: their names must differ.
bool made_alike(const detail::RegistryEntry& left, const detail::RegistryEntry& right) noexcept {
  return left.family == right.family || (left.policy != nullptr && right.policy != nullptr);
}

}  // namespace

namespace detail {

Error at_path(Error error, std::string_view path) {
  if (!path.empty()) {
    error.message = std::string(path) + ": " + error.message;
  }
  return error;
}

Result<void> check_state_shape(std::string_view name, const Shape& shape, std::size_t features) {
  if (features == 0 || (shape.features == features && !shape.sparse)) {
    return {};
  }
  return fail(Errc::invalid_config, std::string(name) + " reads its state from " + std::to_string(features) +
                                        " dense feature" + (features == 1 ? "" : "s") + "; the context has " +
                                        std::to_string(shape.features) +
                                        (shape.sparse ? " sparse ones" : ""));
}

}  // namespace detail

std::string_view to_string(Family family) noexcept {
  switch (family) {
    case Family::bandit:
      return "bandit";
    case Family::agent:
      return "agent";
    case Family::optimizer:
      return "optimizer";
    case Family::learner:
      return "learner";
    case Family::slate:
      return "slate";
    case Family::dueling:
      return "dueling";
    case Family::continuous:
      return "continuous";
  }
  return "unknown";
}

Registry::Registry() {
  detail::append_bandits(entries_);
  detail::append_agents(entries_);
  detail::append_optimizers(entries_);
  detail::append_learners(entries_);
  detail::append_sets(entries_);
}

Result<void> Registry::add_entry(detail::RegistryEntry entry) {
  for (const detail::RegistryEntry& known : entries_) {
    if (known.name == entry.name && made_alike(known, entry)) {
      return fail(Errc::duplicate,
                  "an algorithm named " + std::string(entry.name) + " is already registered");
    }
  }
  // Families stay together, so that lists and schema are in one order however algorithms are added.
  const auto after = std::ranges::upper_bound(entries_, entry.family, {}, &detail::RegistryEntry::family);
  entries_.insert(after, std::move(entry));
  return {};
}

Result<const detail::RegistryEntry*> Registry::find(const nlohmann::json& spec, Family family,
                                                    std::string_view path) const {
  if (!spec.is_object()) {
    return fail(Errc::invalid_config, std::string(path.empty() ? "the specification" : path) +
                                          " should be an object, not " +
                                          std::string(detail::json_kind(spec)));
  }
  const std::string at = detail::join_path(path, "type");
  const auto type = spec.find("type");
  std::string known;
  for (const detail::RegistryEntry& entry : entries_) {
    if (makes(family, entry)) {
      if (type != spec.end() && type->is_string() && type->get_ref<const std::string&>() == entry.name) {
        return &entry;
      }
      known += (known.empty() ? "" : ", ") + std::string(entry.name);
    }
  }
  if (type == spec.end()) {
    return fail(Errc::invalid_config, at + " is required: one of " + known);
  }
  if (!type->is_string()) {
    return fail(Errc::invalid_config,
                at + " should be a string, not " + std::string(detail::json_kind(*type)));
  }
  return fail(Errc::invalid_config,
              at + " = \"" + type->get_ref<const std::string&>() + "\" is none of: " + known);
}

Result<AnyPolicy> Registry::make_policy(const nlohmann::json& spec, const Shape& shape,
                                        std::string_view path) const {
  return find(spec, Family::bandit, path).and_then([&](const detail::RegistryEntry* entry) {
    return entry->policy(spec, shape, path);
  });
}

Result<AnyLearner> Registry::make_learner(const nlohmann::json& spec, const Shape& shape,
                                          std::string_view path) const {
  return find(spec, Family::learner, path).and_then([&](const detail::RegistryEntry* entry) {
    return entry->learner(spec, shape, path);
  });
}

Result<AnySlateBandit> Registry::make_slate_bandit(const nlohmann::json& spec, const Shape& shape,
                                                   std::string_view path) const {
  return find(spec, Family::slate, path).and_then([&](const detail::RegistryEntry* entry) {
    return entry->slate(spec, shape, path);
  });
}

Result<AnyDuelingBandit> Registry::make_dueling_bandit(const nlohmann::json& spec, const Shape& shape,
                                                       std::string_view path) const {
  return find(spec, Family::dueling, path).and_then([&](const detail::RegistryEntry* entry) {
    return entry->dueling(spec, shape, path);
  });
}

Result<AnyContinuousBandit> Registry::make_continuous_bandit(const nlohmann::json& spec, const Shape& shape,
                                                             std::string_view path) const {
  return find(spec, Family::continuous, path).and_then([&](const detail::RegistryEntry* entry) {
    return entry->continuous(spec, shape, path);
  });
}

std::vector<AlgorithmInfo> Registry::algorithms() const {
  std::vector<AlgorithmInfo> all;
  for (const detail::RegistryEntry& entry : entries_) {
    AlgorithmInfo info{.name = std::string(entry.name),
                       .family = entry.family,
                       .state_version = entry.state_version,
                       .options = {}};
    entry.defaults(
        [&](std::span<const detail::FieldRef> fields) { info.options = detail::field_options(fields); });
    all.push_back(std::move(info));
  }
  return all;
}

nlohmann::json Registry::schema(Family family) const {
  nlohmann::json choices = nlohmann::json::array();
  for (const detail::RegistryEntry& entry : entries_) {
    if (makes(family, entry)) {
      nlohmann::json one;
      entry.defaults([&](std::span<const detail::FieldRef> fields) { one = detail::fields_schema(fields); });
      one["title"] = entry.name;
      one["properties"]["type"] = {{"const", entry.name}};
      one["required"].push_back("type");
      choices.push_back(std::move(one));
    }
  }
  return {{"oneOf", std::move(choices)}};
}

nlohmann::json Registry::policy_schema() const { return schema(Family::bandit); }
nlohmann::json Registry::learner_schema() const { return schema(Family::learner); }

Result<AnyPolicy> make_policy(const nlohmann::json& spec, const Shape& shape, std::string_view path) {
  return builtin_registry().make_policy(spec, shape, path);
}

Result<AnyLearner> make_learner(const nlohmann::json& spec, const Shape& shape, std::string_view path) {
  return builtin_registry().make_learner(spec, shape, path);
}

Result<AnySlateBandit> make_slate_bandit(const nlohmann::json& spec, const Shape& shape,
                                         std::string_view path) {
  return builtin_registry().make_slate_bandit(spec, shape, path);
}

Result<AnyDuelingBandit> make_dueling_bandit(const nlohmann::json& spec, const Shape& shape,
                                             std::string_view path) {
  return builtin_registry().make_dueling_bandit(spec, shape, path);
}

Result<AnyContinuousBandit> make_continuous_bandit(const nlohmann::json& spec, const Shape& shape,
                                                   std::string_view path) {
  return builtin_registry().make_continuous_bandit(spec, shape, path);
}

std::vector<AlgorithmInfo> algorithms() { return builtin_registry().algorithms(); }
nlohmann::json policy_schema() { return builtin_registry().policy_schema(); }
nlohmann::json learner_schema() { return builtin_registry().learner_schema(); }

}  // namespace attune
