// SPDX-License-Identifier: Apache-2.0
// expect: AnomalyDetector: need `Anomaly update
#include <attune/safety/z_score.hpp>

namespace attune {

struct Subject {
  using Config = ZScoreConfig;
  static constexpr std::string_view kName = "subject";
  static constexpr std::uint32_t kStateVersion = 1;
  static Result<Subject> make(const Config& /*config*/) { return Subject(); }
  Anomaly score(double /*value*/) const noexcept { return {}; }
#ifdef ATTUNE_SHOULD_FAIL
  Anomaly update(double /*value*/) { return {}; }  // it runs where nobody catches
#else
  Anomaly update(double /*value*/) noexcept { return {}; }
#endif
  void reset() noexcept {}
  const AnomalyCount& count() const noexcept { return count_; }
  void save(Writer& /*writer*/) const {}
  Result<void> load(Reader& /*reader*/) { return {}; }
  Description describe() const { return {}; }
  bool operator==(const Subject&) const = default;

 private:
  AnomalyCount count_;
};
static_assert(check_anomaly_detector<Subject>());

}  // namespace attune
