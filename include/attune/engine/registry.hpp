// SPDX-License-Identifier: Apache-2.0
/// @file
/// Registry: from a name and JSON options to a policy or learner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <attune/core/concepts.hpp>
#include <attune/engine/any_agent.hpp>
#include <attune/engine/any_bandit.hpp>
#include <attune/engine/any_continuous_bandit.hpp>
#include <attune/engine/any_dueling_bandit.hpp>
#include <attune/engine/any_learner.hpp>
#include <attune/engine/any_optimizer.hpp>
#include <attune/engine/any_slate_bandit.hpp>

namespace attune {

/// What a decision point runs.
using AnyPolicy =
    std::variant<AnyBandit, AnyAgent, AnyOptimizer, AnyContinuousBandit, AnyDuelingBandit, AnySlateBandit>;

/// The families of algorithms; learners predict, the others decide, and decision points run them.
enum class Family : std::uint8_t { bandit, agent, optimizer, learner, slate, dueling, continuous };
[[nodiscard]] std::string_view to_string(Family family) noexcept;

/// One option of an algorithm, as its Config declares it.
struct OptionInfo {
  std::string name;
  std::string type;  ///< "boolean", "integer", "number", "string", "choice", "numbers" or "list"
  double min = 0.0;  ///< of integer, number and each of numbers; number of entries of a list
  double max = 0.0;
  bool required = false;             ///< the default is no allowed value
  std::string default_json;          ///< JSON text of the default; empty where required
  std::vector<std::string> choices;  ///< of "choice"
  std::vector<OptionInfo> entry;     ///< options of each entry of "list"
  std::string doc;
};

/// One algorithm of a registry.
struct AlgorithmInfo {
  std::string name;
  Family family{};
  std::uint32_t state_version = 0;
  std::vector<OptionInfo> options;
};

namespace detail {

struct FieldRef;

/// An enum field, by the position of its value in kEnumNames.
struct EnumRef {
  void* field;
  std::span<const std::string_view> names;
  std::size_t (*get)(const void* field);
  void (*set)(void* field, std::size_t value);
};

/// A vector of structs that have `fields` themselves.
struct ListRef {
  void* field;
  std::size_t (*size)(const void* field);
  void (*resize)(void* field, std::size_t size);
  std::vector<FieldRef> (*entry)(void* field, std::size_t index);
};

/// One field of a Config object, its type erased, so that JSON is handled in one place and compiled once.
struct FieldRef {
  std::string_view name;
  std::variant<bool*, std::uint32_t*, std::uint64_t*, double*, std::string*, std::vector<double>*, EnumRef,
               ListRef>
      field;
  Bounds bounds;
  std::string_view doc;
};

template <class E>
[[nodiscard]] EnumRef enum_ref(E& field) {
  static_assert(!kEnumNames<E>.empty(), "a Config field's enum needs a specialisation of kEnumNames");
  return {&field, kEnumNames<E>,
          [](const void* at) { return static_cast<std::size_t>(*static_cast<const E*>(at)); },
          [](void* at, std::size_t value) { *static_cast<E*>(at) = static_cast<E>(value); }};
}

template <class Config>
[[nodiscard]] std::vector<FieldRef> field_refs(Config& config);

template <class Entry>
[[nodiscard]] ListRef list_ref(std::vector<Entry>& field) {
  using List = std::vector<Entry>;
  return {&field, [](const void* at) { return static_cast<const List*>(at)->size(); },
          [](void* at, std::size_t size) { static_cast<List*>(at)->resize(size); },
          [](void* at, std::size_t index) { return field_refs((*static_cast<List*>(at))[index]); }};
}

/// The fields of a Config. Lists of structs are no `fields`; a Config that has some declares them in the same
/// way in `lists(self, visit)`, the bounds being those of their number of entries.
template <class Config>
std::vector<FieldRef> field_refs(Config& config) {
  std::vector<FieldRef> refs;
  Config::fields(config,
                 [&refs]<class T>(std::string_view name, T& field, Bounds bounds, std::string_view doc) {
                   if constexpr (std::is_enum_v<T>) {
                     refs.push_back({name, enum_ref(field), bounds, doc});
                   } else {
                     refs.push_back({name, &field, bounds, doc});
                   }
                 });
  if constexpr (requires { Config::lists(config, [](auto&&...) {}); }) {
    Config::lists(config, [&refs]<class Entry>(std::string_view name, std::vector<Entry>& field,
                                               Bounds bounds, std::string_view doc) {
      refs.push_back({name, list_ref(field), bounds, doc});
    });
  }
  return refs;
}

/// Sets the fields from a JSON object whose other keys must be "type" alone. Errors: invalid_config, with the
/// path.
[[nodiscard]] Result<void> read_spec(const nlohmann::json& spec, std::span<const FieldRef> fields,
                                     std::string_view path);
/// Puts the path before the message of an error of `make`.
[[nodiscard]] Error at_path(Error error, std::string_view path);
/// Says what is wrong with the shape for an agent that reads `features` numbers; 0: any.
[[nodiscard]] Result<void> check_state_shape(std::string_view name, const Shape& shape, std::size_t features);

/// Makes an algorithm from its specification.
template <class Any>
using Maker = std::function<Result<Any>(const nlohmann::json&, const Shape&, std::string_view)>;

/// A registered algorithm. What decision points run has `policy`, and its own handle's maker where it has
/// one.
struct RegistryEntry {
  std::string_view name;
  Family family{};
  std::uint32_t state_version = 0;
  Maker<AnyPolicy> policy;
  Maker<AnyLearner> learner;
  Maker<AnySlateBandit> slate;
  Maker<AnyDuelingBandit> dueling;
  Maker<AnyContinuousBandit> continuous;
  /// Calls `visit` with the fields of a Config that has the defaults.
  std::function<void(const std::function<void(std::span<const FieldRef>)>& visit)> defaults;
};

/// Reads a Config and makes a T of it.
template <class T>
[[nodiscard]] Result<T> make_from(const nlohmann::json& spec, const Shape& shape, std::string_view path) {
  typename T::Config config;
  if (Result<void> read = read_spec(spec, field_refs(config), path); !read) {
    return tl::unexpected(std::move(read).error());
  }
  if constexpr (ArmAgent<T>) {
    if (Result<void> fits = check_state_shape(T::kName, shape, StateFrom<typename T::State>::kFeatures);
        !fits) {
      return tl::unexpected(at_path(std::move(fits).error(), path));
    }
  }
  Result<T> made = [&] {
    if constexpr (Configured<T>) {
      return T::make(config, shape);
    } else {
      return T::make(config);
    }
  }();
  if (!made) {
    return tl::unexpected(at_path(std::move(made).error(), path));
  }
  return made;
}

template <class T, class Any>
[[nodiscard]] Result<AnyPolicy> make_policy_from(const nlohmann::json& spec, const Shape& shape,
                                                 std::string_view path) {
  Result<T> made = make_from<T>(spec, shape, path);
  if (!made) {
    return tl::unexpected(std::move(made).error());
  }
  return AnyPolicy(Any(*std::move(made)));
}

template <class T, class Any>
[[nodiscard]] Result<Any> make_any_from(const nlohmann::json& spec, const Shape& shape,
                                        std::string_view path) {
  Result<T> made = make_from<T>(spec, shape, path);
  if (!made) {
    return tl::unexpected(std::move(made).error());
  }
  return Any(*std::move(made));
}

template <class T>
[[nodiscard]] RegistryEntry registry_entry() {
  static_assert(Bandit<T> || ArmAgent<T> || Optimizer<T> || OnlineLearner<T> || SlateBandit<T> ||
                    DuelingBandit<T> || ContinuousBandit<T>,
                "Registry: the type is no Bandit, no RLAgent over arms, no Optimizer, no OnlineLearner, no "
                "SlateBandit, no DuelingBandit and no ContinuousBandit");
  RegistryEntry entry;
  entry.name = T::kName;
  entry.state_version = T::kStateVersion;
  if constexpr (Bandit<T>) {
    entry.family = Family::bandit;
    entry.policy = &make_policy_from<T, AnyBandit>;
  } else if constexpr (ArmAgent<T>) {
    entry.family = Family::agent;
    entry.policy = &make_policy_from<T, AnyAgent>;
  } else if constexpr (Optimizer<T>) {
    entry.family = Family::optimizer;
    entry.policy = &make_policy_from<T, AnyOptimizer>;
  } else if constexpr (SlateBandit<T>) {
    entry.family = Family::slate;
    entry.slate = &make_any_from<T, AnySlateBandit>;
    entry.policy = &make_policy_from<T, AnySlateBandit>;
  } else if constexpr (DuelingBandit<T>) {
    entry.family = Family::dueling;
    entry.dueling = &make_any_from<T, AnyDuelingBandit>;
    entry.policy = &make_policy_from<T, AnyDuelingBandit>;
  } else if constexpr (ContinuousBandit<T>) {
    entry.family = Family::continuous;
    entry.continuous = &make_any_from<T, AnyContinuousBandit>;
    entry.policy = &make_policy_from<T, AnyContinuousBandit>;
  } else {
    entry.family = Family::learner;
    entry.learner = &make_any_from<T, AnyLearner>;
  }
  entry.defaults = [](const std::function<void(std::span<const FieldRef>)>& visit) {
    typename T::Config config;
    visit(field_refs(config));
  };
  return entry;
}

}  // namespace detail

/// A list of algorithms that can be made from JSON: the built-in ones, and those that the program adds.
///
/// A specification is an object: `{"type": "ucb1", "exploration": 0.5}`; the other keys are the algorithm's
/// options. `path` is where the specification stands in the whole configuration ("points[0].policy"); errors
/// begin with it. Errors of all readers: invalid_config. An unknown type lists the known ones; an unknown
/// key, a value of the wrong type and a value outside its bounds are named with their path. Nothing is
/// rounded, wrapped or guessed. Threads: const members together.
class Registry {
 public:
  /// With the built-in algorithms.
  Registry();

