// SPDX-License-Identifier: Apache-2.0
/// @file
/// RidgeBank: many recursive ridge regressions of one dimension, the numbers behind linear bandits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <vector>

#include <attune/core/error.hpp>
#include <attune/core/serial.hpp>

namespace attune {

namespace detail {

struct CoarseVector;
struct StripVector;

/// Memory at cache-line boundaries, so that no 64-byte vector straddles two lines.
template <class T>
struct CacheAligned {
  using value_type = T;
  static constexpr std::align_val_t kAlignment{64};

  CacheAligned() = default;
  template <class U>
  explicit CacheAligned(const CacheAligned<U>& /*other*/) noexcept {}
  [[nodiscard]] T* allocate(std::size_t count) {
    if (count > std::size_t(-1) / sizeof(T)) {
      throw std::bad_array_new_length();
    }
    return static_cast<T*>(::operator new(count * sizeof(T), kAlignment));
  }
  void deallocate(T* block, std::size_t /*count*/) noexcept { ::operator delete(block, kAlignment); }
  bool operator==(const CacheAligned&) const = default;
};

}  // namespace detail

/// Ridge regressions that learn one observation (x, target, weight) at a time. Model m keeps
///
///     A = ridge I + sum weight x x',   b = sum weight target x,   P = A^-1,   theta = P b,
///
/// P and theta by the Sherman-Morrison identity, so that prediction theta'x and variance x'P x are always at
/// hand. With forgetting g < 1 each observation first scales what its model knows:
///
///     A <- g A + weight x x' + f e_k e_k',   b <- g b + weight target x,   f = ridge (1 - g^d),
///
/// where k counts through the d coordinates in turn. The last term is what a plain recursion lacks: without
/// it the ridge fades, and P grows without bound along directions that are not seen. With it the ridge of
/// every coordinate stays between ridge g^d and ridge for ever.
///
/// Rounding errors are held down by computing P anew from A once their bound has grown by max(1024, 8 d)
/// units (an observation adds 1 + weight x'P x; see docs/algorithms/lin_ucb.md for the drift measured).
///
/// Source of the refresh: Bauer, Reinsch (1971), "Inversion of Positive Definite Matrices by the Gauss-Jordan
/// Method", Handbook for Automatic Computation II, I/3; the operations are those of Cholesky's, in the order
/// that suits packed storage. Own code, because Eigen chooses the order of its sums by the machine's caches,
/// and results here must be the same bits everywhere. A pivot below the smallest that exact arithmetic allows
/// is lifted to it.
///
/// Cost: scores d^2/2 multiply-adds a model, learning about 2 d^2, a refresh d^3/2; none allocates. Memory:
/// d^2 doubles a model and half as many floats where there are many models, one after the other (see
/// src/core/kernels.hpp for the packing).
class RidgeBank {
 public:
  static constexpr std::size_t kMaxDimension = 4096;
  /// Numbers in all matrices of one kind: 16 GiB.
  static constexpr std::size_t kMaxNumbers = std::size_t{1} << 31;
  /// With forgetting g, g^dimension must stay above this.
  static constexpr double kLeastMemory = 0.01;

  /// An observation that was looked at and can be learned.
  struct Step {
    std::size_t model = 0;
    double weight = 0.0;
    double memory = 1.0;  ///< the factor on what is known
    double target = 0.0;
    double residual = 0.0;  ///< target - theta'x
    double variance = 0.0;  ///< x'P x
  };

  /// Errors: invalid_config: dimension, ridge or forgetting outside its range, or too many numbers.
  [[nodiscard]] static Result<RidgeBank> make(std::size_t models, std::size_t dimension, double ridge,
                                              double forgetting);

  /// mean[i] = theta'x and variance[i] = x'P x (>= 0) of model which[i].
  void scores(const detail::StripVector& x, std::span<const std::uint32_t> which, double* mean,
              double* variance) const noexcept;

  /// Whether the matrices are so many that a copy in 16 bits a number is kept for coarse_scores(): reading it
  /// takes a quarter of the time where reading memory is what takes the time.
  [[nodiscard]] bool keeps_coarse() const noexcept { return !coarse_.empty(); }
  /// As scores(), with the same bits in mean, but a variance that is only within `error` of the one that
  /// scores() gives; `error` may be infinite. Needs keeps_coarse().
  void coarse_scores(const detail::StripVector& x, const detail::CoarseVector& coarse,
                     std::span<const std::uint32_t> which, double* mean, double* variance,
                     double* error) const noexcept;

