#pragma once

#include "tessera/io/inspect/self_test.hpp"
