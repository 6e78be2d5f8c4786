// The lines of a description about groups of neurons and what their variables start from.

#ifndef CURRENTS_GROUP_READER_H
#define CURRENTS_GROUP_READER_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "input_folder.h"
#include "lookup.h"
#include "sampling.h"

namespace currents {

class GroupReader {
  public:
    GroupReader(Simulation& simulation, InputFolder& inputs, std::int64_t seed)
        : simulation_(simulation),
          inputs_(inputs),
          seed_(seed),
          global_(simulation.groups.size()),
          n_variables_(simulation.groups.size()) {}

    // Number of neurons of all groups.
    std::size_t n_neurons() const { return n_neurons_; }

    // For each global index, the index in a group; -1 where the neuron is not of that group.
    std::vector<std::int32_t> local_indices(const Members& members) const {
        std::vector<std::int32_t> local(n_neurons_, -1);
        const std::vector<std::int32_t>& global = global_[index_of(simulation_, members)];
        for (std::size_t i = 0; i < global.size(); ++i) {
            local[static_cast<std::size_t>(global[i])] = static_cast<std::int32_t>(i);
        }
        return local;
    }

    // group NAME N_NEURONS FILE N_VARIABLES: the group's size, the global index of each of its neurons, and how many
    // variables the lines that follow give values to.
    void read_group(Line& line) {
        Members& members = find_members(simulation_, line, line.word());
        const std::int64_t n = line.whole(1, most_int32);
        std::vector<std::int32_t> global = read_npy<std::int32_t>(inputs_.use(line, line.word()));
        if (static_cast<std::int64_t>(global.size()) != n) {
            line.refuse("has a list of neurons of another length", std::to_string(n), std::to_string(global.size()));
        }
        if (members.group->n_neurons() > 0) {
            line.refuse("describes a group a second time", "", members.name());
        }
        n_variables_[index_of(simulation_, members)] = line.whole();
        members.group->allocate(n);
        n_neurons_ += global.size();
        global_[index_of(simulation_, members)] = std::move(global);
        prepare(members);
    }

    // Every group must have been described, and every neuron be in one of them.
    void finish_groups(const std::string& place) const {
        for (const Members& members : simulation_.groups) {
            if (members.group->n_neurons() == 0) {
                throw InputFailure(place, "says nothing of the group " + members.name());
            }
        }
        std::vector<bool> is_member(n_neurons_, false);
        for (const std::vector<std::int32_t>& global : global_) {
            for (const std::int32_t neuron : global) {
                const auto i = static_cast<std::size_t>(neuron);
                if (neuron < 0 || i >= n_neurons_ || is_member[i]) {
                    throw InputFailure(place, "has groups that do not have each neuron once",
                                       "0 to " + std::to_string(n_neurons_) + " - 1", std::to_string(neuron));
                }
                is_member[i] = true;
            }
        }
    }

    // All variables must have been given their values, of all neurons.
    void finish_variables(const std::string& place) const {
        for (std::size_t i = 0; i < global_.size(); ++i) {
            Members& members = simulation_.groups[i];
            std::int64_t n = 0;
            for (Array& array : members.group->arrays()) {
                const Given* given = find_given(array);
                n += given && (given->is_whole || given->end == members.group->n_neurons());
                if (given && array.type() == ItemType::float64) {
                    check_left_out(place, array);
                }
            }
            if (n != n_variables_[i]) {
                throw InputFailure(place, "does not give values to all variables of " + members.name(),
                                   std::to_string(n_variables_[i]), std::to_string(n));
            }
        }
    }

    // number GROUP VARIABLE VALUE: the same for all neurons.
    void read_number(Line& line) {
        Array& array = find_unset(line);
        const double value = line.number();
        check_value(line, array, value);
        for (std::int64_t i = 0; i < array.size(); ++i) {
            array.set(i, value);
        }
    }

    // values GROUP VARIABLE FILE: one for each neuron, or NaN where it is sampled.
    void read_values(Line& line) {
        Array& array = find_unset(line);
        const std::string file = inputs_.use(line, line.word());
        const std::vector<double> values = read_npy<double>(file);
        if (static_cast<std::int64_t>(values.size()) != array.size()) {
            throw InputFailure(file, "is of the wrong length", std::to_string(array.size()),
                               std::to_string(values.size()));
        }
        for (std::int64_t i = 0; i < array.size(); ++i) {
            const double value = values[static_cast<std::size_t>(i)];
            const bool is_left_out = value != value && array.type() == ItemType::float64 && !array.shared();
            if (!is_left_out) {
                check_value(line, array, value);
            }
            array.set(i, value);
        }
    }

