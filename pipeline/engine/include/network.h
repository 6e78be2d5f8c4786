// What the generated network.cpp defines.

#ifndef CURRENTS_NETWORK_H
#define CURRENTS_NETWORK_H

#include <memory>
#include <vector>

#include "group.h"

// Names the equations, channels and recorders that the loops are of. Another network may have variables of the same names.
extern const char network_key[];

// One object per group of neurons, its arrays declared but not yet allocated.
std::vector<std::unique_ptr<currents::Group>> make_groups(currents::Clock& clock);

#endif  // CURRENTS_NETWORK_H
