// SPDX-License-Identifier: Apache-2.0
/// @file
/// TypeList: a list of types, and lists joined.
#pragma once

namespace attune {

/// A list of types.
template <class... Types>
struct TypeList {};

namespace detail {

template <class... Lists>
struct JoinLists;
template <class... Types>
struct JoinLists<TypeList<Types...>> {
  using type = TypeList<Types...>;
};
template <class... First, class... Second, class... Rest>
struct JoinLists<TypeList<First...>, TypeList<Second...>, Rest...>
    : JoinLists<TypeList<First..., Second...>, Rest...> {};

}  // namespace detail

/// The types of all the lists, in order.
template <class... Lists>
using Joined = typename detail::JoinLists<Lists...>::type;

}  // namespace attune
