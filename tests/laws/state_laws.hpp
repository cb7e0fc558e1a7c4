// SPDX-License-Identifier: Apache-2.0
/// @file
/// The laws of Persistent, for whichever family: what is saved comes back, and hostile bytes do no harm.
#pragma once

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>

#include <gtest/gtest.h>

#include <attune/core/concepts.hpp>
#include <attune/policies/builtin.hpp>

namespace attune::laws {

/// The list of shipped types as googletest wants it.
template <class List>
struct AsTestTypes;
template <class... Types>
struct AsTestTypes<TypeList<Types...>> {
  using type = testing::Types<Types...>;
};

/// Those types of a list for which `Wanted<T>::value`.
template <class List, template <class> class Wanted, class Kept = testing::Types<>>
struct Filtered;
template <template <class> class Wanted, class... Kept>
struct Filtered<TypeList<>, Wanted, testing::Types<Kept...>> {
  using type = testing::Types<Kept...>;
};
template <class First, class... Rest, template <class> class Wanted, class... Kept>
struct Filtered<TypeList<First, Rest...>, Wanted, testing::Types<Kept...>>
    : Filtered<
          TypeList<Rest...>, Wanted,
          std::conditional_t<Wanted<First>::value, testing::Types<Kept..., First>, testing::Types<Kept...>>> {
};

/// Names the instances of a suite after the algorithms: BanditLaws/ucb1.
struct TypeNames {
  template <class P>
  static std::string GetName(int /*index*/) {
    return std::string(P::kName);
  }
};

template <Persistent P>
[[nodiscard]] Bytes saved(const P& value) {
  Writer writer;
  value.save(writer);
  return std::move(writer).take();
}

/// Equal, and equal in every stored bit: == takes -0 for 0.
template <Persistent P>
[[nodiscard]] testing::AssertionResult same_state(const P& left, const P& right) {
  if (!(left == right)) {
    return testing::AssertionFailure() << "operator== tells the states apart";
  }
  if (saved(left) != saved(right)) {
    return testing::AssertionFailure() << "the states are equal but not bit for bit";
  }
  return testing::AssertionSuccess();
}

/// Restores `original` into `target` by both ways; `target` must have been made with the same Config and
/// Shape.
template <Persistent P>
void expect_round_trip(const P& original, const P& target) {
  P raw = target;
  const Bytes payload = saved(original);
  Reader reader(payload);
  const Result<void> loaded = raw.load(reader);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_TRUE(reader.at_end()) << reader.left() << " bytes were not read";
  EXPECT_TRUE(same_state(raw, original));

  P framed = target;
  const Result<void> restored = load_state(framed, save_state(original));
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_TRUE(same_state(framed, original));
}

/// `target` is any other state: it must survive each refused load.
template <Persistent P>
void expect_every_cut_is_refused(const P& original, P target) {
  const P before = target;
  const Bytes payload = saved(original);
  for (std::size_t length = 0; length < payload.size(); ++length) {
    Reader reader(ByteView(payload).first(length));
    const Result<void> loaded = target.load(reader);
    ASSERT_FALSE(loaded) << "the first " << length << " of " << payload.size()
                         << " bytes were taken for a state";
    ASSERT_FALSE(loaded.error().message.empty());
    ASSERT_TRUE(same_state(target, before)) << "cut at " << length;
  }
  const Bytes framed = save_state(original);
  for (std::size_t length = 0; length < framed.size(); ++length) {
    ASSERT_FALSE(load_state(target, ByteView(framed).first(length))) << "cut at " << length;
  }
  EXPECT_TRUE(same_state(target, before));
}

/// Without a checksum a flipped bit may give another valid state; `probe` is called with it and must find it
/// sound.
template <Persistent P, class Probe>
void expect_flipped_bits_do_no_harm(const P& original, P target, const Probe& probe) {
  const P before = target;
  Bytes payload = saved(original);
  for (std::size_t bit = 0; bit < 8 * payload.size(); ++bit) {
    std::byte& byte = payload[bit / 8];
    const std::byte mask = std::byte{1} << (bit % 8);
    byte ^= mask;
    Reader reader(payload);
    if (target.load(reader)) {
      P again = before;
      const Bytes bytes = saved(target);
      Reader second(bytes);
      ASSERT_TRUE(again.load(second)) << "bit " << bit << " gave a state that cannot be stored";
      ASSERT_TRUE(same_state(again, target)) << "bit " << bit;
      probe(target);
      ASSERT_FALSE(testing::Test::HasFatalFailure()) << "bit " << bit;
      target = before;
    } else {
      ASSERT_TRUE(same_state(target, before)) << "bit " << bit;
    }
    byte ^= mask;
  }
}

template <Persistent P>
void expect_the_frame_notices_every_flipped_bit(const P& original, P target) {
  const P before = target;
  Bytes framed = save_state(original);
  for (std::size_t bit = 0; bit < 8 * framed.size(); ++bit) {
    std::byte& byte = framed[bit / 8];
    const std::byte mask = std::byte{1} << (bit % 8);
    byte ^= mask;
    ASSERT_FALSE(load_state(target, framed)) << "bit " << bit;
    byte ^= mask;
  }
  EXPECT_TRUE(same_state(target, before));
}

/// Now and then an arm is disabled, enabled, reset, an unknown one meant, or, up to seven, another added.
template <HasArms B>
void change_arms(B& bandit, Rng& world) {
  const ArmIndex arm = to_arm(static_cast<std::size_t>(world.below(bandit.arm_count() + 1)));
  const std::uint64_t act = world.below(20);
  if (act < 3) {
    (void)bandit.set_enabled(arm, act != 0);
  } else if (act == 3) {
    (void)bandit.reset_arm(arm);
  } else if (act == 4 && bandit.arm_count() < 7) {
    ASSERT_TRUE(bandit.add_arm());
  }
}

}  // namespace attune::laws