  /// Adds an algorithm of the program's own. Errors: duplicate, when the name is taken among those that are
  /// made in the same way.
  template <class T>
  [[nodiscard]] Result<void> add() {
    return add_entry(detail::registry_entry<T>());
  }

  /// What decision points run.
  [[nodiscard]] Result<AnyPolicy> make_policy(const nlohmann::json& spec, const Shape& shape,
                                              std::string_view path = {}) const;
  [[nodiscard]] Result<AnyLearner> make_learner(const nlohmann::json& spec, const Shape& shape,
                                                std::string_view path = {}) const;
  [[nodiscard]] Result<AnySlateBandit> make_slate_bandit(const nlohmann::json& spec, const Shape& shape,
                                                         std::string_view path = {}) const;
  [[nodiscard]] Result<AnyDuelingBandit> make_dueling_bandit(const nlohmann::json& spec, const Shape& shape,
                                                             std::string_view path = {}) const;
  [[nodiscard]] Result<AnyContinuousBandit> make_continuous_bandit(const nlohmann::json& spec,
                                                                   const Shape& shape,
                                                                   std::string_view path = {}) const;

  /// What is registered: by family, each in order of registration.
  [[nodiscard]] std::vector<AlgorithmInfo> algorithms() const;
  /// JSON Schema (draft 2020-12) of the specification of what make_policy() makes: `oneOf`, told apart by the
  /// constant "type".
  [[nodiscard]] nlohmann::json policy_schema() const;
  [[nodiscard]] nlohmann::json learner_schema() const;
  /// The same for what is made in the same way as this family.
  [[nodiscard]] nlohmann::json schema(Family family) const;

