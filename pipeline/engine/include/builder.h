// From the description of a run to a simulation that is ready to start.

#ifndef CURRENTS_BUILDER_H
#define CURRENTS_BUILDER_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "disk_thread.h"
#include "run_folder.h"
#include "simulation.h"
#include "steps.h"

namespace currents {

// What is asked for; what is not, is as in the description.
struct Request {
    // The folder of program.txt.
    std::string inputs;
    bool has_seed = false;
    std::int64_t seed = 0;
    // Not owned; nullptr when none was given.
    const Duration* duration = nullptr;
    // That take part in the steps; the disk thread is not one of them.
    std::size_t n_threads = 1;
};

// Read a run's inputs, and prepare the folder that it records into. The request gets the run's seed. Throws
// InputFailure when an input is missing, damaged, or does not fit the others, UsageFailure when it does not fit what is
// asked for.
std::unique_ptr<Simulation> build_simulation(Request& request, RunFolder& run, DiskThread& disk);

}  // namespace currents

#endif  // CURRENTS_BUILDER_H
