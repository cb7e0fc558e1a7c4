// SPDX-License-Identifier: Apache-2.0
/// @file
/// Archetypes: types that satisfy a concept and can do nothing else, so that generic code that asks for more
/// than its concept does not compile with them. The parts are templates over the type that is made of them:
/// the compile-fail tests hide single members.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <attune/core/concepts.hpp>
#include <attune/core/continuous.hpp>
#include <attune/core/duels.hpp>
#include <attune/core/slates.hpp>
#include <attune/safety/drift.hpp>

namespace attune::test {

template <class Self>
class PersistentPart {
 public:
  static constexpr std::string_view kName = "archetype";
  static constexpr std::uint32_t kStateVersion = 1;

  void save(Writer& writer) const { writer.u64(count_); }
  Result<void> load(Reader& reader) {
    const std::uint64_t count = reader.u64();
    if (!reader.ok()) {
      return fail(Errc::corrupt_state, "archetype: the state is cut short");
    }
    count_ = count;
    return {};
  }
  Description describe() const { return {.summary = "an archetype"}; }
  friend bool operator==(const Self& left, const Self& right) { return left.count_ == right.count_; }

  // Nothing may be made from nothing: concepts do not ask for a default constructor.
  explicit PersistentPart(std::uint64_t count) : count_(count) {}

