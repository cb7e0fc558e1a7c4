// SPDX-License-Identifier: Apache-2.0
#include "store/arrow_builder.hpp"

#include <array>
#include <cmath>
#include <cstring>
#include <utility>

namespace attune::detail {
namespace {

/// Memory of one ArrowSchema, freed by its release callback.
struct SchemaHolder {
  std::string name;
  std::string format;
  std::vector<ArrowSchema> children;
  std::vector<ArrowSchema*> pointers;
};

/// A consumer may move a child out: it then has a null release, and its copy is released by the consumer.
void release_schema(ArrowSchema* schema) {
  for (std::int64_t i = 0; i < schema->n_children; ++i) {
    ArrowSchema* child = schema->children[i];
    if (child->release != nullptr) {
      child->release(child);
    }
  }
  delete static_cast<SchemaHolder*>(schema->private_data);
  schema->release = nullptr;
}

[[nodiscard]] ArrowSchema make_schema(std::string name, std::string format, bool nullable,
                                      std::vector<ArrowSchema> children) {
  auto holder = std::make_unique<SchemaHolder>();
  holder->name = std::move(name);
  holder->format = std::move(format);
  holder->children = std::move(children);
  for (ArrowSchema& child : holder->children) {
    holder->pointers.push_back(&child);
  }
  ArrowSchema schema{};
  schema.format = holder->format.c_str();
  schema.name = holder->name.c_str();
  schema.flags = nullable ? ARROW_FLAG_NULLABLE : 0;
  schema.n_children = static_cast<std::int64_t>(holder->pointers.size());
  schema.children = holder->pointers.data();
  schema.release = release_schema;
  schema.private_data = holder.release();
  return schema;
}

}  // namespace

/// Memory of one ArrowArray.
struct ArrowHolder {
  ArrowColumn column;
  std::vector<ArrowArray> children;
  std::vector<ArrowArray*> pointers;
  std::array<const void*, 3> buffers{};
};

namespace {

void release_array(ArrowArray* array) {
  for (std::int64_t i = 0; i < array->n_children; ++i) {
    ArrowArray* child = array->children[i];
    if (child->release != nullptr) {
      child->release(child);
    }
  }
  delete static_cast<ArrowHolder*>(array->private_data);
  array->release = nullptr;
}

[[nodiscard]] ArrowArray make_array(std::unique_ptr<ArrowHolder> holder, std::int64_t rows,
                                    std::int64_t nulls, std::int64_t buffers) {
  for (ArrowArray& child : holder->children) {
    holder->pointers.push_back(&child);
  }
  ArrowArray array{};
  array.length = rows;
  array.null_count = nulls;
  array.n_buffers = buffers;
  array.buffers = holder->buffers.data();
  array.n_children = static_cast<std::int64_t>(holder->pointers.size());
  array.children = holder->pointers.data();
  array.release = release_array;
  array.private_data = holder.release();
  return array;
}

/// What a buffer without bytes points to: some readers want an address.
constexpr double kNothing = 0.0;

[[nodiscard]] const void* address_of(const std::vector<std::byte>& bytes) noexcept {
  return bytes.empty() ? static_cast<const void*>(&kNothing) : bytes.data();
}

}  // namespace

void ArrowColumn::row(bool valid) {
  const auto index = static_cast<std::size_t>(rows_++);
  if (index % 8 == 0) {
    validity_.push_back(0);
  }
  if (valid) {
    validity_.back() = static_cast<std::uint8_t>(validity_.back() | (1U << (index % 8)));
  } else {
    ++nulls_;
  }
}

void ArrowColumn::fixed(const void* value, std::size_t size) {
  row(value != nullptr);
  const std::size_t at = data_.size();
  data_.resize(at + size);
  if (value != nullptr) {
    std::memcpy(data_.data() + at, value, size);
  }
}

void ArrowColumn::f64(double value) { fixed(std::isnan(value) ? nullptr : &value, sizeof value); }

void ArrowColumn::boolean(bool value) {
  const auto index = static_cast<std::size_t>(rows_);
  row(true);
  if (index % 8 == 0) {
    data_.push_back(std::byte{0});
  }
  if (value) {
    data_.back() |= static_cast<std::byte>(1U << (index % 8));
  }
}

void ArrowColumn::text(std::optional<std::string_view> value) {
  row(value.has_value());
  if (value) {
    const auto* const begin = reinterpret_cast<const std::byte*>(value->data());
    data_.insert(data_.end(), begin, begin + value->size());
  }
  offsets_.push_back(static_cast<std::int64_t>(data_.size()));
}

void ArrowColumn::list(std::span<const double> values) {
  row(true);
  const ByteView bytes = std::as_bytes(values);
  data_.insert(data_.end(), bytes.begin(), bytes.end());
  offsets_.push_back(static_cast<std::int64_t>(data_.size() / sizeof(double)));
}

void ArrowBuilder::hand_over(std::int64_t rows, ArrowSchema& schema, ArrowArray& array) && {
  std::vector<ArrowSchema> schemas;
  std::vector<ArrowArray> arrays;
  for (ArrowColumn& column : columns_) {
    const bool is_list = column.format_ == "+L";
    const bool has_offsets = is_list || column.format_ == "U";
    std::vector<ArrowSchema> item;
    if (is_list) {
      item.push_back(make_schema("item", "g", false, {}));
    }
    schemas.push_back(make_schema(column.name_, column.format_, true, std::move(item)));

    auto holder = std::make_unique<ArrowHolder>(
        ArrowHolder{.column = std::move(column), .children = {}, .pointers = {}, .buffers = {}});
    ArrowColumn& kept = holder->column;
    if (has_offsets) {
      kept.offsets_.insert(kept.offsets_.begin(), 0);
    }
    if (is_list) {
      auto items = std::make_unique<ArrowHolder>(
          ArrowHolder{.column = ArrowColumn("item", "g"), .children = {}, .pointers = {}, .buffers = {}});
      items->column.data_ = std::exchange(kept.data_, {});
      items->buffers[1] = address_of(items->column.data_);
      const auto count = static_cast<std::int64_t>(items->column.data_.size() / sizeof(double));
      holder->children.push_back(make_array(std::move(items), count, 0, 2));
    }
    const std::int64_t nulls = kept.nulls_;
    holder->buffers[0] = nulls > 0 ? kept.validity_.data() : nullptr;
    holder->buffers[1] =
        has_offsets ? static_cast<const void*>(kept.offsets_.data()) : address_of(kept.data_);
    holder->buffers[2] = address_of(kept.data_);
    const std::int64_t buffers = is_list || !has_offsets ? 2 : 3;
    arrays.push_back(make_array(std::move(holder), rows, nulls, buffers));
  }
  schema = make_schema("", "+s", false, std::move(schemas));
  auto holder = std::make_unique<ArrowHolder>(ArrowHolder{
      .column = ArrowColumn("", "+s"), .children = std::move(arrays), .pointers = {}, .buffers = {}});
  array = make_array(std::move(holder), rows, 0, 1);
}

}  // namespace attune::detail
