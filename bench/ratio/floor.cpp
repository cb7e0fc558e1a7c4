// SPDX-License-Identifier: Apache-2.0
// The plain loops. Everything is in an unnamed namespace: this file is compiled with other instruction sets
// than the rest.
#include "bench/ratio/floor.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace attune::bench {
namespace {

class Xorshift {
 public:
  double uniform() noexcept { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }
  double normal() noexcept {  // Marsaglia's polar method
    double a = 0.0;
    double b = 0.0;
    double q = 0.0;
    do {
      a = 2.0 * uniform() - 1.0;
      b = 2.0 * uniform() - 1.0;
      q = a * a + b * b;
    } while (q >= 1.0 || q == 0.0);
    return a * std::sqrt(-2.0 * std::log(q) / q);
  }
  double gamma(double shape) noexcept {  // Marsaglia and Tsang, shape >= 1
    const double d = shape - 1.0 / 3.0;
    const double c = 1.0 / std::sqrt(9.0 * d);
    for (;;) {
      const double x = normal();
      double v = 1.0 + c * x;
      if (v <= 0.0) {
        continue;
      }
      v = v * v * v;
      const double u = uniform();
      if (u < 1.0 - 0.0331 * x * x * x * x || std::log(u) < 0.5 * x * x + d * (1.0 - v + std::log(v))) {
        return d * v;
      }
    }
  }

 private:
  std::uint64_t next() noexcept {
    state_ ^= state_ << 7U;
    state_ ^= state_ >> 9U;
    return state_ * 0x2545F4914F6CDD1DULL;
  }
  std::uint64_t state_ = 88172645463325252ULL;
};

class PlainLoop final : public Floor {
 public:
  PlainLoop(FloorKind kind, std::size_t arms, std::size_t features, std::span<const float> rows)
      : kind_(kind),
        arms_(arms),
        d_(features),
        rows_(rows),
        n_(arms, 1.0F),
        s_(arms, 0.5F),
        x_(features),
        z_(features) {
    if (kind == FloorKind::squarecb) {
      weights_.assign(arms * d_, 0.0F);
      scores_.assign(arms, 0.0F);
    }
    if (kind == FloorKind::lin_ucb) {
      inverse_.assign(arms * d_ * d_, 0.0F);
      weights_.assign(arms * d_, 0.0F);
      for (std::size_t arm = 0; arm < arms; ++arm) {
        for (std::size_t i = 0; i < d_; ++i) {
          inverse_[(arm * d_ + i) * d_ + i] = 1.0F;
        }
      }
    }
  }

  double steps(std::size_t count) override {
    double sum = 0.0;
    for (std::size_t i = 0; i < count; ++i) {
      decide();
      update();
      sum += static_cast<double>(chosen_);
    }
    return sum;
  }
  double decisions(std::size_t count) override {
    double sum = 0.0;
    for (std::size_t i = 0; i < count; ++i) {
      decide();
      sum += static_cast<double>(chosen_);
    }
    return sum;
  }

