// SPDX-License-Identifier: Apache-2.0
#include <span>
#include <string_view>

#include "engine/policy_ops.hpp"

namespace attune {

void OpLog::add(std::uint32_t point, const PolicyOp& op) {
  Entry& entry = entries_.emplace_back();
  entry.point = point;
  entry.op = op;
  entry.dense = keep(op.input.dense);
  entry.sparse_index = keep(op.input.sparse.index);
  entry.sparse_value = keep(op.input.sparse.value);
  entry.next_dense = keep(op.next.dense);
  entry.next_index = keep(op.next.sparse.index);
  entry.next_value = keep(op.next.sparse.value);
  entry.action = keep(op.action);
  entry.values = keep(op.values);
  entry.items = keep(op.items);
  entry.text = {text_.size(), op.text.size()};
  text_.insert(text_.end(), op.text.begin(), op.text.end());
}

void OpLog::clear() noexcept {
  entries_.clear();
  numbers_.clear();
  words_.clear();
  text_.clear();
}

OpLog::Part OpLog::keep(std::span<const double> numbers) {
  const Part part{numbers_.size(), numbers.size()};
  numbers_.insert(numbers_.end(), numbers.begin(), numbers.end());
  return part;
}

OpLog::Part OpLog::keep(std::span<const std::uint32_t> words) {
  const Part part{words_.size(), words.size()};
  words_.insert(words_.end(), words.begin(), words.end());
  return part;
}

PolicyOp OpLog::view(const Entry& entry) const noexcept {
  PolicyOp op = entry.op;
  op.input = {.dense = numbers(entry.dense),
              .sparse = {.index = words(entry.sparse_index), .value = numbers(entry.sparse_value)}};
  op.next = {.dense = numbers(entry.next_dense),
             .sparse = {.index = words(entry.next_index), .value = numbers(entry.next_value)}};
  op.action = numbers(entry.action);
  op.values = numbers(entry.values);
  op.items = numbers(entry.items);
  op.text = std::string_view(text_.data(), text_.size()).substr(entry.text.at, entry.text.size);
  return op;
}

}  // namespace attune
