// SPDX-License-Identifier: Apache-2.0
/// @file
/// Laws that detectors of drift and of anomalies have in common: what watches a stream, value by value.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <string_view>
#include <type_traits>

#include <gtest/gtest.h>

#include <attune/core/concepts.hpp>

#include "tests/laws/state_laws.hpp"
#include "tests/support/allocation_counter.hpp"

namespace attune::laws {

/// Saved after `cut` values and loaded into `other`, a detector says of the rest what it would have said.
/// `equal` compares what two updates return.
template <class D, class Equal>
void expect_goes_on_after_a_round_trip(const D& fresh, const D& other, std::span<const double> values,
                                       std::span<const std::size_t> cuts, Equal&& equal) {
  for (const std::size_t cut : cuts) {
    D original = fresh;
    for (const double value : values.first(cut)) {
      (void)original.update(value);
    }
    expect_round_trip(original, fresh);
    D copy = other;
    const Bytes bytes = saved(original);
    Reader reader(bytes);
    ASSERT_TRUE(copy.load(reader));
    for (const double value : values.subspan(cut)) {
      ASSERT_TRUE(equal(copy.update(value), original.update(value))) << value << " after " << cut;
    }
    EXPECT_TRUE(same_state(copy, original));
  }
}

template <class D>
void expect_no_allocation(D detector, std::span<const double> values) {
  const test::AllocationCount counter;
  for (const double value : values) {
    (void)detector.update(value);
  }
  detector.reset();
  const std::size_t made = counter.count();
  EXPECT_EQ(made, 0U);
}

/// After reset() a detector says what a fresh one does, and keeps its counters.
template <class D, class Equal>
void expect_reset_forgets_the_stream(D detector, D fresh, std::span<const double> values, Equal&& equal) {
  const auto before = detector.count();
  detector.reset();
  EXPECT_EQ(detector.count(), before);
  for (const double value : values) {
    ASSERT_TRUE(equal(detector.update(value), fresh.update(value))) << value;
  }
}

/// Of a detector that has been given so many values.
template <class D>
void expect_description(const D& detector, double values) {
  const Description text = detector.describe();
  EXPECT_FALSE(text.summary.empty());
  EXPECT_EQ(text.values.at(0).first, "values");
  EXPECT_EQ(text.values.at(0).second, values);
}

/// Every number of the configuration is refused below and above its bounds and as NaN, by name. How many
/// cases there were.
template <class D>
std::size_t expect_options_out_of_bounds_are_refused() {
  using Config = typename D::Config;
  std::size_t refused = 0;
  const auto try_one = [&](std::string_view name, Bounds bounds, double wrong) {
    Config config;
    bool set = false;
    Config::fields(config, [&]<class T>(std::string_view other, T& field, Bounds, std::string_view) {
      if constexpr (std::is_same_v<T, double>) {
        if (other == name && !(wrong >= bounds.min && wrong <= bounds.max)) {
          field = wrong;
          set = true;
        }
      }
    });
    if (!set) {
      return;
    }
    const auto made = D::make(config);
    ASSERT_FALSE(made) << name << " = " << wrong;
    EXPECT_EQ(made.error().code, Errc::invalid_config);
    EXPECT_NE(made.error().message.find(name), std::string::npos) << made.error().message;
    ++refused;
  };
  Config names;
  Config::fields(names, [&](std::string_view name, auto& /*field*/, Bounds bounds, std::string_view) {
    if (bounds.min == bounds.max) {
      return;  // booleans and names
    }
    for (const double wrong : {bounds.min - 1.0, bounds.max * 4.0, std::nan("")}) {
      try_one(name, bounds, wrong);
    }
  });
  return refused;
}

/// A handle around `plain` says what it says; copies are equal until one is reset.
template <class Handle, class D, class Equal>
void expect_handle(D plain, std::span<const double> values, Equal&& equal) {
  Handle handle(plain);
  EXPECT_EQ(handle.name(), D::kName);
  for (const double value : values) {
    ASSERT_TRUE(equal(handle.update(value), plain.update(value))) << value;
  }
  Handle copy = handle;
  EXPECT_TRUE(copy == handle);
  copy.reset();
  EXPECT_FALSE(copy == handle);
  const D* held = handle.template as<D>();
  ASSERT_NE(held, nullptr);
  EXPECT_TRUE(same_state(*held, plain));
}

}  // namespace attune::laws
