#include "tessera/core/eigen.hpp"

#include "support/catch.hpp"

// tests/structure/check_flags.sh compiles this header with flags that change results.

namespace tessera {

TEST_CASE("Eigen computes on the calling thread alone, whatever flags there are") {
#if defined(EIGEN_HAS_OPENMP)
  FAIL("Eigen would spread a product over threads");
#endif
  CHECK((Eigen::Matrix2d::Identity() * 2.0).trace() == 4.0);
}

}  // namespace tessera