 private:
  [[nodiscard]] Result<void> add_entry(detail::RegistryEntry entry);
  [[nodiscard]] Result<const detail::RegistryEntry*> find(const nlohmann::json& spec, Family family,
                                                          std::string_view path) const;

  std::vector<detail::RegistryEntry> entries_;
};

/// The built-in algorithms only, as a Registry does.
[[nodiscard]] Result<AnyPolicy> make_policy(const nlohmann::json& spec, const Shape& shape,
                                            std::string_view path = {});
[[nodiscard]] Result<AnyLearner> make_learner(const nlohmann::json& spec, const Shape& shape,
                                              std::string_view path = {});
[[nodiscard]] Result<AnySlateBandit> make_slate_bandit(const nlohmann::json& spec, const Shape& shape,
                                                       std::string_view path = {});
[[nodiscard]] Result<AnyDuelingBandit> make_dueling_bandit(const nlohmann::json& spec, const Shape& shape,
                                                           std::string_view path = {});
[[nodiscard]] Result<AnyContinuousBandit> make_continuous_bandit(const nlohmann::json& spec,
                                                                 const Shape& shape,
                                                                 std::string_view path = {});
[[nodiscard]] std::vector<AlgorithmInfo> algorithms();
[[nodiscard]] nlohmann::json policy_schema();
[[nodiscard]] nlohmann::json learner_schema();

}  // namespace attune
