// From the description of a run to a simulation that is ready to start.

#ifndef CURRENTS_BUILDER_H
#define CURRENTS_BUILDER_H

#include <memory>
#include <string>

#include "simulation.h"

namespace currents {

// Read a run's inputs. Throws InputFailure when one is missing, damaged, or does not fit the others.
// n_threads: that take part in the steps; the disk thread is not one of them.
std::unique_ptr<Simulation> build_simulation(const std::string& run_folder, std::size_t n_threads, DiskThread& disk);

}  // namespace currents

#endif  // CURRENTS_BUILDER_H