    // sample GROUP VARIABLE BEGIN END uniform LOW HIGH STREAM | sample … normal MEAN SD STREAM: by the run's seed, for
    // some neurons; other lines say what all the others start from.
    void read_sample(Line& line) {
        Members& members = find_members(simulation_, line, line.word());
        Array& array = find_array(line, members, line.word());
        std::int64_t begin = 0, end = 0;
        read_range(line, members, begin, end);
        if (array.type() != ItemType::float64 || array.shared()) {
            line.refuse("samples a variable that is not a real number of each neuron", "", array.variable());
        }
        take_range(line, array, begin, end);
        const std::string kind = line.word();
        const double a = line.number(), b = line.number();
        const Key key = derive_key(seed_, line.word());
        const bool is_uniform = kind == "uniform";
        if (!is_uniform && kind != "normal") {
            line.refuse("has another distribution", "uniform or normal", kind);
        }
        if (is_uniform ? a > b : b < 0.0) {
            line.refuse("has a distribution that is none");
        }
        double* values = array.values<double>();
        for (std::int64_t i = begin; i < end; ++i) {
            const auto index = static_cast<std::uint64_t>(i - begin);
            values[i] = is_uniform ? sample_uniform(key, index, a, b) : sample_normal(key, index, a, b);
            check_value(line, array, values[i]);
        }
    }

    // refractory GROUP FILE: steps, one number or one per neuron.
    void read_refractory(Line& line) {
        Members& members = find_members(simulation_, line, line.word());
        const std::string file = inputs_.use(line, line.word());
        std::vector<std::int64_t> steps = read_npy<std::int64_t>(file);
        const auto n = static_cast<std::int64_t>(steps.size());
        if (!members.group->find("_ready_step") || (n != 1 && n != members.group->n_neurons())) {
            throw InputFailure(file, "does not fit the group " + members.name());
        }
        for (const std::int64_t n_steps : steps) {
            if (n_steps < 0 || n_steps > most_whole / 2) {
                throw InputFailure(file, "has a number of steps that is none", "", std::to_string(n_steps));
            }
        }
        members.refractory_steps = std::move(steps);
    }

  private:
    // What is known of an array whose values have been given, all of them or those of the first neurons.
    struct Given {
        const Array* array;
        bool is_whole;
        std::int64_t end;
    };

    // What Brian2's groups have from the start, besides values.
    static void prepare(Members& members) {
        Group& group = *members.group;
        if (group.find("_ready_step")) {
            char* not_refractory = group.find("not_refractory")->values<char>();
            std::fill(not_refractory, not_refractory + group.n_neurons(), char{1});
            members.refractory_steps = {0};
        }
        if (Array* last = group.find("lastspike")) {
            double* lastspike = last->values<double>();
            std::fill(lastspike, lastspike + group.n_neurons(), -1e4);
        }
        if (Array* index = group.find("i")) {
            for (std::int64_t i = 0; i < group.n_neurons(); ++i) {
                index->values<std::int32_t>()[i] = static_cast<std::int32_t>(i);
            }
        }
    }

    static void check_left_out(const std::string& place, Array& array) {
        const double* values = array.values<double>();
        for (std::int64_t i = 0; i < array.size(); ++i) {
            if (values[i] != values[i]) {
                throw InputFailure(place, "says nothing of " + array.variable() + " of neuron " + std::to_string(i));
            }
        }
    }

    const Given* find_given(const Array& array) const {
        for (const Given& given : given_) {
            if (given.array == &array) {
                return &given;
            }
        }
        return nullptr;
    }

    // The array of GROUP VARIABLE, all of whose values the line is going to set.
    Array& find_unset(Line& line) {
        Members& members = find_members(simulation_, line, line.word());
        Array& array = find_array(line, members, line.word());
        if (find_given(array)) {
            line.refuse("sets a variable that has been set", "", array.variable());
        }
        given_.push_back({&array, true, 0});
        return array;
    }

    // Ranges that are sampled follow each other; they may be taken out of what has been set.
    void take_range(const Line& line, const Array& array, std::int64_t begin, std::int64_t end) {
        if (!find_given(array)) {
            given_.push_back({&array, false, 0});
        }
        Given& given = given_[static_cast<std::size_t>(find_given(array) - given_.data())];
        if (begin < given.end || (begin > given.end && !given.is_whole)) {
            line.refuse("samples neurons out of order", std::to_string(given.end), std::to_string(begin));
        }
        given.end = end;
    }

    Simulation& simulation_;
    InputFolder& inputs_;
    std::int64_t seed_;
    std::size_t n_neurons_ = 0;
    std::vector<std::vector<std::int32_t>> global_;
    std::vector<std::int64_t> n_variables_;
    std::vector<Given> given_;
};

}  // namespace currents

#endif  // CURRENTS_GROUP_READER_H
