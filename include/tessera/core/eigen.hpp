#pragma once

// The one way to Eigen: a header includes this before any header of Eigen's. Tessera spreads work
// over threads itself, on a grid that does not depend on their number. With -fopenmp Eigen would
// spread it again, and then the bits of a product depend on the number of threads.

#if defined(EIGEN_HAS_OPENMP)
#error \
    "Eigen was included with -fopenmp before Tessera: results would depend on the number of \
threads. Include Tessera first, or define EIGEN_DONT_PARALLELIZE."
#endif
#if !defined(EIGEN_DONT_PARALLELIZE)
#define EIGEN_DONT_PARALLELIZE
#endif

#include <Eigen/Core>