  /// Looks at an observation. Errors: non_finite when learning it would leave the finite numbers; nothing is
  /// changed. commit() must follow with the same x before another prepare().
  [[nodiscard]] Errc prepare(std::size_t model, const detail::StripVector& x, double target, double weight,
                             Step& step) noexcept;
  void commit(const Step& step) noexcept;
  /// Both. `weight` 0 changes nothing.
  [[nodiscard]] Errc learn(std::size_t model, const detail::StripVector& x, double target,
                           double weight) noexcept;
  /// Learns `weight` pseudo-observations of `target` at the unit vectors `first` ... dimension() - 1,
  /// forgetting nothing. Errors: non_finite; some of them may have been learned.
  [[nodiscard]] Errc learn_units(std::size_t model, std::size_t first, double target, double weight) noexcept;
  /// P * x of the prepared step, padded to whole strips.
  [[nodiscard]] std::span<const double> prepared_direction() const noexcept;

  /// Appends a model that has learned nothing. Errors: full.
  [[nodiscard]] Result<void> add();
  void reset(std::size_t model) noexcept;
  /// A <- keep A + (1 - keep) ridge I, b <- keep b: what was learned counts `keep` in [0, 1] times as much,
  /// and the prior as before. Cost: one refresh.
  void forget(std::size_t model, double keep) noexcept;
  /// Makes A, b, P and theta those of features factor_i x_i + shift_i instead of x_i; the last feature, the
  /// constant 1, stays. What was learned counts as before, exactly (forgetting 1). A model whose numbers
  /// would leave the finite ones is reset. Cost: one refresh.
  void rescale(std::size_t model, std::span<const double> factor, std::span<const double> shift) noexcept;
  /// Computes P and theta of a model anew from A and b.
  void refresh(std::size_t model) noexcept;

  [[nodiscard]] std::size_t count() const noexcept { return learned_.size(); }
  [[nodiscard]] std::size_t dimension() const noexcept { return dimension_; }
  [[nodiscard]] std::span<const double> coefficients(std::size_t model) const noexcept;
  /// Entry of A or of P.
  [[nodiscard]] double precision(std::size_t model, std::size_t row, std::size_t column) const noexcept;
  [[nodiscard]] double covariance(std::size_t model, std::size_t row, std::size_t column) const noexcept;
  /// Observations learned since the model was made or reset.
  [[nodiscard]] std::uint64_t learned(std::size_t model) const noexcept { return learned_[model]; }

  void save(Writer& writer) const;
  /// Reads a bank of the same dimension and any number of models. On a malformed input the reader fails and
  /// this is unchanged.
  void load(Reader& reader);
  [[nodiscard]] bool operator==(const RidgeBank& other) const noexcept;

 private:
  using Numbers = std::vector<double, detail::CacheAligned<double>>;
  // Bytes of covariances from which on the coarse copy is kept: beyond most second-level caches.
  static constexpr std::size_t kCoarseBytes = std::size_t{1} << 19;

  RidgeBank(std::size_t models, std::size_t dimension, double ridge, double forgetting);
  double add_unit(std::size_t model, std::size_t coordinate, double target, double weight) noexcept;
  void rank_one(std::size_t model, double memory, double weight, double gain) noexcept;
  void invert(double* matrix, const double* original) noexcept;
  [[nodiscard]] bool plausible() const noexcept;
  void start_coarse();
  void coarsen(std::size_t model) noexcept;

  std::size_t dimension_;
  double ridge_;
  double forgetting_;
  double ridge_memory_;  // forgetting^dimension
  std::size_t strips_;
  std::size_t stride_;         // numbers in a matrix
  std::size_t length_;         // numbers in a vector
  Numbers precision_;          // A
  Numbers covariance_;         // P
  Numbers response_;           // b
  Numbers coefficients_;       // theta
  std::vector<double> drift_;  // bound on rounding errors in P since the last refresh, in units
  std::vector<std::uint64_t> learned_;
  // Derived: P in 16 bits a number, and how wrong that is; empty below kCoarseBytes.
  struct CoarseError {
    double largest = 0.0;   ///< magnitude in P; infinite where the copy says nothing
    double rounding = 0.0;  ///< Frobenius norm of P less its copy
  };
  std::vector<std::uint32_t, detail::CacheAligned<std::uint32_t>> coarse_;
  std::vector<CoarseError> coarse_error_;
  // Scratch of one observation, not part of the state: x, P x, and two vectors for rank-one updates.
  Numbers point_;
  Numbers direction_;
  Numbers left_;
  Numbers right_;
};

}  // namespace attune
