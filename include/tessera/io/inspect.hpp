#pragma once

#include "tessera/io/inspect/describe.hpp"