 protected:
  std::uint64_t count_;
};

template <class Self>
class LearnerPart : public PersistentPart<Self> {
 public:
  struct Config {};
  using PersistentPart<Self>::PersistentPart;
  static Result<Self> make(const Config& /*config*/, const Shape& /*shape*/) { return Self(0); }
  Errc partial_fit(const Input& /*input*/, double /*target*/, double /*weight*/) noexcept {
    ++this->count_;
    return Errc::ok;
  }
  double predict(const Input& /*input*/) const noexcept { return 0.0; }
  std::uint64_t updates() const noexcept { return this->count_; }
};

template <class Self>
class BanditPart : public PersistentPart<Self> {
 public:
  struct Config {};
  using PersistentPart<Self>::PersistentPart;
  static Result<Self> make(const Config& /*config*/, const Shape& /*shape*/) { return Self(0); }
  Choice select(const Context& /*context*/, Rng& /*rng*/) const noexcept {
    return {.arm = to_arm(0), .propensity = 1.0, .status = Errc::ok};
  }
  Errc update(const Feedback& /*feedback*/) noexcept {
    ++this->count_;
    return Errc::ok;
  }
  std::size_t arm_count() const noexcept { return 1; }
  bool enabled(ArmIndex arm) const noexcept { return arm == to_arm(0); }
  Result<ArmIndex> add_arm() { return fail(Errc::full, "an archetype has one arm"); }
  Errc set_enabled(ArmIndex /*arm*/, bool /*on*/) noexcept { return Errc::ok; }
  Errc reset_arm(ArmIndex /*arm*/) noexcept { return Errc::ok; }
  Result<void> warm_start(ArmIndex /*arm*/, const ArmPrior& /*prior*/) { return {}; }
  std::uint64_t updates() const noexcept { return this->count_; }
};

/// What a state or action need be: copyable, and what the agent itself asks for.
struct Opaque {
  int inside = 0;
};

template <class Self>
class AgentPart : public PersistentPart<Self> {
 public:
  struct Config {};
  using State = Opaque;
  using Action = Opaque;
  using PersistentPart<Self>::PersistentPart;
  static Result<Self> make(const Config& /*config*/, const Shape& /*shape*/) { return Self(0); }
  ActionChoice<Opaque> select_action(const Opaque& state, Rng& /*rng*/) const noexcept {
    return {.action = state, .propensity = 1.0};
  }
  Errc update(const Experience<Opaque, Opaque>& /*experience*/) noexcept {
    ++this->count_;
    return Errc::ok;
  }
  std::size_t action_count() const noexcept { return 1; }
  std::uint64_t updates() const noexcept { return this->count_; }
};

template <class Self>
class OptimizerPart : public PersistentPart<Self> {
 public:
  struct Config {};
  using PersistentPart<Self>::PersistentPart;
  static Result<Self> make(const Config& /*config*/) { return Self(0); }
  Result<std::vector<double>> ask(Rng& rng) const { return std::vector<double>{rng.uniform()}; }
  Errc begin(const Trial& /*trial*/) { return Errc::ok; }
  Errc tell(std::uint64_t /*id*/, double /*value*/) { return Errc::ok; }
  Errc forget(std::uint64_t /*id*/) { return Errc::ok; }
  std::size_t dimension() const noexcept { return 1; }
  std::size_t pending() const noexcept { return 0; }
  Trial best() const { return {}; }
};

/// The arms of those that choose several.
template <class Self>
class ArmsPart : public PersistentPart<Self> {
 public:
  struct Config {};
  using PersistentPart<Self>::PersistentPart;
  static Result<Self> make(const Config& /*config*/, const Shape& /*shape*/) { return Self(0); }
  std::size_t arm_count() const noexcept { return 1; }
  bool enabled(ArmIndex arm) const noexcept { return arm == to_arm(0); }
  Result<ArmIndex> add_arm() { return fail(Errc::full, "an archetype has one arm"); }
  Errc set_enabled(ArmIndex /*arm*/, bool /*on*/) noexcept { return Errc::ok; }
  Errc reset_arm(ArmIndex /*arm*/) noexcept { return Errc::ok; }
  std::uint64_t updates() const noexcept { return this->count_; }
};

template <class Self>
class SlateBanditPart : public ArmsPart<Self> {
 public:
  using ArmsPart<Self>::ArmsPart;
  SlateChoice select_slate(const Context& /*context*/, Rng& /*rng*/, const SlateOut& /*out*/) const noexcept {
    return SlateChoice::refused(Errc::no_arm);
  }
  Errc update(const SlateFeedback& /*feedback*/) noexcept {
    ++this->count_;
    return Errc::ok;
  }
  bool takes(SlateSignal /*signal*/) const noexcept { return true; }
};

template <class Self>
class DuelingBanditPart : public ArmsPart<Self> {
 public:
  using ArmsPart<Self>::ArmsPart;
  PairChoice select_pair(const Context& /*context*/, Rng& /*rng*/) const noexcept {
    return PairChoice::refused(Errc::no_arm);
  }
  Errc update(const DuelFeedback& /*feedback*/) noexcept {
    ++this->count_;
    return Errc::ok;
  }
  ArmIndex best_arm() const noexcept { return to_arm(0); }
};

template <class Self>
class ContinuousBanditPart : public PersistentPart<Self> {
 public:
  struct Config {};
  using PersistentPart<Self>::PersistentPart;
  static Result<Self> make(const Config& /*config*/, const Shape& /*shape*/) { return Self(0); }
  ActionDensity select_action(const Context& /*context*/, Rng& /*rng*/,
                              std::span<double> /*out*/) const noexcept {
    return {.density = 1.0, .status = Errc::ok};
  }
  double density(const Context& /*context*/, Features /*action*/) const noexcept { return 1.0; }
  Errc update(const ActionFeedback& /*feedback*/) noexcept {
    ++this->count_;
    return Errc::ok;
  }
  std::size_t dimension() const noexcept { return 1; }
  Bounds range(std::size_t /*coordinate*/) const noexcept { return {0.0, 1.0}; }
  std::uint64_t updates() const noexcept { return this->count_; }
};

template <class Self>
class DetectorPart : public PersistentPart<Self> {
 public:
  struct Config {};
  using PersistentPart<Self>::PersistentPart;
  static Result<Self> make(const Config& /*config*/) { return Self(0); }
  Signal update(double /*value*/) noexcept {
    ++this->count_;
    return Signal::none;
  }
  void reset() noexcept {}
  const StreamCount& count() const noexcept { return stream_; }

 private:
  StreamCount stream_;
};

struct PersistentArchetype : PersistentPart<PersistentArchetype> {
  using PersistentPart::PersistentPart;
};
struct LearnerArchetype : LearnerPart<LearnerArchetype> {
  using LearnerPart::LearnerPart;
};
struct BanditArchetype : BanditPart<BanditArchetype> {
  using BanditPart::BanditPart;
};
struct AgentArchetype : AgentPart<AgentArchetype> {
  using AgentPart::AgentPart;
};
struct OptimizerArchetype : OptimizerPart<OptimizerArchetype> {
  using OptimizerPart::OptimizerPart;
};
struct SlateBanditArchetype : SlateBanditPart<SlateBanditArchetype> {
  using SlateBanditPart::SlateBanditPart;
};
struct DuelingBanditArchetype : DuelingBanditPart<DuelingBanditArchetype> {
  using DuelingBanditPart::DuelingBanditPart;
};
struct ContinuousBanditArchetype : ContinuousBanditPart<ContinuousBanditArchetype> {
  using ContinuousBanditPart::ContinuousBanditPart;
};
struct DetectorArchetype : DetectorPart<DetectorArchetype> {
  using DetectorPart::DetectorPart;
};

}  // namespace attune::test
