#pragma once

#include "tessera/io/preprocessing/preprocessing.hpp"