 private:
  void decide() noexcept {
    if (d_ > 0) {
      row_ = (row_ + d_) % rows_.size();
      std::memcpy(x_.data(), rows_.data() + row_, d_ * sizeof(float));
    }
    t_ += 1.0;
    switch (kind_) {
      case FloorKind::ucb1:
        return ucb1();
      case FloorKind::thompson_beta:
        return thompson();
      case FloorKind::epsilon_greedy:
        return epsilon_greedy();
      case FloorKind::lin_ucb:
        return lin_ucb();
      case FloorKind::squarecb:
        return squarecb();
    }
  }
  struct Largest {  // kept in registers: written to memory once a decision
    float best = -1e30F;
    std::size_t arm = 0;
    void take(std::size_t candidate, float value) noexcept {
      if (value > best) {
        best = value;
        arm = candidate;
      }
    }
  };
  void ucb1() noexcept {
    Largest largest;
    const auto l = static_cast<float>(2.0 * std::log(t_));
    for (std::size_t arm = 0; arm < arms_; ++arm) {
      const float r = 1.0F / n_[arm];
      largest.take(arm, s_[arm] * r + std::sqrt(l * r));
    }
    chosen_ = largest.arm;
  }
  void thompson() noexcept {
    Largest largest;
    for (std::size_t arm = 0; arm < arms_; ++arm) {
      const double a = rng_.gamma(1.0 + static_cast<double>(s_[arm]));
      const double b = rng_.gamma(1.0 + static_cast<double>(n_[arm] - s_[arm]));
      largest.take(arm, static_cast<float>(a / (a + b)));
    }
    chosen_ = largest.arm;
  }
  void epsilon_greedy() noexcept {
    if (rng_.uniform() < 0.1) {
      chosen_ = static_cast<std::size_t>(rng_.uniform() * static_cast<double>(arms_));
      return;
    }
    Largest largest;
    for (std::size_t arm = 0; arm < arms_; ++arm) {
      largest.take(arm, s_[arm] / n_[arm]);
    }
    chosen_ = largest.arm;
  }
  void lin_ucb() noexcept {
    Largest largest;
    for (std::size_t arm = 0; arm < arms_; ++arm) {
      const float* p = inverse_.data() + arm * d_ * d_;
      const float* w = weights_.data() + arm * d_;
      float q = 0.0F;
      float m = 0.0F;
      for (std::size_t i = 0; i < d_; ++i) {
        float h = 0.0F;
        for (std::size_t j = 0; j < d_; ++j) {
          h += p[i * d_ + j] * x_[j];
        }
        q += h * x_[i];
        m += w[i] * x_[i];
      }
      largest.take(arm, m + std::sqrt(q));
    }
    chosen_ = largest.arm;
  }
  void squarecb() noexcept {
    Largest largest;
    for (std::size_t arm = 0; arm < arms_; ++arm) {
      const float* w = weights_.data() + arm * d_;
      float m = 0.0F;
      for (std::size_t i = 0; i < d_; ++i) {
        m += w[i] * x_[i];
      }
      scores_[arm] = m;
      largest.take(arm, m);
    }
    const float gamma = 10.0F * static_cast<float>(std::sqrt(t_));
    float total = 0.0F;
    for (std::size_t arm = 0; arm < arms_; ++arm) {
      if (arm != largest.arm) {
        scores_[arm] = 1.0F / (static_cast<float>(arms_) + gamma * (largest.best - scores_[arm]));
        total += scores_[arm];
      }
    }
    scores_[largest.arm] = 1.0F - total;
    chosen_ = largest.arm;
    double left = rng_.uniform();
    for (std::size_t arm = 0; arm < arms_; ++arm) {
      left -= static_cast<double>(scores_[arm]);
      if (left <= 0.0) {
        chosen_ = arm;
        break;
      }
    }
  }
  void gradient_step(float reward) noexcept {
    float* w = weights_.data() + chosen_ * d_;
    float m = 0.0F;
    float square = 0.0F;
    for (std::size_t i = 0; i < d_; ++i) {
      m += w[i] * x_[i];
      square += x_[i] * x_[i];
    }
    const float step = 0.1F * (reward - m) / (1.0F + square);
    for (std::size_t i = 0; i < d_; ++i) {
      w[i] += step * x_[i];
    }
  }
  void update() noexcept {
    const auto reward = static_cast<float>(rewards_.draw(chosen_));
    if (kind_ == FloorKind::squarecb) {
      return gradient_step(reward);
    }
    if (kind_ != FloorKind::lin_ucb) {
      n_[chosen_] += 1.0F;
      s_[chosen_] += reward;
      return;
    }
    float* p = inverse_.data() + chosen_ * d_ * d_;
    float* w = weights_.data() + chosen_ * d_;
    float q = 1.0F;
    float m = 0.0F;
    for (std::size_t i = 0; i < d_; ++i) {
      float h = 0.0F;
      for (std::size_t j = 0; j < d_; ++j) {
        h += p[i * d_ + j] * x_[j];
      }
      z_[i] = h;
      q += h * x_[i];
      m += w[i] * x_[i];
    }
    const float step = 1.0F / q;
    for (std::size_t i = 0; i < d_; ++i) {
      const float f = z_[i] * step;
      for (std::size_t j = 0; j < d_; ++j) {
        p[i * d_ + j] -= f * z_[j];
      }
      w[i] += (reward - m) * f;
    }
  }

  FloorKind kind_;
  std::size_t arms_;
  std::size_t d_;
  std::span<const float> rows_;
  std::vector<float> n_, s_, x_, z_, inverse_, weights_, scores_;
  std::size_t row_ = 0;
  std::size_t chosen_ = 0;
  double t_ = 1.0;
  Xorshift rng_;
  Rewards rewards_;
};

}  // namespace

std::unique_ptr<Floor> ATTUNE_FLOOR_NAME(FloorKind kind, std::size_t arms, std::size_t features,
                                         std::span<const float> rows) {
  return std::make_unique<PlainLoop>(kind, arms, features, rows);
}

}  // namespace attune::bench
