#include <attune/attune.hpp>
#include <cstdio>

int main() {
  // Two models; the second is better. attune does not know that yet.
  attune::Engine engine = attune::Engine::open(R"({
      "seed": 1,
      "points": {"model": {"policy": {"type": "thompson_beta"}, "arms": ["small", "large"]}}})")
                              .value();
  const attune::PointId model = engine.point("model").value();

  int large = 0;
  attune::Decision decision;
  for (int request = 0; request < 1000; ++request) {
    if (engine.decide(model, {}, {}, decision) != attune::Errc::ok) {
      return 1;
    }
    const bool good = request % 10 < (decision.arm == "large" ? 9 : 6);  // the real world
    if (engine.outcome(decision.id, good ? 1.0 : 0.0) != attune::Errc::ok) {
      return 1;
    }
    if (!engine.pump()) {  // learn
      return 1;
    }
    large += decision.arm == "large" ? 1 : 0;
  }
  std::printf("chose the better model in %d of 1000 requests\n", large);
}
